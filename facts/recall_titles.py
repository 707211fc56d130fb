"""What the title of a recall says: firms, brand, product, hazard (source catalogue, section 3; titles as agencies
write them)."""

import re
from dataclasses import dataclass

_PLACE = re.compile(r"^\s*[【\[〔]([^】\]〕]{1,12})[】\]〕]\s*")
_RECALLS = re.compile(
    r"(?:决定|宣布|备案|实施|主动|再次|扩大|自愿|紧急|继续|责令|关于|拟|将|对|其|分别|\s)*"
    r"召回(?:范围|实施|部分|一批次?|所有|全部|批次|进口|国产|其|生产的|销售的|经销的|\d{0,2}款|特定|\s)*"
)
_END = re.compile(r"(?:的?(?:公告|通知|通告|公示|声明|新闻|信息|说明|通报)|召回计划|。)+$")
_BRAND = re.compile(r"^[“\"《]?([^，。、]{1,20}?)[”\"》]?(?:牌|品牌)(?!照|匾|坊)[”\"》]?(.+)$")
_QUOTED = re.compile(r"^[“\"《]([^”\"》]{1,20})[”\"》](.+)$")
_LATIN = re.compile(r"^([A-Za-z][A-Za-z0-9&'’.\- ]{1,24}?)(?:\s*[（(][^）)]{1,12}[）)])?(?=[\u4e00-\u9fff])(.+)$")
_FIRM_END = re.compile(r"(?:公司|集团|厂|中心|店|商行|经营部|合作社|工作室|企业|行)$")
_EN = re.compile(
    r"^(?P<firms>.+?)\s+(?:reannounces?|expands?|issues?|announces?)?\s*(?:voluntary\s+)?recall(?:s|ing)?"
    r"(?:\s+(?:of|about|to\s+(?:repair|replace|inspect)))?\s+(?P<product>.+)$",
    re.IGNORECASE,
)
_EN_PASSIVE = re.compile(
    r"^(?P<product>.+?)\s+(?:recalled|recall(?=\s*(?:due|because|;|$)))(?:\s+by\s+(?P<firms>.+?))?"
    r"(?=\s+(?:due|because|after|for|over)\b|;|$)",
    re.IGNORECASE,
)
_WHY = re.compile(
    r"\s+(?:due to|because of|because|over|after|following|for risk of|presenting an?|posing an?)\s+(?P<why>.+)$",
    re.IGNORECASE,
)
_OPSS = re.compile(
    r"^(?:product\s+(?:recall|safety\s+(?:report|alert))|recall)\s*[:：-]\s*(?P<product>.+)$", re.IGNORECASE
)
_NUMBER = re.compile(r"\((\d{4}-\d{4}|[A-Z]{1,3}/\d{4,6}/\d{2}|PSA\d+)\)")
_SELLING = re.compile(r"\s*;\s*(?:sold|made|manufactured|imported|distributed|recall alert)\b.*$", re.IGNORECASE)
_DASH = re.compile(r"^(?P<firms>[^—–]{2,80}?)\s+[—–-]\s+(?P<product>.+)$")
_QUOTED_JA = re.compile(r"^(?P<firms>[^「」]{2,60})「(?P<product>[^」]{1,80})」")
_TAIL = re.compile(r"\s*;\s*.*$|\s*[（(]?recall alert[）)]?\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class TitleFacts:
    """firms: as named, none for a title without.  place: of `【河南】`.  number: the notice's, in brackets."""

    product: str = ""
    brand: str = ""
    firms: tuple[str, ...] = ()
    hazard: str = ""
    place: str = ""
    number: str = ""


def read_title(title: str) -> TitleFacts:
    """The facts of a recall's title; empty for a title of another form."""
    text = " ".join(title.split())
    return _read_han(text) if "召回" in text else _read_latin(text)


def _read_han(text: str) -> TitleFacts:
    place = _PLACE.match(text)
    if place:
        text = text[place.end() :]
    match = _RECALLS.search(text)
    if match is None:
        return TitleFacts()
    before, after = text[: match.start()].strip(" ：:，,"), _END.sub("", text[match.end() :].strip(" ：:，,"))
    firms = tuple(name for name in _firms(before) if _FIRM_END.search(name))
    firms = firms or ((before,) if 2 <= len(before) <= 30 else ())
    brand, product = brand_of(after)
    return TitleFacts(product, brand, firms, place=place[1] if place else "")


def _firms(text: str) -> tuple[str, ...]:
    """Names joined by `、` or `和`."""
    parts = re.split(r"、|，|(?<=公司)(?:和|与|及)", text)
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def brand_of(product: str) -> tuple[str, str]:
    """Brand and product of `某某牌电热水壶`, `“某某”电热水壶`, `ABC电热水壶`; no brand where none is marked."""
    for pattern in (_BRAND, _QUOTED, _LATIN):
        match = pattern.match(product)
        if match and match[2].strip():
            return match[1].strip(), match[2].strip()
    return "", product


def _read_latin(text: str) -> TitleFacts:
    number = _NUMBER.search(text)
    plain = _NUMBER.sub("", text).strip()
    why = _WHY.search(plain)
    hazard = _SELLING.sub("", why["why"]).rstrip(" .") if why else ""
    head = _TAIL.sub("", plain[: why.start()] if why else plain).strip()
    told = number[1] if number else ""
    if match := _QUOTED_JA.match(head):
        return TitleFacts(match["product"].strip(), firms=_one(match["firms"]), hazard=hazard, number=told)
    if match := _OPSS.match(head):
        return TitleFacts(match["product"].strip(), hazard=hazard, number=told)
    if match := _EN_PASSIVE.match(head):
        return TitleFacts(match["product"].strip(), firms=_one(match["firms"]), hazard=hazard, number=told)
    if match := _EN.match(head):
        return TitleFacts(match["product"].strip(), firms=_one(match["firms"]), hazard=hazard, number=told)
    if match := _DASH.match(head):
        return TitleFacts(match["product"].strip(), firms=_one(match["firms"]), hazard=hazard, number=told)
    return TitleFacts(hazard=hazard, number=told)


def _one(name: str | None) -> tuple[str, ...]:
    return (name.strip(),) if name and name.strip() else ()
