"""The strip between a page's title and its text: when, from whom, by whom; and the same said elsewhere on the page.

A date needs a label or a place near the headline: a day that the story tells of is no publication date.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from crawlers.dates import Dated, read_dated
from crawlers.page import HARDLY, ORIGIN, WRITER, Line, Page

MAX_STRIP = 160
"""Characters; a longer line is prose."""
ABOVE, BETWEEN, BELOW = 6, 25, 10
"""Lines looked at above the title, between title and text, and below the text."""
CLOCK = r"(?:[\sT,，]*(?:(?:上午|下午|晚上|凌晨|中午|傍晚|早上)\s*)?\d{1,2}\s*(?:[:：]|时|点)\s*\d{2}(?:[:：]\d{2})?\s*(?:Z\b|[+-]\d\d:?\d\d)?(?:\s*[AaPp][Mm]\b)?)?"
WEEKDAY = r"(?:\s*[(（]?(?:星期|周)[一二三四五六日天][)）]?)?"
HAN = "〇○零一二三四五六七八九十"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?"
WITH_YEAR = (
    rf"(?<!\d)\d{{4}}\s*[-/.年·]\s*\d{{1,2}}\s*[-/.月·]\s*\d{{1,2}}(?!\d)\s*[日号]?{WEEKDAY}{CLOCK}"
    rf"|[{HAN}]{{4}}年[{HAN}]{{1,3}}月[{HAN}]{{1,3}}日"
    rf"|\b{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}(?:,?\s+(?:at\s+)?\d{{1,2}}:\d{{2}}(?:\s*[AaPp][Mm])?)?"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+{MONTH},?\s+\d{{4}}(?:,?\s+(?:at\s+)?\d{{1,2}}:\d{{2}})?"
)
TO_NOW = (
    rf"(?<![\d-])\d{{1,2}}\s*(?:月\s*\d{{1,2}}\s*日|[-/]\s*\d{{1,2}}(?=\s+\d{{1,2}}:)){CLOCK}(?!\d)"
    r"|(?:今天|昨天|前天)\s*\d{1,2}:\d{2}|\d{1,3}\s*(?:分钟|小时|天)前|刚刚"
)
SPLIT_DAY = re.compile(r"(?<![\d:.-])(\d{1,2})\s+(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?(?![\d./-])")
DATE = re.compile(f"(?:{WITH_YEAR}|{TO_NOW})", re.IGNORECASE)
YEAR_DATE = re.compile(f"(?:{WITH_YEAR})", re.IGNORECASE)
WEEKDAYS = re.compile(r"\s*[(（]?(?:星期|周)[一二三四五六日天][)）]?\s*")
PUBLISHED = (
    r"(?:发布|发表|发稿|刊发|刊登|公布|公示|公告|上传|录入|添加|创建|提交|来信|来件|提问|咨询|留言|投诉)\s*(?:时间|日期)|发布于|发表于|发布|"
    r"(?<![一-鿿])(?:时间|日期)|掲載日|公表日|公開日|発表日|(?:first\s+)?published(?:\s+(?:on|at|date))?|publication\s+date|posted(?:\s+on)?|"
    r"(?:recall|release|issue)\s+date|date(?:\s+published)?"
)
UPDATED = r"(?:最后|最近)?(?:更新|修改)(?:时间|日期|于|日)?|最終更新日?|(?:last\s+)?(?:updated|modified)(?:\s+(?:on|at))?|编辑于"
MADE = r"(?:成文|生成|印发|发文|签发|制发)(?:时间|日期)"
OTHER = (
    r"(?:截止|截至|有效|生效|实施|施行|回复|答复|办结|办理|开始|结束|失效|废止|活动|开标|报名|召回|受理|处理|检查|抽样|生产|対応開始)\s*"
    r"(?:时间|日期|期|日|于)?(?:至|到)?"
)
LABELLED = re.compile(
    rf"(?:(?P<no>{OTHER})|(?P<made>{MADE})|(?P<updated>{UPDATED})|(?P<published>{PUBLISHED}))\s*[:：]?\s*[\[【(（]?\s*$",
    re.IGNORECASE,
)
TODAY = re.compile(r"今天是|现在是|今日是|当前时间|北京时间|欢迎您|系统时间")
SPLIT_LABEL = re.compile(r"(来|作|记|编|出|日|时|稿)\s+(源|者|辑|处|期|间)(?=\s*[:：])")
ORIGIN_LABEL = (
    r"(?:信息|文章|稿件|新闻|内容|资料|消息)?\s*来\s?源(?:于|单位)?|稿源|出处|发布(?:机构|单位|部门|机关|者)|供稿(?:单位)?|来稿单位|媒体|"
    r"(?<![A-Za-z])(?:source|from)"
)
WRITER_LABEL = r"(?:文章)?作者|(?:本报|本网|见习|特约|实习)*记者|撰文|撰稿|文\s*[/／]\s*|(?<![A-Za-z])(?:author|by)"
EDITOR_LABEL = r"(?<!责任)(?<!责)编\s?辑"
NOISE_LABEL = (
    r"浏览\w*|点击\w*|阅读\w*|访问\w*|人气|字体\w*|字号|责任编辑|责编|审核|校对|签发|文章录入|录入|信息员|分享\w*|关键词|标签|索引号|文号|"
    r"公开方式|受理单位|办理状态|来信人|打印|版次"
)
ANY_LABEL = rf"(?:{ORIGIN_LABEL}|{WRITER_LABEL}|{EDITOR_LABEL}|{NOISE_LABEL}|{PUBLISHED}|{UPDATED}|{MADE})"
ONE_VALUE = rf"[\[【(（]?\s*(?!{ANY_LABEL}\s*[:：])(?P<value>[^\s|｜:：，。；,;\[\]【】()（）<>]{{2,30}})"
BEGIN = r"(?:^|[\s\[【(（|｜·、/>\d])"
ORIGIN_TEXT = re.compile(rf"{BEGIN}(?:{ORIGIN_LABEL})\s*[:：]\s*{ONE_VALUE}", re.IGNORECASE)
ENGLISH_ORIGIN = re.compile(r"(?:^|\n)(?:From|Source)\s*:\s*([A-Z][^\n|:]{2,60})")
WRITER_TEXT = re.compile(
    rf"{BEGIN}(?:{WRITER_LABEL})\s*[:：]\s*(?:(?:本报|本网|见习|特约)*(?:记者|通讯员)\s*)?{ONE_VALUE}", re.IGNORECASE
)
REPORTER = re.compile(r"(?:^|[\s□■◎●·|])(?:[一-鿿]{0,8}(?:报|网|社|台|刊|见习|特约))?记者\s+(?P<value>[一-鿿·]{2,4})(?=\s|$|[/／文摄、，])")
DATELINE = re.compile(r"^.{0,20}?[（(](?:[一-鿿]{0,8}(?:报|网|社|台|刊|见习|特约))?记者\s*[:：]?\s*(?P<value>[一-鿿·]{2,4})(?=[\s、，）)])")
"""`本报讯（记者 何苗 通讯员 罗海波）` at the beginning of the text."""
EDITOR_TEXT = re.compile(rf"{BEGIN}{EDITOR_LABEL}\s*[:：丨|]\s*{ONE_VALUE}")
NOBODY = re.compile(r"(?:.*[@\d].*|网络\w*|转载\w*|.*(?:网|在线)$|admin\w*|佚名|未知|匿名\w*|不详|无|管理员|网站管理员|编辑|记者|本站编辑|user\w*|none|null|unknown)", re.IGNORECASE)
NO_ORIGIN = frozenset(("未知", "不详", "网络", "无", "unknown", "none", "null"))
OUTLET = re.compile(
    r"[一-鿿A-Za-z0-9·-]{1,18}(?:网|报|日报|晚报|早报|都市报|商报|周刊|社|台|电视台|客户端|发布|融媒\w{0,3}|新闻|在线|观察|视点|局|委|消委会|消保委|"
    r"消协|协会|委员会|中心|科|处|办|政府|频道|公安|消防|市场监管|杂志|头条|播报|之声|传媒|快报|时报|导报|法院|检察院|大队|支队)"
)
TOOLS = re.compile(
    r"字\s?[号体]|打印|分享|浏览|点击|阅读|人气|收藏|关闭|评论|扫一扫|朗读|投稿|纠错|播报|只看该?[作楼]者|\d+楼|积分|级别|最后由|编辑于|举报|关注|查看[:：]|我要评论|T\s?\|\s?T"
)
PLACE_LINE = re.compile(r"^(?:您?(?:现在|所在|当前)?(?:的)?(?:所在)?位置|您现在的位置|当前位置|首页\s*[>»›])|^[^。]{0,60}(?:[>»›].{0,30}){2,}")
LABEL_BEGIN = re.compile(rf"(?:^|[\s\[【(（|])(?:{ANY_LABEL})\s*[:：]", re.IGNORECASE)


@dataclass(frozen=True)
class Places:
    """Where the title and the text stand, as numbers of lines; title is None where no line is the title."""

    title: int | None
    first: int
    last: int


@dataclass(frozen=True)
class Found:
    """A date on the page.  rank: 4 published, 3 beside the title, 2 a document's own day, 1 an update.

    updated: when the page says it was last changed, if it does.
    """

    dated: Dated
    rank: int
    updated: datetime | None = None


@lru_cache(maxsize=2048)
def is_strip(text: str) -> bool:
    """Whether a line says when and by whom, or offers to print: none of it is the article."""
    if len(text) > MAX_STRIP or text.endswith(("。", "！", "？")):
        return False
    if LABEL_BEGIN.match(text) or ("，" not in text and LABEL_BEGIN.search(text)) or PLACE_LINE.search(text):
        return True
    if len(text) <= 60 and YEAR_DATE.match(text.lstrip("[【(（ ")):
        return "，" not in text
    return len(text) <= 40 and (TOOLS.search(text) is not None or DATE.fullmatch(text) is not None)


def dates_of(page: Page, places: Places, *, now: datetime) -> Found | None:
    """The best date beside the title, then a labelled one elsewhere."""
    found = list(_dates("\n".join(_between(page, places)), now, beside=True))
    found += _dates("\n".join(_above(page, places)), now, beside=True)
    if not any(each.rank >= 3 for each in found):
        found += _dates("\n".join(_elsewhere(page)), now, beside=False)
    if not found:
        return None
    best = max(found, key=lambda each: each.rank)
    updated = next((each.dated.moment for each in found if each.rank == 1), None)
    closer = [each for each in found if each.dated.has_time and each.rank >= 3 and _same_day(each.dated, best.dated)]
    dated = closer[0].dated if closer and not best.dated.has_time else best.dated
    return Found(dated, best.rank, updated)


def masthead_date(page: Page, places: Places, titles: str, *, now: datetime) -> Dated | None:
    """The day of a newspaper's page: in the page's own title, or beside the paper's name above the text."""
    match = YEAR_DATE.search(titles)
    if match is not None and (dated := _read(match[0], now)):
        return dated
    for line in page.lines[: places.first]:
        text = line.spaced
        match = YEAR_DATE.search(text) if len(text) <= MAX_STRIP and TODAY.search(text) is None else None
        if match is not None and (re.search(r"[报刊]|第?\s*\w{1,4}\s*[版期]", text) or "报" in titles):
            if dated := _read(match[0], now):
                return dated
    return None


