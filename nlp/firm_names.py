"""Names of firms that no list has, by their grammar: [place][own name][trade][legal form]."""

import re
from collections.abc import Collection, Mapping

_FORMS = (
    "股份有限公司|有限责任公司|有限公司|集团公司|合伙企业|专业合作社|"
    "经营部|服务部|批发部|营业部|销售部|配件部|门市部|安装部|维修部|加工厂|制品厂|机械厂|造纸厂|总厂|"
    "电料行|商行|车行|五金店|建材店|器材店|灯饰店|材料店|配件店|文具店|灶具店|百货店|电器店|杂货店|家具店|专卖店|便利店|"
    "超市|百货|商场|家电广场|液化气站|加油站|加气站|零售点|供应站|烟花厂|花炮厂|爆竹厂|电线厂|电缆厂|水泥厂|轧钢厂|家具厂|设备厂|"
    "数码店|手机店|母婴店|童装店|服装店|鞋店|日杂店|农资店|水暖店|卫浴店|厨卫店|门窗店|眼镜店|饰品店|礼品店|精品店|玩具店|劳保店|"
    "修理店|维修店|修理厂|汽修厂|管件厂|阀门厂|纸箱厂|塑料厂|塑胶厂|包装厂|印刷厂|板材厂|门窗厂|鞋厂|陶瓷厂|瓷厂|管材厂|钢管厂|扣件厂|型材厂|玻璃厂|"
    "化肥厂|农药厂|油漆厂|树脂厂|气体厂|充装站|日用品厂|五金厂|灯具厂|电瓶厂|"
    "照明厂|电池厂|玩具厂|化工厂|消防设备厂|电器厂|服装厂|涂料厂|出口花炮厂|摩配|灯饰|钢贸"
)
_LEGAL = "|".join(sorted(_FORMS.split("|"), key=len, reverse=True))
_SUFFIX = re.compile(rf"(?:{_LEGAL})(?:[\u4e00-\u9fff]{{2,5}}分公司)?")
_ANY_FORM = re.compile(rf"(?:{_LEGAL})$|店$|厂$")
_COMPANY = re.compile(r"(?:股份有限公司|有限责任公司|有限公司|集团公司)")
_LEFT = re.compile(r"(?:[\u4e00-\u9fffA-Za-z0-9()（）·]|(?<=[\u4e00-\u9fff])-(?=[\u4e00-\u9fff])){1,26}$")
_IN_BRACKETS = re.compile(r"[(（][\u4e00-\u9fff]{2,4}[)）]")  # 沃尔沃汽车销售(上海)有限公司
_LEFT_LIMIT = 28
_HARD = (
    r"当事人|生产者|标称|发现|查获|约谈|委托|记者|名为|购买|起诉|供货方|生产商|制造商|进口商|法院|来自|召回|负责人|被告|原告|"
    r"厂家|公司|市场监管局|监督管理局|监管局|单位|调查|关于|属于|通报|其中|告上|联系|告知|涉及|对于|根据|按照|认定|"
    r"厂商|经销商|业主|商家|品牌|开展|检查|位于|出具|出自|企业|向(?!日葵|阳|荣|上|远|前)|[由对与从被将了是系到在给]|(?<![美奥])的"
)
_HARD_BREAK = re.compile(_HARD)
_BREAK = re.compile(
    rf"{_HARD}|标注|标识|附近|隔壁|当地|(?<![(（])中国|[和及为于即称者至以按经等其让找据把叫去拿跟用买家说查卖上下起年月日号]"
)
_GENERIC = re.compile(
    r"^一(?!汽)|^的|^平台|最大|^(?:楼下|旁边|隔壁|门口|对面|附近|路边|街边|街角|村口|校门口|镇上|县里|城里|网上|线上|家门口|学校)|公共|公众|紧急|什么|哪|某|一家|两家|三家|几家|多家|这家|那家|涉事|本地|有关|各|该|辖区|个|问题|知名|民营|大型|小型"
)
_TOLD_OF = ("的", "这个", "那个", "这家", "那家", "他家", "她家")
"""What ends so before its form is told of, not named (视频里的充装站)."""
_STREET = re.compile(
    r"(?:大道|大街|[\u4e00-\u9fff]路|街|巷|\d号|广场|市场|小区|大厦|商城|花园|\d栋|[门出]口的?)(?=[\u4e00-\u9fff]{2})"
)
_TOWN = re.compile(r"[\u4e00-\u9fff]{2,3}(?:镇|乡|街道)$")
_TOWN_FIRST = re.compile(r"[\u4e00-\u9fff]{2,3}(?:镇|乡|街道)(?=[\u4e00-\u9fff]{2})")
_TRADE = re.compile(
    r"(?:科技|实业|工贸|贸易|商贸|电子商务|电子|电器|电气|电缆|线缆|车业|电动车|新能源|能源|食品|药业|建设|塑料|塑胶|童车|化工|消防|照明|灯饰|"
    r"家具|服饰|纺织|水泥|钢铁|轧钢|建材|包装|容器|涂料|肥业|农机|文化用品|文具|玩具|日化|燃气|厨具|五金|机械|汽车|专用汽车|运输|检测|工程|"
    r"材料|设备|器材|烟花|花炮|制造|制品|进出口|投资|环境|电池|锂电|锂能|电源|用品)+"
)
_LEGAL_END = re.compile(r"(?:牌|品牌|系列|公司|集团)+$")
_MORE_TRADES = (
    "油品|石化|石油|气体|鞋业|家纺|童装|母婴|农资|种业|农业|生物|肥料|复合肥|门窗|卫浴|厨卫|陶瓷|木业|纸业|印刷|礼品|体育|户外|运动|"
    "智能|技术|集团|商店|超市"
)
_TRADE_END = re.compile(f"(?:{_TRADE.pattern}|{_MORE_TRADES})+(?:厂|店|行|部)?$")
_SHORTEST = 2
LAB = re.compile(r"检测|质检|检验|认证|计量|检疫|研究院|鉴定")
PLATFORM = re.compile(r"电子商务|网络科技|平台|商城|优品|拼街")
VICTIM_TRADE = re.compile(r"食品|餐饮|酒店|酒楼|物业|建设|房地产|置业|学校|幼儿园|运输|物流|招标|投资|环境科技")
_TRADE_NAME = re.compile(
    r"[“「\"]([\u4e00-\u9fff]{2,6}(?:新能源|能源|电器|科技|车业|建材|摩配|灯饰|五金|家电|厨具|照明|锂电|电子|化工|燃气|花炮))[”」\"]"
)
_OPEN, _CLOSE = '[“「"]', '[”」"]'
_BRAND = re.compile(
    rf"{_OPEN}([\u4e00-\u9fffA-Za-z0-9]{{2,8}}){_CLOSE}"
    r"(?=牌|品牌|(?:的|等\d*款|等|联名款|[A-Za-z0-9\-]{1,12}型?|嘅雜?杂?牌)?{product}|系列|店铺|专柜|旗舰店|客服|联名款|等\d*款|小程序)"
    rf"|(?:印着|印有|名为|品名|牌子叫|牌子是|标着|喷码|[印写标]的是|商标|品牌|贴牌|叫){_OPEN}?[:：(（]?{_OPEN}?([\u4e00-\u9fff]{{2,5}}|[A-Z][A-Za-z]{{2,14}})(?={_CLOSE})"
    r"|(?:商标|品牌)(?:为|是|[:：]) ?([\u4e00-\u9fff]{2,5}|[A-Z][A-Za-z]{2,14})(?=[，,；;。、)）/\s｜|])"
    r"|(?<=[的台个款只是为用买，。,])([\u4e00-\u9fff]{2,3})牌(?=[\u4e00-\u9fffA-Z0-9])"
    r"|([A-Z][A-Za-z]{2,14})牌"
    r"|#([\u4e00-\u9fff]{2,4})(?={product})"
    r"|(?:品牌|商标)[:：为是 ]?([A-Z][A-Za-z0-9]{2,14})(?![A-Za-z0-9])"
)


