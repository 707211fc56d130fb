"""Which product a text is about, which firm answers for it, and what part each firm plays."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.records import RegistryEntry
from nlp.enterprises import FirmMention
from nlp.firm_names import LAB, PLATFORM, VICTIM_TRADE
from nlp.reading import Reading

_ROLE_CUES: tuple[tuple[str, "re.Pattern[str]", "re.Pattern[str]"], ...] = (
    ("bystander", re.compile(r"(?:确非|并非|不是|误指|误里把|误把|假冒|冒用|仿冒|冒充|打着|贴上)$"), re.compile(
        r"[^。；;\n]{0,16}(?:无关|无任何|遭冒牌|遭仿冒|被仿冒|被冒用|被假冒|打假|只做|不承担责任|没有关系|符合要求|未发现不合格|经复验|全部合格|留样|愿意接受|当成被告|"
        r"出示[^。；;\n]{0,20}(?:合格|有效期内|检验单|检测报告)|出示[^。；;\n]{0,24}(?:未|没有|不)再[^。；;\n]{0,4}(?:供|销|发)货)")),
    ("sampled", re.compile(
        r"(?:被抽样单位|抽样地点|经销单位|受检单位|样品抽自|抽自)(?:为|是|[:：])?$"), re.compile(r"(?!)")),
    ("victim", re.compile(r"(?:受害|被害单位|原告|收到|权利人|被侵权人|被侵权企业|被害单位)$"), re.compile(
        r"[^。；;\n]{0,6}(?:成品仓库|的书面举报|承建|将[^。]{0,20}告上)"
        r"|[^。；;\n]{0,12}(?:所用|使用的|采购的|购进的)[^。；;\n]{0,16}(?:采购自|购自|来自|系)")),
    ("lab", re.compile(r"(?:检验机构|出具机构|委托|送至|送)$"), re.compile(r"(?:出具|检验|检测|实验室)")),
    ("commissioned", re.compile(
        r"(?:受托(?:方|生产企业|加工方?)|代工(?:厂|方|企业)|被委托(?:方|单位)|实际(?:生产者|由))(?:为|是|[:：(（])?$"),
        re.compile(r"[^。；;\n，,]{0,3}(?:代工|贴牌(?:生产|加工)|受托(?:生产|加工))")),
    ("brand_owner", re.compile(
        r"(?:委托方|委托单位|品牌(?:方|商|所有者|持有人)|商标(?:持有人|所有人|注册人|权利人))(?:为|是|[:：(（])?$"),
        re.compile(r"[^。；;\n，,]{0,2}(?:委托[^。；;\n，,]{2,24}(?:生产|加工|代工))")),
    ("maker", re.compile(
        r"(?:标称生产者|标称生产企业|生产企业|标称|生产者|制造商|厂家|采购自|由|系|生产商|生产单位|当事人)(?:为|是|[:：(（])?$"),
        re.compile(r"[^。；;\n，,]{0,3}(?:生产的|生产、|制造|代工|召回|出厂|产品)")),
    ("seller", re.compile(r"(?:进口商|经销商|代理商|购自|从|在|销售者|供货人|老板|店)(?:为|是|[:：])?$"), re.compile(
        r"[^。；;\n，,]{0,4}(?:销售|购买|购入|买的|进的|卖|在售|经营)")),
)  # fmt: skip
_ASKED = re.compile(r"[^。；;\n]{0,16}吗|[^，。；;\n]{0,10}(?:第[一二三]|首次|头一|唯一|个案|个例|偶然|一家)")
"""Is it not X? It is not the first time for X: nothing is taken away."""
_ITSELF = re.compile(r"我司|我公司|我厂|本公司|本厂|本店")
_WITH = ("与", "和", "跟", "同")
_CLEARED_BEFORE = re.compile(
    r"(?:确非|并非|不是|误指|误里把|误把|误认为(?:是)?|误认作|误传(?:是|为)|(?:没|未)(?:有|曾)?说(?:过)?(?:就)?是|认错(?:成|为)?)$"
)
_CLEARED_AFTER = re.compile(
    r"[^。；;！!？?\n]{0,16}(?:无关(?![紧痛])|(?:没有|无)(?:直接|任何|必然)?(?:的)?(?:关系|关联|联系|往来))"
)
"""Said of a firm, these take the charge away from it; that it passes a check or was copied does not."""
_COPIED_BEFORE = re.compile(r"(?:假冒|冒用|仿冒|冒充)[“「\"]?$")
_COPIED_AFTER = re.compile(r"[”」\"]?(?:[^，。；;\n]{0,4}(?:遭|被)(?:冒牌|仿冒|假冒|冒用|盗用)|[^，。；;\n]{0,6}打假)")
_MAKER_SAID = re.compile(
    r"(?:标称生产者|标称生产企业|生产企业|生产者|生产商|生产单位|制造商|厂家|由|系)(?:名称)?(?:为|是|[:：(（])?[^，。；;、]{0,6}$"
)
_MAKER_SAID_AFTER = re.compile(r"[^。；;\n，,]{0,2}(?:生产的|制造|代工|出厂)")
_ROW = re.compile(r"\s*\d{1,3}\s*[/|，,、.．｜\s]|[^|｜\n]{1,40}(?:[|｜][^|｜\n]{0,60}){2,}")
_COMPANY_FORM = re.compile(r"(?:公司|厂|经营部|服务部|店|商行|中心|站)$")
_SELLER_NAME = re.compile(r"(?:经营部|商行|批发部|车行|店|超市|百货|服务部|配件部|广场|零售点|摩配|灯饰|五金)$")
_TITLE_POINTS, _NEAR_POINTS, _BEFORE_POINTS = 2.5, 1.5, 0.75
_BAD_ROLE = {"bystander", "sampled", "victim", "lab", "platform"}
_PASSED = re.compile(r"合格(?!率|证|产品|项)|无关|复查合格|符合要求|所检项目")
_ORDERED, _MADE = (
    re.compile(r"(?:委托|交由|交给|由)$"),
    re.compile(r"[^，。,;；]{0,3}(?:生产|加工|代工|制造|组装|贴牌)"),
)
_ORDER_TAKEN = re.compile(
    r"(?:受委托(?:方|企业|生产企业|生产者|加工方)|被委托(?:方|企业|生产企业)|代工(?:厂|企业|方))(?:为|是|系|[:：])?$"
)
# 亏得家里有漏保, 提着灭火器: what helped is not what failed.
_RESCUING, _RESCUER = (
    re.compile(
        r"(?:亏得?|幸亏|幸好|幸而|多亏|好在|还好有?)[^，。,;；]{0,4}$|(?:提着?|拎着?|拿着?|用|抱着?|来个?|一个)$"
    ),
    2.0,
)
_LABELLED = re.compile(r"标称(?:为|由|是|[:：])?$")
_CASE = re.compile(
    r"(?:^|[。；;\n\s])(?:[一二三四五六七八九十]{1,2}、|\d{1,2}[.、．]|[①-⑨])[^。；;\n]{4,80}案(?=[。；;\n]|$)"
)
_OWN_WORD = 60  # characters in which a statement says whose it is
_OTHER_PART = 4.0  # points that a firm with another part than the maker's loses
_BARE = 3.0  # points that a battery of anything loses against the thing itself
_SHORT_FORM, _LONGEST_OWN = re.compile(r"(?:公司|厂)$"), 4
_LONGEST_ROW = 160  # characters; a longer line is prose, not a row of a table
_LIST_FROM = 2  # two failing firms make a list of several (ANNOTATION.md, jurisdiction_code 3)


@dataclass(frozen=True)
class ProductCard:
    """part_of: a part, its whole and the points the part gets.  trade_words: kinds of firms by product.

    bare: words that by themselves may be a part of any product (电池), by the product they are listed under.
    """

    part_of: tuple[tuple[str, str, float], ...]
    trade_words: Mapping[str, Sequence[str]]
    bare: Mapping[str, frozenset[str]] = field(default_factory=dict)


def roles_of(reading: Reading) -> dict[int, str]:
    """The role of each firm mention by its place.

    maker (also where nothing is said), commissioned (OEM), brand_owner, seller, sampled, lab, platform, victim or
    bystander. Regulators are no firms; they are never found as such.
    """
    roles: dict[int, str] = {}
    text = reading.text
    for firm in reading.firms:
        name = text[firm.start : firm.end]
        before = _before(text, firm, 12)
        after = text[firm.end : firm.end + 30]
        role = ""
        for candidate, left, right in _ROLE_CUES:
            if left.search(before) or right.match(after):
                role = "" if candidate == "bystander" and _ASKED.match(after) else candidate
                break
        if role in ("", "lab", "brand_owner") and (
            (_ORDERED.search(before) and _MADE.match(after)) or _ORDER_TAKEN.search(before)
        ):
            role = "commissioned"
        if LAB.search(name):
            role = "lab"
        elif PLATFORM.search(name):
            role = "platform"
        elif role in ("", "maker") and VICTIM_TRADE.search(name) and firm.id and firm.id.startswith("NIL:"):
            role = "victim"
        elif not role and _SELLER_NAME.search(name):
            role = "seller"
        roles[firm.start] = role or "maker"
    return roles


def cleared_firms(reading: Reading, roles: Mapping[int, str]) -> frozenset[str]:
    """Keys of the firms that the text says are not concerned, and nowhere says they made it."""
    said: set[str] = set()
    making: set[str] = set()
    for firm in reading.firms:
        before = _before(reading.text, firm, 12)
        if _ASKED.match(reading.text, firm.end) or _says_itself(reading, firm.start):
            continue
        if _is_cleared(before, reading.text, firm.end):
            said.add(firm_key(firm))
        elif roles[firm.start] == "maker" and _is_said_to_make(reading.text, firm):
            making.add(firm_key(firm))
    return frozenset(said - making)


def _before(text: str, firm: FirmMention, length: int) -> str:
    """The characters in front of a firm, without the quotation mark it stands in."""
    return text[max(0, firm.start - length) : firm.start].rstrip('“「"')


def _is_cleared(before: str, text: str, end: int) -> bool:
    """并非某某, or 与某某无关; not 某某称与质量无关."""
    return bool(_CLEARED_BEFORE.search(before) or (before.endswith(_WITH) and _CLEARED_AFTER.match(text, end)))


def firm_key(firm: FirmMention) -> str:
    """One key for all mentions of a firm; unlisted names share the beginning of their own name."""
    return firm.id or "?" + "|".join(firm.candidates)


def primary_firm(
    reading: Reading, roles: Mapping[int, str], registry: Mapping[str, RegistryEntry],
    branches: Mapping[str, Sequence[str]], cleared: frozenset[str],
) -> str | None:  # fmt: skip
    """The firm that answers: a registry id, `NIL:<text>`, or None where no single one is named.

    cleared: keys of those that the text takes the charge away from (cleared_firms).
    """
    scores: dict[str, float] = defaultdict(float)
    failing: dict[str, None] = {}
    text = reading.text
    full_names = _full_names(reading)
    innocent = cleared | _copied_firms(reading, roles)
    certfraud = any(issue.id == "certfraud" for issue in reading.asserted)
    for order, firm in enumerate(reading.firms):
        if firm.id is None or firm_key(firm) in innocent:
            continue
        role = roles[firm.start]
        key = full_names.get(firm.id, firm.id)
        line_start, line_end = reading.clauses.line(firm.start)
        line = text[line_start:line_end][:_LONGEST_ROW]
        in_row = _is_row(line, firm.start - line_start, firm.end - line_start)
        points = 1.0 / (1 + 0.15 * order)
        points += _TITLE_POINTS * (firm.end <= reading.title_end)
        points += _near_points(reading, firm.start, in_row)
        points += 1.0 * _is_said_to_make(text, firm)
        points += {"maker": 1.2, "commissioned": 1.2, "brand_owner": 1.0, "seller": 0.3}.get(role, 0.0)
        points -= 1.5 * (firm.brand and key.startswith("NIL:"))
        if role in _BAD_ROLE and not (role == "lab" and certfraud):
            points -= _OTHER_PART
        if in_row and _PASSED.search(line) and "不合格" not in line:
            points -= 5.0
        elif in_row and role == "maker" and (reading.near_issue(firm.start) or "不合格" in line or "合格" not in line):
            failing[key] = None
        scores[key] += points
    if len(failing) >= _LIST_FROM:
        return None
    ranked = sorted(scores.items(), key=lambda pair: -pair[1])
    if not ranked or ranked[0][1] <= 0:
        return None
    return _branch_at(ranked[0][0], reading, registry, branches)


def _says_itself(reading: Reading, place: int) -> bool:
    """Whether the sentence, or the text's beginning, is a firm's own word: that clears nobody."""
    start, end = reading.clauses.sentence(place)
    return bool(_ITSELF.search(reading.text, start, end) or _ITSELF.search(reading.text, 0, _OWN_WORD))


def _copied_firms(reading: Reading, roles: Mapping[int, str]) -> frozenset[str]:
    """Firms whose goods were copied: what the copies do is not their doing, wherever else they are named."""
    return frozenset(
        firm_key(firm)
        for firm in reading.firms
        if roles[firm.start] == "bystander"
        and not _says_itself(reading, firm.start)
        and (
            _COPIED_BEFORE.search(reading.text, max(0, firm.start - 6), firm.start)
            or _COPIED_AFTER.match(reading.text, firm.end)
        )
    )


def _is_row(line: str, start: int, end: int) -> bool:
    """Whether a line is one of a list: numbered, in cells, or begun by a firm's name that a comma ends."""
    if len(line) >= _LONGEST_ROW:
        return False
    begins = (
        start == 0 and bool(_COMPANY_FORM.search(line[:end])) and line[end : end + 1] in ("，", ",", "、", "：", ":")
    )
    return begins or bool(_ROW.match(line))