def signature_date(page: Page, places: Places, *, now: datetime) -> Dated | None:
    """The day under a notice: the last line of the text, or one of the two before it, that is a date and nothing else."""
    for line in reversed(page.lines[max(places.last - 2, places.first) : places.last + 1]):
        text = line.text.strip("()（） ")
        if YEAR_DATE.fullmatch(text) and (dated := _read(text, now)):
            return dated
    return None


def origin_of(page: Page, places: Places) -> str:
    """Who published the text: labelled, or the name beside the date."""
    between, above = _between(page, places), _above(page, places)
    return (
        _labelled_origin(between)
        or _labelled_origin(above)
        or _by_role(page, places, ORIGIN)
        or _outlet(between)
        or _outlet(above)
        or _labelled_origin(_below(page, places))
        or _labelled_origin(_elsewhere(page))
    )


def writer_of(page: Page, places: Places, stated: str = "") -> str:
    """Who wrote it: 作者, then 记者, then who is stated in metas, who stands in a box named so, the editor; never the
    editor in charge."""
    strips = ["\n".join(part) for part in (_between(page, places), _above(page, places), _below(page, places))]
    for form in (WRITER_TEXT, REPORTER):
        for text in strips:
            for match in form.finditer(SPLIT_LABEL.sub(r"\1\2", text)):
                if not NOBODY.fullmatch(match["value"]):
                    return match["value"]
    named = stated if stated and not NOBODY.fullmatch(stated) else _by_role(page, places, WRITER)
    if named:
        return named
    first = page.lines[places.first].text if places.first < len(page.lines) else ""
    if match := DATELINE.match(first):
        return match["value"]
    for text in strips:
        if (match := EDITOR_TEXT.search(text)) and not NOBODY.fullmatch(match["value"]):
            return match["value"]
    return ""


