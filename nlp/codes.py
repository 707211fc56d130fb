"""Numbers that name a thing: models, batches, standards, licences and certificates.

Standards and licences are mentions of type `standard`, models and batches of type `model`; the rule tells which. The
norm is the number as registers write it: no blanks, capital letters, one kind of dash.
"""

import re

from core.records import MentionType
from nlp.spans import Cover

CodeSpan = tuple[int, int, MentionType, str, str]
"""start, end, type, norm, rule."""

_CODE = r"[A-Za-z0-9][A-Za-z0-9./#+*-]{1,23}[A-Za-z0-9]"
_PATTERNS: tuple[tuple[MentionType, str, "re.Pattern[str]"], ...] = (
    (
        MentionType.STANDARD,
        "standard",
        re.compile(
            r"(?<![A-Za-z])((?:GB|JB|QB|HG|SJ|YB|JG|JC|FZ|CJ|XF|GA|TSG|DB\d{2}|T/[A-Z]{2,8}|EN|IEC|ISO|UL|ASTM)"
            r"(?:/[TZ])?[  ]?(?:[A-Z]?\d{1,2}-)?\d{2,6}(?:\.\d{1,3}){0,2}(?:-\d{1,4}){0,2})(?![\dA-Za-z])"
        ),
    ),
    (
        MentionType.STANDARD,
        "licence",
        re.compile(
            r"(XK\d{2}-\d{3}-?\d{0,5}|[(（][\u4e00-\u9fff]{1,2}[)）][A-Z]{2}安许证字[〔\[(（]\d{4}[〕\])）]\d{3,8}号?)"
            r"|(?:CCC|3C)(?:证书|认证)?(?:编号|号码?)?(?:为|是|[:：])?\s?(\d{16})(?!\d)"
            r"|(?:许可证|证书|CCC|3C)(?:编号|号码?|证书编号)(?:为|是|[:：])?\s?([A-Z0-9][A-Z0-9()（）-]{5,24}\d)"
        ),
    ),
    (
        MentionType.MODEL,
        "batch",
        re.compile(
            rf"(?:批号|批次号|出厂编号|产品编号)(?:为|是|[:：(（])?\s?({_CODE})"
            rf"|(?:批次|编号)(?:为|是|[:：(（])\s?({_CODE})|({_CODE})批次"
        ),
    ),
    (
        MentionType.MODEL,
        "model",
        re.compile(
            rf"(?:规格型号|产品型号|型号规格|型号|规格|车型)(?:为|是|[:：(（])?\s?({_CODE})|({_CODE})型(?![\u4e00-\u9fff]?号)"
        ),
    ),
)
_HAS_DIGIT = re.compile(r"\d")
_HINT = re.compile(r"\d{2}")


def find_codes(text: str, taken: Cover) -> list[CodeSpan]:
    """Codes in normalised text, in order, outside `taken` and not overlapping; each has a digit."""
    if not _HINT.search(text):
        return []
    found: list[CodeSpan] = []
    own = Cover()
    for kind, rule, pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span(match.lastindex or 0)
            free = not taken.overlaps(start, end) and not own.overlaps(start, end)
            if free and _HAS_DIGIT.search(text, start, end):
                own.add(start, end)
                found.append((start, end, kind, _norm(text[start:end]), rule))
    return sorted(found)


def _norm(code: str) -> str:
    return re.sub(r"[\s\u00a0]", "", code).upper().replace("（", "(").replace("）", ")").replace("—", "-")
