"""Words of trades in the English names of Chinese firms, and the Chinese words that they stand for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TRADES: Mapping[str, tuple[str, ...]] = {
    "technology": ("科技", "技术"),
    "tech": ("科技", "技术"),
    "electronic": ("电子",),
    "electric": ("电器", "电气", "电动"),
    "electrical": ("电器", "电气"),
    "appliance": ("电器", "家电"),
    "lighting": ("照明", "灯饰", "灯具", "光电"),
    "light": ("照明", "灯饰", "灯具"),
    "lamp": ("灯具", "灯饰"),
    "toy": ("玩具",),
    "gift": ("礼品", "工艺品"),
    "craft": ("工艺品", "工艺"),
    "art": ("工艺品", "工艺"),
    "trading": ("贸易", "商贸", "经贸"),
    "trade": ("贸易", "商贸", "经贸"),
    "import": ("进出口",),
    "export": ("进出口",),
    "industry": ("实业", "工业"),
    "industrial": ("实业", "工业"),
    "plastic": ("塑料", "塑胶", "塑业"),
    "rubber": ("橡胶", "橡塑"),
    "furniture": ("家具", "家居"),
    "garment": ("服装", "服饰", "制衣"),
    "clothing": ("服装", "服饰"),
    "apparel": ("服装", "服饰"),
    "textile": ("纺织", "家纺"),
    "battery": ("电池", "蓄电池"),
    "power": ("电源", "动力"),
    "energy": ("能源", "新能源"),
    "vehicle": ("车业", "车辆"),
    "bicycle": ("自行车", "车业"),
    "motor": ("电机", "摩托"),
    "auto": ("汽车", "汽配"),
    "automobile": ("汽车",),
    "part": ("配件", "零部件"),
    "hardware": ("五金",),
    "metal": ("金属", "五金"),
    "steel": ("钢铁", "轧钢"),
    "machinery": ("机械",),
    "machine": ("机械",),
    "equipment": ("设备", "装备"),
    "tool": ("工具",),
    "household": ("家居", "日用品"),
    "home": ("家居", "家纺"),
    "houseware": ("家居", "日用品"),
    "baby": ("婴童", "母婴", "童车"),
    "children": ("婴童", "儿童用品", "童车"),
    "stroller": ("童车",),
    "sport": ("体育", "运动"),
    "shoe": ("鞋业",),
    "leather": ("皮具", "皮革"),
    "cable": ("线缆", "电缆"),
    "wire": ("线缆", "电线"),
    "chemical": ("化工",),
    "cosmetic": ("化妆品",),
    "food": ("食品",),
    "medical": ("医疗", "医疗器械"),
    "paper": ("纸业",),
    "glass": ("玻璃",),
    "ceramic": ("陶瓷",),
    "intelligent": ("智能", "智能科技"),
    "smart": ("智能",),
    "optical": ("光学", "光电"),
    "packaging": ("包装",),
    "fireworks": ("花炮", "烟花"),
    "helmet": ("头盔",),
    "fire": ("消防",),
    "gas": ("燃气", "燃气具"),
    "paint": ("涂料",),
    "coating": ("涂料",),
    "valve": ("阀门",),
    "manufacturing": ("制造",),
    "manufacture": ("制造",),
    "product": ("制品", "用品"),
    "group": ("集团",),
    "international": ("国际",),
    "development": ("发展",),
    "material": ("材料", "建材"),
}
"""English words, singular. The recall mirror cuts the Chinese ones off a name's end."""


def trades_of(word: str) -> tuple[str, ...]:
    """What a word in lower case may stand for, singular or plural; empty where it is no trade."""
    return TRADES.get(word) or TRADES.get(word.removesuffix("s")) or TRADES.get(re.sub("ies$", "y", word)) or ()


@dataclass(frozen=True, slots=True)
class EnglishName:
    """Pinyin with the trade in English: `Ganzhou Yunzhui Technology`. own: yunzhui.  whole: with the place.
    places: region codes.  trades: Chinese words."""

    own: str = ""
    whole: str = ""
    places: frozenset[str] = frozenset()
    trades: frozenset[str] = frozenset()


def english_of(words: Sequence[str], places: Mapping[str, frozenset[str]]) -> EnglishName:
    """A name told apart. words: without legal ones.  places: codes by how a place is spelt."""
    trades = frozenset(trade for word in words for trade in trades_of(word))
    rest = [word for word in words if not trades_of(word)]
    for size in (3, 2, 1):
        codes = places.get("".join(rest[:size]))
        if codes and len(rest) > size:
            return EnglishName("".join(rest[size:]), "".join(rest), codes, trades)
    return EnglishName("".join(rest), "".join(rest), frozenset(), trades)