def _labelled_origin(lines: Iterable[str]) -> str:
    text = SPLIT_LABEL.sub(r"\1\2", "\n".join(lines))
    for match in ORIGIN_TEXT.finditer(text):
        if match["value"].lower() not in NO_ORIGIN:
            return match["value"]
    match = ENGLISH_ORIGIN.search(text)
    return " ".join(match[1].split()) if match is not None else ""


def _between(page: Page, places: Places) -> list[str]:
    if places.title is not None and places.title < places.first:
        start = max(places.title + 1, places.first - BETWEEN)
    else:
        start = max(places.first - ABOVE, 0)
    lines = page.lines[start : places.first]
    return [line.spaced for line in lines if _may_be_strip(line)]


def _above(page: Page, places: Places) -> list[str]:
    if places.title is None or places.title >= places.first:
        return []
    return [line.spaced for line in page.lines[max(0, places.title - ABOVE) : places.title] if _may_be_strip(line)]


def _below(page: Page, places: Places) -> list[str]:
    lines = page.lines[max(places.last - 2, places.first) : places.last + 1 + BELOW]
    return [line.spaced for line in lines if _may_be_strip(line) and not line.block.out]


def _elsewhere(page: Page) -> list[str]:
    """Short labelled lines anywhere: tables of 索引号 and 发布日期, strips under the text. A label's value may follow."""
    kept: list[str] = []
    open_label = False
    for line in page.lines:
        if line.block.out or len(line.text) > MAX_STRIP:
            open_label = False
        elif open_label or LABEL_BEGIN.search(line.text) or LABELLED.search(line.text):
            kept.append(line.spaced)
            open_label = not open_label and LABELLED.search(line.text) is not None
    return kept[:60]


