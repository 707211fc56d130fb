"""Ways to write a firm's name that the matcher was not made for: `python -m benchmarks.match --unseen`."""

import csv
import random
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from core.records import RegistryEntry
from enterprises.name_keys import Sounds

SYNONYMS_TOLD = (
    "科技:技术 电子:电子科技 电器:电气 电缆:线缆 食品:食品加工 贸易:商贸 实业:实业发展 建材:建筑材料 化工:化学 "
    "机械:机械制造 塑料:塑胶 包装:包装材料 服饰:服装 家具:家居 照明:灯饰 新能源:能源 汽车配件:汽配 "
    "农业开发:农业发展 生物科技:生物技术 医疗器械:医疗设备 环保科技:环保 装饰工程:装饰 物流:运输 "
    "电子商务:网络科技 五金制品:五金 陶瓷:瓷业 纸业:纸品 玩具:玩具制造 消防设备:消防器材 锂电:锂电池 "
    "电动车:电动自行车 燃气具:燃具 烟花:烟花爆竹 粮油:米业 水泥:建材 钢铁:钢材 涂料:油漆 "
    "纺织:纺织品 鞋业:制鞋 门窗:铝材"
)
SYNONYMS = dict(pair.split(":") for pair in SYNONYMS_TOLD.split())
BEFORE = ("标称生产者：", "生产企业:", "被抽样单位 ", "关于")
FUZZY = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ang", "an"), ("eng", "en"), ("ing", "in"), ("n", "l"))


class Made(Protocol):
    """A made-up firm by its parts: benchmarks.match.MadeFirm."""

    @property
    def entry(self) -> RegistryEntry: ...
    @property
    def place(self) -> str: ...
    @property
    def own(self) -> str: ...
    @property
    def trade(self) -> str: ...
    @property
    def form(self) -> str: ...


Kind = Callable[[Made], tuple[str, str] | None]


def unseen_kinds(draw: random.Random, sounds: Sounds, shared: Path) -> dict[str, Any]:
    """The kinds, each a question and what other firms must share to fit it as well."""
    _learn(sounds)
    prefectures = _prefectures(shared)
    return {
        "other trade word": lambda f: (f.place + f.own + SYNONYMS.get(f.trade, f.trade) + f.form, "place own"),
        "other legal form": lambda f: (f.place + f.own + f.trade + _other_form(f.form), "name"),
        "province before": lambda f: (f"江西省{f.entry.name}", "name") if f.entry.region_code[:2] == "36" else None,
        "prefecture for county": lambda f: _in_prefecture(f, prefectures),
        "place in brackets": lambda f: (f"{f.own}（{f.place}）{f.trade}{f.form}", "name"),
        "spaced out": lambda f: (" ".join(f.entry.name), "name"),
        "own name in pinyin": lambda f: (f.place + "".join(sounds.spell(f.own)) + f.trade + f.form, "core sound"),
        "cut off": lambda f: (f.entry.name[: max(6, len(f.entry.name) * 2 // 3)], "name"),
        "words before": lambda f: (draw.choice(BEFORE) + f.entry.name, "name"),
        "two homophones": lambda f: _two_homophones(f, draw, sounds),
        # Written after the matcher had learnt from those above; nothing was done about these.
        "a sign masked": lambda f: (_masked(f, draw), "name"),
        "place misspelt": lambda f: (_misplaced(f, draw, sounds), "name"),
        "goods of the brand": lambda f: (f"{f.place}{f.own}牌{f.trade}", "place own"),
        "own name in quotes": lambda f: (f"{f.place}的“{f.own}”{f.trade}公司", "place own"),
        "trade in English": lambda f: _half_english(f, sounds),
        # Of the first ten.
        "slurred pinyin": lambda f: (_slurred("".join(sounds.spell(f.entry.name)), draw), "name"),
    }


def _other_form(form: str) -> str:
    return {"有限公司": "有限责任公司", "有限责任公司": "公司", "股份有限公司": "有限公司", "厂": "有限公司"}[form]


def _in_prefecture(firm: Made, prefectures: Mapping[str, str]) -> tuple[str, str] | None:
    name = prefectures.get(firm.entry.region_code[:4])
    if name is None or firm.entry.region_code[:2] != "36" or firm.place.startswith(name[:2]):
        return None
    return name + firm.own + firm.trade + firm.form, "core"


def _two_homophones(firm: Made, draw: random.Random, sounds: Sounds) -> tuple[str, str] | None:
    """One in the own name, one in the trade: characters of the same sound, the usual ones."""
    text = list(firm.own + firm.trade)
    for first, last in ((0, len(firm.own)), (len(firm.own), len(text))):
        place = draw.randrange(first, last)
        others = [char for char in HOMOPHONES.get(sounds.spell(text[place])[0], "") if char != text[place]]
        if not others:
            return None
        text[place] = draw.choice(others)
    return firm.place + "".join(text) + firm.form, "name"


COMMON = (
    "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后"
    "多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些"
    "然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系"
    "军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别"
    "她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思"
    "术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张"
    "信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近矿千周委"
    "素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置"
    "派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严"
)
HOMOPHONES: dict[str, str] = {}


def _learn(sounds: Sounds) -> None:
    for char in COMMON:
        HOMOPHONES.setdefault(sounds.spell(char)[0], "")
        HOMOPHONES[sounds.spell(char)[0]] += char


def _masked(firm: Made, draw: random.Random) -> str:
    place = draw.randrange(len(firm.own))
    return f"{firm.place}{firm.own[:place]}{draw.choice('*某×')}{firm.own[place + 1 :]}{firm.trade}{firm.form}"


def _misplaced(firm: Made, draw: random.Random, sounds: Sounds) -> str:
    others = [char for char in HOMOPHONES.get(sounds.spell(firm.place[0])[0], "") if char != firm.place[0]]
    return (draw.choice(others) if others else "") + firm.place[1:] + firm.own + firm.trade + firm.form


ENGLISH = {
    "科技": "Technology",
    "电子": "Electronics",
    "电器": "Electric Appliance",
    "照明": "Lighting",
    "玩具": "Toys",
}


def _half_english(firm: Made, sounds: Sounds) -> tuple[str, str] | None:
    if firm.trade not in ENGLISH:
        return None
    place, own = ("".join(sounds.spell(text)).title() for text in (firm.place.rstrip("市区县"), firm.own))
    return f"{place} {own} {ENGLISH[firm.trade]} Co., Ltd.", "core sound"


def _slurred(letters: str, draw: random.Random) -> str:
    """As somebody from the south may spell it: one or two sounds confused."""
    for wrong, right in draw.sample(FUZZY, 2):
        letters = re.sub(wrong, right, letters, count=1)
    return letters


def _prefectures(shared: Path) -> dict[str, str]:
    """The first four digits of a code to the name of the prefecture."""
    with (shared / "divisions" / "china_pca_plus_jiangxi_towns.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    return {row["code"][:4]: row["name"] for row in rows if row["level"] == "city"}
