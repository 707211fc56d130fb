"""A firm's name in parts: region, own name (字号), trade, legal form, branch. For comparing names, not for showing.

江西省赣州市云骓锂电科技（集团）有限公司南昌分公司
region 江西省 赣州市, own 云骓, trade 锂电科技, form 集团有限公司, branch 南昌分公司
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from config.lexicon import load_regions
from config.settings import PROJECT
from nlp.normalize import normalize_word

_KEPT = re.compile(r"[^0-9a-z\u3400-\u9fff]+")
_FORM = re.compile(
    r"(?:集团)?(?:控股)?(?:股份有限公司|有限责任公司|有限公司|股份公司|总公司|公司|合伙企业|专业合作社|合作社|个人独资企业)$|"
    r"集团(?:股份)?$|总厂$|(?<![化加])工厂$"
)
_BEHIND = re.compile(r"(?<=公司)(?:[^公司厂]{1,12})$")
"""What forms and lists write behind a name: 盖章, 等 3 家, a number."""
_SMALL = re.compile(r"(?:经营部|经销部|服务部|批发部|销售部|门市部|商行|商店|工作室|厂家|厂商|厂|店|部|行|中心|超市)$")
_BRANCHES = "分公司|子公司|办事处|分厂|分店|门店|门市部|经销部|营业部|经营部|销售部|专卖店|旗舰店"
_BRANCH = re.compile(
    rf"(?<=公司)[^公司厂]{{0,12}}(?:{_BRANCHES}|店|部|厂)$|"
    # Behind 厂 only what is plainly a branch: 厂 in the middle of a name is mostly another character misspelt.
    rf"(?<=[^分]厂)[^公司厂]{{0,12}}(?:{_BRANCHES})$|"
    r"(?<=公司)第?[一二三四五六七八九十\d]{1,3}分?[店厂部]$"
)
_BRANCH_OF_A_SHORT_NAME = re.compile(
    r"(?<=..)(?:官方)?(?:分公司|支公司|分行|支行|分厂|分店|办事处|专卖店|旗舰店|专营店|体验店|加盟店)$"
)
"""Behind a name without its legal form: 江西铜业南昌分公司."""
_LEGAL_WORDS = re.compile(
    r"\b(?:co|company|ltd|limited|inc|incorporated|corp|corporation|llc|plc|group|holdings?|holding|the|of|and)\b"
)
_TRADES = (
    "科技|技术|实业|工业|产业|工贸|贸易|商贸|电子商务|商务|网络|信息|信息技术|软件|数码|通信|通讯|电子|电器|电气|电机|电缆|线缆|电线|光电|"
    "光伏|车业|电动车|自行车|摩托车|汽车|汽配|专用汽车|新能源|能源|电力|动力|锂电|锂能|电池|电源|食品|饮品|饮料|酒业|茶业|粮油|油脂|乳业|"
    "肉业|水产|餐饮|药业|医药|制药|生物|生物科技|医疗|医疗器械|器械|健康|保健品|建设|建筑|建材|建筑工程|工程|装饰|装饰工程|装修|房地产|置业|"
    "地产|物业|物业管理|物流|运输|货运|快递|供应链|塑料|塑胶|塑业|橡胶|包装|包装材料|容器|纸业|纸品|印刷|印务|童车|玩具|文具|文化|文化传媒|"
    "传媒|文化传播|传播|广告|文化用品|体育|体育用品|户外|教育|教育咨询|咨询|管理|管理咨询|企业管理|投资|投资管理|资产管理|基金|金融|保险|"
    "化工|化学|涂料|油漆|化肥|肥业|肥料|复合肥|农药|农资|农业|农业科技|农业开发|种业|农机|林业|牧业|养殖|园林|环保|环保科技|环境|节能|净化|"
    "水处理|水泥|混凝土|砂石|石材|石业|陶瓷|瓷业|玻璃|钢铁|钢业|钢构|钢结构|轧钢|不锈钢|铝业|铜业|金属|金属制品|有色|稀土|矿业|五金|五金制品|"
    "五金机电|机电|机械|机械设备|设备|器材|仪器|仪表|仪器仪表|精密|精工|模具|制造|制品|配件|零部件|轴承|阀门|管件|管业|泵业|消防|消防设备|"
    "安防|照明|灯饰|灯具|家具|家居|家私|家电|厨具|厨卫|卫浴|洁具|门窗|门业|木业|地板|家纺|纺织|针织|服装|服饰|制衣|鞋业|鞋服|皮具|箱包|"
    "皮革|羽绒|化妆品|日化|日用品|生活用品|用品|母婴|童装|珠宝|饰品|礼品|工艺品|工艺|烟花|花炮|爆竹|出口花炮|燃气|燃气具|石化|石油|油品|"
    "气体|液化气|加油站|材料|新材料|复合材料|智能|智能科技|自动化|航空|航天|船舶|半导体|集成电路|微电子|系统|系统集成|开发|发展|进出口|"
    "国际贸易|国际|服务|劳务|人力资源|旅游|酒店|酒店管理|影视|娱乐|百货|超市|商业|零售|连锁|检测|检验|计量|设计|研究|研究院|电子科技"
)
_ALL_TRADE = re.compile(f"(?:{_TRADES})+")
_TRADE_END = re.compile(f"(?:{'|'.join(sorted(_TRADES.split('|'), key=len, reverse=True))})$")
_IN_BRACKETS = re.compile(r"[(（【\[〔]([^()（）【】\[\]〔〕]{2,11})[)）】\]〕]")
_LEVEL = re.compile(r"(?:特别行政区|自治区|自治州|自治县|地区|新区|开发区|[省市区县州盟旗])$")
_TOWN = re.compile(r"(?<=..)[省市区县旗]$")
_SHORTEST = 2
_LONGEST_PLACE = 11


@dataclass(frozen=True, slots=True)
class NameParts:
    """text: the whole, squeezed.  base: without form and branch.  places: region codes that it begins with.
    words: words of a Latin name without legal words, empty for others."""

    text: str
    region: str
    own: str
    trade: str
    form: str
    branch: str
    places: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """Place without 市, 县, 区 and own name, as people say it; empty where there is no place."""
        return _TOWN.sub("", self.region) + self.own if self.region else ""

    @property
    def core(self) -> str:
        """Own name and trade."""
        return self.own + self.trade

    @property
    def base(self) -> str:
        """Without legal form and branch."""
        return self.region + self.own + self.trade


def squeeze(text: str) -> str:
    """Simplified, half width, lower case; without brackets, blanks and signs."""
    return _KEPT.sub("", normalize_word(text).lower().replace("臺", "台"))


@cache
def known_places(config: Path = PROJECT / "config") -> Mapping[str, str]:
    """Region code by name, with and without 省 市 区 县; also of counties elsewhere (their prefecture's code)."""
    regions = load_regions(config / "lexicons" / "regions.csv")
    named = [(region.name, region.code) for region in regions] + list(regions.outside.items())
    found: dict[str, str] = {}
    for region in regions:
        found.setdefault(squeeze(region.short_name), region.code)
    for name, code in named:
        plain = squeeze(name)
        found.setdefault(plain, code)
        short = _LEVEL.sub("", plain)
        if len(short) >= _SHORTEST:
            found.setdefault(short, code)
    return {name: code for name, code in found.items() if _SHORTEST <= len(name) <= _LONGEST_PLACE}


_LABEL = re.compile(
    r"^\s*(?:(?:标称|标示|标识|被抽样|被抽检|受检|抽样|检验|检查|生产|制造|经营|销售|委托|被委托|受托|召回|涉案|当事|投诉)*"
    r"(?:生产者|经营者|销售者|委托方|受托方|当事人|企业名称|单位名称|公司名称|企业|单位|厂家|厂商|商家|公司|名称|人)"
    r"(?:名称)?\s*(?:[:：]\s*|(?<![司厂])\s+)|关于(?=.{4}))"
)


_SEAL = re.compile(r"\s*[(（]?\s*(?:盖章|公章|签章)\s*[)）]?\s*$|(?<=[司厂店部行])等$")


def without_label(text: str) -> str:
    """What somebody asks for without what stands around it in a form: `标称生产者：`, `关于`, `（盖章）`."""
    rest = _SEAL.sub("", _LABEL.sub("", text, count=1)).strip()
    return rest if len(rest) > 1 else text


class NameSplitter:
    """Splits names by one list of places."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self.split = lru_cache(maxsize=50_000)(self.split_new)

    def split_new(self, name: str) -> NameParts:
        """The parts of a name, or of what somebody asks for; without the cache, for names that are met once."""
        text = squeeze(name)
        if text.isascii():
            return _latin(name, text)
        branch = found[0] if (found := _BRANCH.search(text)) else ""
        branch = branch or self._short_branch(text)
        rest = text[: len(text) - len(branch)]
        if not branch and not _FORM.search(rest) and (found := _BEHIND.search(rest)):
            rest = rest[: found.start()]
        form = found[0] if (found := _FORM.search(rest)) and found.start() >= _SHORTEST else ""
        rest = rest[: len(rest) - len(form)]
        if not form and (found := _SMALL.search(rest)) and found.start() > _SHORTEST:
            form = found[0]
            rest = rest[: found.start()]
        at, places = self._region(rest)
        core = rest[at:]
        own = _own(core)
        if places and (len(own) < _SHORTEST or _ALL_TRADE.fullmatch(own[1:])):  # 东湖电子, 万年星装饰
            at = _last_place(places)
            core, places = rest[at:], places[:-1]
            own = _own(core)
        own = own or core
        codes = tuple(code for _start, code in places)
        return NameParts(text, rest[:at], own, core[len(own) :], form, branch, codes)

    def _short_branch(self, text: str) -> str:
        """The branch behind a short name with the place before it; empty where there is none."""
        found = _BRANCH_OF_A_SHORT_NAME.search(text)
        if found is None:
            return ""
        at = found.start()
        sizes = range(min(_LONGEST_PLACE, at - _SHORTEST - 1), _SHORTEST - 1, -1)
        place = next((size for size in sizes if text[at - size : at] in self._places), 0)
        return text[at - place :]

    def place_first(self, text: str) -> str:
        """Own name（place）trade with the place where names mostly have it; anything else as it is."""
        found = _IN_BRACKETS.search(text)
        if found is None or not found.start() or self._places.get(squeeze(found[1])) is None:
            return text
        before = text[: found.start()]
        if self._region(squeeze(before))[1] or _FORM.search(squeeze(before)):
            return text
        return f"{found[1]}{before}{text[found.end() :]}"

    def _region(self, text: str) -> tuple[int, list[tuple[int, str]]]:
        at, places = 0, list[tuple[int, str]]()
        while len(places) < 4:
            for length in range(min(_LONGEST_PLACE, len(text) - at), _SHORTEST - 1, -1):
                code = self._places.get(text[at : at + length])
                if code is not None:
                    places.append((at, code))
                    at += length
                    if text[at : at + 1] in ("省", "市") and len(text) - at > _SHORTEST:
                        at += 1
                    break
            else:
                break
        while places and len(text) - at < _SHORTEST:
            at = places.pop()[0]
        return at, places


def _last_place(places: list[tuple[int, str]]) -> int:
    return places[-1][0]


def _own(core: str) -> str:
    """What stands before the trade; empty where all of it is trade."""
    own = core
    while (found := _TRADE_END.search(own)) and found.start() >= _SHORTEST:
        own = own[: found.start()]
    return "" if _TRADE_END.fullmatch(own) else own


def _latin(name: str, text: str) -> NameParts:
    plain = normalize_word(name).lower().replace(".", "").replace("&", " and ")
    words = tuple(re.findall(r"[a-z0-9]+", _LEGAL_WORDS.sub(" ", plain)))
    own = "".join(words) or text
    return NameParts(text, "", own, "", "", "", (), words)