def _may_be_strip(line: Line) -> bool:
    return len(line.text) <= MAX_STRIP and not TODAY.search(line.text)


def _dates(text: str, now: datetime, *, beside: bool) -> Iterator[Found]:
    """Dates in strips, in order. beside: the strip stands at the title, so that no label is needed."""
    for match in DATE.finditer(text):
        label = LABELLED.search(text[max(0, match.start() - 40) : match.start()])
        kind = label.lastgroup if label else None
        if kind == "no" or (kind is None and not beside):
            continue
        if dated := _read(match[0], now):
            yield Found(dated, {"published": 4, None: 3, "made": 2, "updated": 1}[kind])
    if beside and (match := SPLIT_DAY.search(text)):
        if dated := _read(f"{match[2]}-{match[3]}-{match[1]}", now):
            yield Found(dated, 2)


def _read(text: str, now: datetime) -> Dated | None:
    return read_dated(WEEKDAYS.sub(" ", text.replace("：", ":")).strip(), now=now)


def _same_day(one: Dated, other: Dated) -> bool:
    return abs((one.moment - other.moment).total_seconds()) < 86_400


def _by_role(page: Page, places: Places, role: int) -> str:
    """The text of the first box near the title that is named for it: one name, no sentence, no label."""
    start = places.title if places.title is not None and places.title < places.first else places.first
    for line in page.lines[max(0, start - ABOVE) : places.first]:
        for piece, box in line.pieces:
            inner = box
            while True:
                if inner.role & role and not inner.role & HARDLY:
                    name = " ".join(piece.split())
                    if 2 <= len(name) <= 20 and not is_strip(name) and not DATE.search(name) and not NOBODY.fullmatch(name):
                        return name
                if inner.outer is None or inner.parent is None:
                    break
                inner = inner.parent
    return ""


def _outlet(lines: Iterable[str]) -> str:
    """The name of a paper, site or authority that stands beside a date without a label."""
    kept = list(lines)
    for place, text in enumerate(kept):
        near = DATE.search("\n".join(kept[max(0, place - 1) : place + 2]))
        if near is None or len(text) > 80 or PLACE_LINE.search(text):
            continue
        for token in re.split(r"[\s|｜·,，/]+", DATE.sub(" ", text)):
            if OUTLET.fullmatch(token) and not TOOLS.search(token):
                return token
    return ""
