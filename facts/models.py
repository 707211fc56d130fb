"""Model numbers: out of a field, and out of prose where the field is empty; what only looks like one is left out."""

import re
import unicodedata
from collections.abc import Iterator

MOST = 200
SEPARATORS = re.compile(
    r"[、，,;；\n]|\s+(?:and|or|&|und|sowie)\s+|(?:和|及|与|以及)(?=[A-Za-z0-9])|(?<=[\w+])/(?=\w*\d)(?=[\w-]{4,})|\s/\s"
)
_NEXT_SENTENCE = re.compile(r"(?<=\w\w)\.\s+[A-Z][a-z].*", re.DOTALL)
NOTHING = re.compile(
    r"(?:unknown|none|not (?:specified|known|applicable|provided)|n/?a|various|all|multiple|see .*|/|-+|—+"
    r"|无|不详|未知|详见.*|见附件|全部|等)\.?",
    re.IGNORECASE,
)
_UNITS = (
    r"(?:k?V(?:AC|DC)?|m?Ah?|k?Wh?|[kMG]?Hz|m?l|[cm]?m|[km]?g|lbs?|oz|in(?:ch)?|ft|%|℃|°C|Ω|dB|K|rpm|psi|bar|pcs?"
    r"|[GTM]B)"
)
_NUMBER = r"\d+(?:\.\d+)?"
TRAPS = re.compile(
    rf"""
      (?:GB|QB|HG|JB|YY|CCC|ISO|IEC|EN|UL|ASTM|ANSI|BS|DIN|AS/NZS|CFR|CSA|JIS)(?:/T)?[-\s/]?[A-Z]?\d[\d.\-:/]*
    | [~≤≥<>]?{_NUMBER}(?:[-~/x×*]{_NUMBER})*\s*{_UNITS}(?:\s*[/x×*~-]*\s*{_NUMBER}\s*{_UNITS})*\s*~?
    | .*[年月日台件辆只个批次元章条款岁].*
    | (?:19|20)\d\d(?:[-/.]\d{{1,2}}){{1,2}} | \d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{2,4}}
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""Standards, ratings, sizes, dates and counts: whole tokens that are no model anywhere."""
GENERAL = re.compile(
    r"""
      \d+ | \d+[.,]\d+ | (?:19|20)\d\d-(?:19|20)?\d\d | \d+(?:st|nd|rd|th|s)
    | \d+-(?:in|by|pack|piece|inch|year|month|day|ounce|foot|speed)\S*
    | [CL]R\d{2,4} | R\d{2,3}[A-Z]? | IPX?\d{1,2} | USB\S* | \d{4}-\d{4}K | [AH]\d | \d[DGK] | (?:A{2,3}|C|D)-?\d?
    | Type-?[AC] | Wi-?Fi\d? | MP[34] | COVID-19 | PM2\.5 | H7N9
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""What prose says of many things, and what no join may rest on: counts, cells, refrigerants, sockets."""
_TOKEN = r"[A-Za-z0-9][A-Za-z0-9./+_-]*"
_LIST = rf"{_TOKEN}(?:\s*(?:,|，|、|;|/|\band\b|\bor\b|&|和|及|与|\band/or\b)+\s*{_TOKEN})*"
_SAID = re.compile(
    r"\b(?:model|style|item|part|catalogue|catalog|product)(?:s|\s+(?:numbers?|nos?\.?|names?|codes?|\#))?"
    rf"(?:\s+(?:are|is|include[sd]?|including))?\s*[:#]?\s*\(?\s*({_LIST})",
    re.IGNORECASE,
)
_SAID_HAN = re.compile(
    r"(?:规格型号|型号规格|产品型号|型号/规格|规格/型号|型号|货号|款号|车型|型番|型式|品番)(?:名称)?(?:分别)?(?:为|是|包括)?"
    rf"\s*[:：]?\s*[“\"]?\s*({_LIST})"
)
_BEFORE_HAN = re.compile(rf"({_LIST})[”\"]?\s*(?:型号|型(?=[\u4e00-\u9fff]))")
_IN_TITLE = re.compile(r"(?<![\w/-])[A-Z]{2,6}-?\d{2,5}(?:[A-Z0-9-]{0,9}[A-Z0-9])?(?![\w/-])")
_PART = re.compile(r"\s*(?:,|，|、|;|/(?=\w{4})|\band\b|\bor\b|&|和|及|与)+\s*|\s+")
_LABEL = re.compile(
    r"^(?:(?:model|style|item)s?\b|型号|规格|No\.)\s*(?:(?:numbers?|nos?\.?)\b|#)?\s*[:：为]?\s*", re.IGNORECASE
)
_ALSO = re.compile(r"^also (?:marked|sold|known)(?: as)?\s+", re.IGNORECASE)


def read_models(text: str) -> tuple[str, ...]:
    """Models of a field that holds nothing else: parted at commas and the like, traps left out."""
    parts = SEPARATORS.split(_NEXT_SENTENCE.sub("", unicodedata.normalize("NFKC", text)))
    return _unique(part for part in map(_trimmed, parts) if part and not _is_trap(part))


def models_in(text: str) -> tuple[str, ...]:
    """Models that prose names as such (`model numbers AB-1 and AB-2`, `型号为XL-48`), letter and digit in each."""
    plain = unicodedata.normalize("NFKC", text[:20_000])
    return _unique(token for token in _named(plain) if is_model(token))


def models_in_title(title: str) -> tuple[str, ...]:
    """Models that stand in a title without being called so: `Bamboo Steam Mop SM-400`."""
    return _unique(token for token in _IN_TITLE.findall(unicodedata.normalize("NFKC", title)) if is_model(token))


def is_model(text: str) -> bool:
    """Whether a token by itself looks like a model: letter and digit, no trap, nothing general."""
    shaped = 3 <= len(text) <= 40 and re.search(r"\d", text) and re.search(r"[A-Za-z]", text)
    return bool(shaped) and not _is_trap(text) and GENERAL.fullmatch(text) is None


def join_key(model: str) -> str:
    """The form in which models of two sources compare: letters and digits only; "" for one that is too general."""
    plain = unicodedata.normalize("NFKC", model)
    key = re.sub(r"[^A-Z0-9]", "", plain.upper())
    return key if len(key) >= 5 and is_model(plain) else ""


def _named(text: str) -> Iterator[str]:
    for pattern in (_SAID, _SAID_HAN, _BEFORE_HAN):
        for match in pattern.finditer(text):
            yield from map(_trimmed, _PART.split(match[1]))


def _trimmed(text: str) -> str:
    return _LABEL.sub("", _ALSO.sub("", text.strip())).strip(" .,;:()[]{}“”\"'（）【】")


def _is_trap(text: str) -> bool:
    return bool(NOTHING.fullmatch(text) or TRAPS.fullmatch(text))


def _unique(found: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:MOST]