def bare_name(name: str, places: Collection[str]) -> str:
    """A firm's or brand's own name: without the places it begins with, its trade and its legal form."""
    form = _COMPANY.search(name)
    own = name[: form.start()] if form else _ANY_FORM.sub("", _LEGAL_END.sub("", name))
    start = 0
    for length in (4, 3, 2) * 2:  # a province and what lies in it
        if own[start : start + length] in places and len(own) - start - length >= _SHORTEST:
            start += length
    rest = own[start:]
    behind = re.match(r"[省市县区](?=[\u4e00-\u9fff]{2})", rest) or _TOWN_FIRST.match(rest)
    own = rest[behind.end() if behind else 0 :]
    without = _TRADE_END.sub("", own)
    return without if len(without) >= _SHORTEST else own


class NameGrammar:
    """Finds full names of firms in normalised text. places: region names (full and short) with their codes."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places = places
        self._longest = max((len(name) for name in places), default=0)

    def find(self, text: str) -> list[tuple[int, int]]:
        """Spans of full names, in order, not overlapping."""
        spans: list[tuple[int, int]] = []
        last_end = 0
        for match in _SUFFIX.finditer(text):
            if match.start() < last_end:
                continue
            start = self._start(text, last_end, match)
            if start is not None:
                spans.append((start, match.end()))
                last_end = match.end()
        return spans

    def _start(self, text: str, floor: int, suffix: re.Match[str]) -> int | None:
        left = _LEFT.search(text, max(floor, suffix.start() - _LEFT_LIMIT), suffix.start())
        if left is None:
            return None
        begin, chunk = left.start(), left.group()
        place = self._place(chunk)
        if place is not None:
            # 珠山区瓷都大道顺心经营部: a shop behind its address is told without it.
            street = None if _COMPANY.search(suffix.group()) else _last(_STREET, chunk, place)
            start = begin + (street if street is not None else self._with_parent(chunk, place))
        else:
            cut = 0
            for found in _BREAK.finditer(_IN_BRACKETS.sub(lambda place: "x" * len(place[0]), chunk)):
                if found.end() <= len(chunk) - 2:
                    cut = found.end()
            own = chunk[cut:].lstrip("()（）县市区省")
            if own.endswith(_TOLD_OF) or not 2 <= len(own) <= (14 if _COMPANY.search(suffix.group()) else 6):
                return None
            start = suffix.start() - len(own)
        return None if self.is_generic(text[start : suffix.end()]) else start

    def is_generic(self, name: str) -> bool:
        """Whether it describes a firm instead of naming one (`上栗花炮厂`, `某五金店`, `这家水泥厂`)."""
        own = self.own_name(name)
        return bool(_GENERIC.search(own)) or not _ANY_FORM.sub("", _TRADE.sub("", own)).strip("县市区镇乡0123456789")

    def _place(self, chunk: str) -> int | None:
        """Where the first place name begins that only an own name stands behind."""
        for start in range(len(chunk) - 2):
            length = self.place_length(chunk, start)
            if (
                length
                and chunk[start - 1 : start] not in ("(", "（")
                and len(chunk) - start - length >= 1
                and not _HARD_BREAK.search(chunk, start + length, len(chunk) - 2)
            ):
                return start
        return None

    def _with_parent(self, chunk: str, place: int) -> int:
        for length in range(2, self._longest + 1):
            if place >= length and chunk[place - length : place] in self._places:
                return place - length
        town = _TOWN.search(chunk[:place])
        return town.start() if town and town.start() > 0 else place

    def place_length(self, text: str, start: int) -> int:
        """The length of the longest place name at `start`, 0 without one."""
        for length in range(min(self._longest, len(text) - start), 1, -1):
            if text[start : start + length] in self._places:
                return length
        return 0

    def place_of(self, name: str) -> str | None:
        """The code of the most specific place a firm's name begins with."""
        code, start = None, 0
        while length := self.place_length(name, start):
            code = self._places[name[start : start + length]]
            start += length
        return code

    def own_name(self, name: str) -> str:
        """A full name without its places and legal form: `泓芯电子科技` of `苏州泓芯电子科技有限公司`."""
        start = 0
        while length := self.place_length(name, start):
            start += length
        town = _TOWN_FIRST.match(name[start:])
        if town:
            start += town.end()
        ends = [match.start() for match in _COMPANY.finditer(name)]
        return name[start : ends[0] if ends else len(name)]


def _last(pattern: "re.Pattern[str]", text: str, start: int) -> int | None:
    """Where the last match behind `start` ends."""
    ends = [match.end() for match in pattern.finditer(text, start)]
    return ends[-1] if ends else None


def core_of(own: str) -> str:
    """What remains of an own name without its trade: `泓芯` of `泓芯电子科技`."""
    for match in _TRADE.finditer(own):
        if match.start() >= 2:
            return own[: match.start()]
    short = re.sub(rf"(?:{_LEGAL})$", "", own)
    return short if len(short) >= 2 else own


def brand_pattern(product: str) -> "re.Pattern[str]":
    """The pattern of brands in no list. product: a regular expression of words that follow a quoted brand."""
    return re.compile(_BRAND.pattern.replace("{product}", product))


def trade_names(text: str) -> list[tuple[int, int]]:
    """Spans of quoted trade names (“鑫旺新能源”)."""
    return [match.span(1) for match in _TRADE_NAME.finditer(text)]
