"""Who published a text and who wrote it: labelled in the strip, named by their box, or standing beside the date."""

import re
from collections.abc import Iterable

from crawlers.page import HARDLY, ORIGIN, WRITER, Page
from crawlers.strip import (
    ABOVE,
    ANY_LABEL,
    DATE,
    EDITOR_LABEL,
    ORIGIN_LABEL,
    SPLIT_LABEL,
    TOOLS,
    WAY,
    WRITER_LABEL,
    Places,
    above,
    below,
    between,
    elsewhere,
    is_strip,
)

BEGIN = r"(?:^|[\s\[【(（|｜·、/>\d])"
VALUE = rf"[\[【(（]?\s*(?!{ANY_LABEL}\s*[:：])(?P<value>[^\s|｜:：，。；,;\[\]【】()（）<>]{{2,30}})"
"""A name after a label; the next label is none."""
OUTLETS = r"(?:[一-鿿]{0,8}(?:报|网|社|台|刊|见习|特约))?"
PERSON = r"(?P<value>[一-鿿·]{2,4})"
ORIGIN_TEXT = re.compile(rf"{BEGIN}(?:{ORIGIN_LABEL})\s*[:：]\s*{VALUE}", re.IGNORECASE)
ENGLISH_ORIGIN = re.compile(r"(?:^|\n)(?:From|Source)\s*:\s*(?P<value>[A-Z][^\n|:]{2,60})")
WRITER_TEXT = re.compile(
    rf"{BEGIN}(?:{WRITER_LABEL})\s*[:：]\s*(?:(?:本报|本网|见习|特约)*(?:记者|通讯员)\s*)?{VALUE}", re.IGNORECASE
)
REPORTER = re.compile(rf"(?:^|[\s□■◎●·|]){OUTLETS}记者\s+{PERSON}(?=\s|$|[/／文摄、，])")
ENGLISH_WRITER = re.compile(r"(?:^|\n)By\s+(?P<value>[A-Z][\w.'’-]+(?:\s+[A-Z][\w.'’-]+){1,3})(?=\s*(?:\n|$|[|,·]))")
DATELINE = re.compile(rf"^.{{0,20}}?[（(]{OUTLETS}记者\s*[:：]?\s*{PERSON}(?=[\s、，）)])")
"""`本报讯（记者 何苗 通讯员 罗海波）` at the beginning of the text."""
EDITOR_TEXT = re.compile(rf"{BEGIN}{EDITOR_LABEL}\s*[:：丨|]\s*{VALUE}")
NOBODY = re.compile(
    r"(?:.*[@\d].*|网络\w*|转载\w*|.*(?:网|在线)|admin\w*|佚名|未知|匿名\w*|不详|无|管理员|网站管理员|编辑|记者|本站编辑|user\w*"
    r"|none|null|unknown|by)",
    re.IGNORECASE,
)
NO_ORIGIN = frozenset(("未知", "不详", "网络", "无", "unknown", "none", "null"))
OUTLET = re.compile(
    r"[一-鿿A-Za-z·-]{2,14}(?:网|报|周刊|社|台|客户端|发布|融媒\w{0,3}|新闻|在线|观察|视点|局|委|消委会|消保委|消协|协会"
    r"|委员会|中心|科|处|办|政府|频道|公安|消防|市场监管|杂志|头条|播报|之声|传媒|时报|导报|法院|检察院|大队|支队)"
)


REPORT = re.compile(r"(?:[通简公汇预举申月季海电]|(?<![青少])年)报$|新闻发布$|^(?:第|关于)")
"""No paper, though it ends like one."""


def origin_of(page: Page, places: Places) -> str:
    """Who published the text; empty where the page does not say."""
    beside, over = between(page, places), above(page, places)
    return (
        _labelled_origin(beside)
        or _labelled_origin(over)
        or _by_role(page, places, ORIGIN)
        or _outlet(beside)
        or _outlet(over, reach=0)
        or _labelled_origin(below(page, places))
        or _labelled_origin(elsewhere(page))
    )


def writer_of(page: Page, places: Places, stated: str = "") -> str:
    """Who wrote it: 作者, 记者, who is stated in metas, who stands in a box named so, who the text begins with, the
    editor; never the editor in charge."""
    strips = [
        SPLIT_LABEL.sub(r"\1\2", "\n".join(lines))
        for lines in (between(page, places), above(page, places), below(page, places))
    ]
    first = page.lines[places.first].text if places.first < len(page.lines) else ""
    dateline = DATELINE.match(first)
    return (
        _somebody(WRITER_TEXT, strips)
        or _somebody(REPORTER, strips)
        or _somebody(ENGLISH_WRITER, strips)
        or (stated if NOBODY.fullmatch(stated) is None else "")
        or _by_role(page, places, WRITER)
        or (dateline["value"] if dateline is not None else "")
        or _somebody(EDITOR_TEXT, strips)
    )


def _somebody(form: re.Pattern[str], strips: Iterable[str]) -> str:
    found = (match["value"] for text in strips for match in form.finditer(text))
    return next((value for value in found if NOBODY.fullmatch(value) is None), "")


def _labelled_origin(lines: Iterable[str]) -> str:
    text = SPLIT_LABEL.sub(r"\1\2", "\n".join(lines))
    found = (match["value"] for form in (ENGLISH_ORIGIN, ORIGIN_TEXT) for match in form.finditer(text))
    return next((" ".join(value.split()) for value in found if value.lower() not in NO_ORIGIN), "")


def _by_role(page: Page, places: Places, role: int) -> str:
    """The text of the first box near the title that is named for it: one name, no sentence, no label."""
    start = places.title if places.title is not None and places.title < places.first else places.first
    for line in page.lines[max(0, start - ABOVE) : places.first]:
        for piece, box in line.pieces:
            if not box.role & role or box.role & HARDLY:
                continue
            name = " ".join(piece.split())
            if 2 <= len(name) <= 20 and not any((is_strip(name), DATE.search(name), NOBODY.fullmatch(name))):
                return name
    return ""


def _outlet(lines: list[str], *, reach: int = 1) -> str:
    """The name of a paper, site or authority that stands beside a date, at most `reach` lines off, without a label."""
    for place, text in enumerate(lines):
        near = DATE.search("\n".join(lines[max(0, place - reach) : place + reach + 1]))
        if near is None or len(text) > 80 or WAY.search(text):
            continue
        for token in re.split(r"[\s|｜·,，/]+", DATE.sub(" ", text)):
            if OUTLET.fullmatch(token) and not TOOLS.search(token) and not REPORT.search(token):
                return token
    return ""