def _near_points(reading: Reading, place: int, in_row: bool) -> float:
    """A name in the sentence of the harm says more than one in the sentence before it."""
    if in_row or reading.tells_issue(place):
        return _NEAR_POINTS
    return _BEFORE_POINTS * reading.near_issue(place)


def _branch_at(
    firm: str, reading: Reading, registry: Mapping[str, RegistryEntry], branches: Mapping[str, Sequence[str]]
) -> str:
    """The firm's one branch at a place of the text where the firm itself does not sit, else the firm."""
    places = {code for _, _, code in reading.regions}
    head = registry.get(firm)
    if head is None or head.region_code in places or any(found.rule == "registry full name" for found in reading.firms):
        return firm
    there = [branch for branch in branches.get(firm, ()) if registry[branch].region_code in places]
    return there[0] if len(there) == 1 else firm


def _is_said_to_make(text: str, firm: FirmMention) -> bool:
    """Whether the text itself calls the firm the maker."""
    before = _before(text, firm, 14)
    return bool(_MAKER_SAID.search(before) or _MAKER_SAID_AFTER.match(text, firm.end))


def _full_names(reading: Reading) -> dict[str, str]:
    """For each short unlisted name (萌卷, 萌卷公司) the one full unlisted name that holds its own part."""
    unlisted = list(dict.fromkeys(firm.id for firm in reading.firms if firm.id and firm.id.startswith("NIL:")))
    found: dict[str, str] = {}
    own = {name: _SHORT_FORM.sub("", name[4:]) for name in unlisted}
    full = [name for name in unlisted if _COMPANY_FORM.search(name) and len(own[name]) > _LONGEST_OWN]
    for name in unlisted:
        fitting = [other for other in full if name not in full and own[name][:2] in other[4:]]
        if len(fitting) == 1:
            found[name] = fitting[0]
    return found


def several_firms(reading: Reading, roles: Mapping[int, str]) -> bool:
    """Whether the text lists failing firms, or cases (一、…案。二、…案), without singling one out."""
    rows = 0
    seen: set[str] = set()
    for firm in reading.firms:
        line_start, line_end = reading.clauses.line(firm.start)
        line = reading.text[line_start:line_end][:_LONGEST_ROW]
        key = firm_key(firm)
        row = _is_row(line, firm.start - line_start, firm.end - line_start)
        if key in seen or roles[firm.start] != "maker" or not row:
            continue
        if _PASSED.search(line) and "不合格" not in line:
            continue
        seen.add(key)
        rows += 1
    named = {
        firm_key(firm)
        for firm in reading.firms
        if roles[firm.start] == "maker"
        and reading.tells_issue(firm.start)
        and _LABELLED.search(reading.text, max(0, firm.start - 4), firm.start)
    }
    return max(rows, len(named)) >= _LIST_FROM or len(_CASE.findall(reading.text)) > _LIST_FROM


def primary_product(reading: Reading, firm: RegistryEntry | None, card: ProductCard) -> str | None:
    """The product most named, in the title and near the fault first; else what such firms, or this one, make."""
    scores: dict[str, float] = defaultdict(float)
    for order, (start, end, product) in enumerate(reading.products):
        scores[product] += 1.0 + _TITLE_POINTS * (end <= reading.title_end) + _NEAR_POINTS * reading.near_issue(start)
        scores[product] += 0.5 / (1 + order)
        scores[product] -= _RESCUER * bool(_RESCUING.search(reading.text, max(0, start - 6), start))
        if firm is not None and product in firm.products:
            scores[product] += 1.0
    for part, whole, points in card.part_of:
        if part in scores and whole in scores:
            scores[part] += points
    for product, bare in card.bare.items():
        named = {reading.text[start:end] for start, end, found in reading.products if found == product}
        wholes = {whole for part, whole, _ in card.part_of if part == product}
        if named and named <= bare and not wholes & scores.keys():
            scores[product] -= _BARE
    if scores:
        return max(scores, key=lambda product: scores[product])
    if firm is not None and firm.products:
        return firm.products[0]
    for product, words in card.trade_words.items():
        if any(word in reading.text for word in words):
            return product
    return None
