"""The strip between a page's title and its text, and where else the same is said: above the title, below the text."""

import re
from dataclasses import dataclass
from functools import lru_cache

from crawlers.page import Line, Page

MAX_STRIP = 160
"""Characters; a longer line is prose."""
ABOVE, BETWEEN, BELOW = 6, 25, 10
"""Lines looked at above the title, between title and text, and below the text."""
MAX_BESIDE = 12
"""Characters of a name that may stand beside a date in a strip."""
MAX_ELSEWHERE = 60

WEEKDAY = r"(?:\s*[(（]?(?:星期|周)[一二三四五六日天][)）]?)?"
CLOCK = (
    r"(?:[\sT,，]*(?:(?:上午|下午|晚上|凌晨|中午|傍晚|早上)\s*)?\d{1,2}\s*(?:[:：]|时|点)\s*\d{2}(?:[:：]\d{2})?"
    r"\s*(?:Z\b|[+-]\d\d:?\d\d)?(?:\s*[AaPp][Mm]\b)?)?"
)
HAN = "〇○零一二三四五六七八九十"
MONTH = r"(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]*\.?"
ENGLISH_CLOCK = r"(?:,?\s+(?:at\s+)?\d{1,2}:\d{2}(?:\s*[AaPp][Mm])?)?"
WITH_YEAR = (
    rf"(?<!\d)\d{{4}}\s*[-/.年·]\s*\d{{1,2}}\s*[-/.月·]\s*\d{{1,2}}(?!\d)\s*[日号]?{WEEKDAY}{CLOCK}"
    rf"|[{HAN}]{{4}}年[{HAN}]{{1,3}}月[{HAN}]{{1,3}}日"
    rf"|\b{MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}{ENGLISH_CLOCK}"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?\s+{MONTH},?\s+\d{{4}}{ENGLISH_CLOCK}"
)
WITHOUT_YEAR = (
    rf"(?<![\d-])\d{{1,2}}\s*(?:月\s*\d{{1,2}}\s*日|[-/]\s*\d{{1,2}}(?=\s+\d{{1,2}}:)){CLOCK}(?!\d)"
    r"|(?:今天|昨天|前天)\s*\d{1,2}:\d{2}|\d{1,3}\s*(?:分钟|小时|天)前|刚刚"
)
DATE = re.compile(f"(?:{WITH_YEAR}|{WITHOUT_YEAR})", re.IGNORECASE)
YEAR_DATE = re.compile(f"(?:{WITH_YEAR})", re.IGNORECASE)

PUBLISHED = (
    r"(?:发布|发表|发稿|刊发|刊登|公布|公示|公告|上传|录入|添加|创建|提交|来信|来件|提问|咨询|留言|投诉)\s*(?:时间|日期)"
    r"|发布于|发表于|发布|(?<![一-鿿])(?:时间|日期)|掲載日|公表日|公開日|発表日|(?:first\s+)?published(?:\s+(?:on|at|date))?"
    r"|publication\s+date|posted(?:\s+on)?|(?:recall|release|issue)\s+date|date(?:\s+published)?"
)
UPDATED = (
    r"(?:最后|最近)?(?:更新|修改)(?:时间|日期|于|日)?|最終更新日?|编辑于|(?:last\s+)?updated(?:\s+(?:on|at))?"
    r"|(?:last\s+)?modified(?:\s+(?:on|at))?"
)
MADE = r"(?:成文|生成|印发|发文|签发|制发)(?:时间|日期)"
ORIGIN_LABEL = (
    r"(?:信息|文章|稿件|新闻|内容|资料|消息)?\s*来\s?源(?:于|单位)?|稿源|出处|发布(?:机构|单位|部门|机关|者)"
    r"|供稿(?:单位)?|来稿单位|媒体|(?<![A-Za-z])(?:source|from)"
)
WRITER_LABEL = r"(?:文章)?作者|(?:本报|本网|见习|特约|实习)*记者|撰文|撰稿|文\s*[/／]\s*|(?<![A-Za-z])(?:author|by)"
EDITOR_LABEL = r"(?<!责任)(?<!责)编\s?辑"
OTHER_LABEL = (
    r"浏览\w*|点击\w*|阅读\w*|访问\w*|人气|字体\w*|字号|责任编辑|责编|审核|校对|签发|文章录入|录入|信息员|分享\w*"
    r"|关键词|标签|索引号|文号|公开方式|受理单位|办理状态|来信人|打印|版次|供稿人?|来稿"
)
ANY_LABEL = f"(?:{'|'.join((ORIGIN_LABEL, WRITER_LABEL, EDITOR_LABEL, OTHER_LABEL, PUBLISHED, UPDATED, MADE))})"
LABEL_BEGIN = re.compile(rf"(?:^|[\s\[【(（|])(?:{ANY_LABEL})\s*[:：]", re.IGNORECASE)
LABEL_END = re.compile(rf"(?:{'|'.join((PUBLISHED, UPDATED, MADE))})\s*[:：]?\s*$", re.IGNORECASE)
SPLIT_LABEL = re.compile(r"(来|作|记|编|出|日|时|稿)\s+(源|者|辑|处|期|间)(?=\s*[:：])")
"""`来 源：`, blown up to fill a line."""
TODAY = re.compile(r"今天是|现在是|今日是|当前时间|北京时间|欢迎您|系统时间")
TOOLS = re.compile(
    r"字\s?[号体]|打印|分享|浏览|点击|阅读|人气|收藏|关闭|评论|扫一扫|朗读|投稿|纠错|播报|只看该?[作楼]者|\d+楼|积分|级别"
    r"|最后由|编辑于|举报|关注|查看[:：]|T\s?\|\s?T"
)
WAY = re.compile(
    r"^(?:您?(?:现在|所在|当前)?(?:的)?(?:所在)?位置|您现在的位置|当前位置|首页\s*[>»›])|^[^。]{0,60}(?:[>»›].{0,30}){2,}"
)
"""Where on the site the page lies: 首页 > 新闻 > 正文."""


@dataclass(frozen=True)
class Places:
    """Where title and text stand, as numbers of lines.  title: None where no line is the title.

    first, last: the lines where the text's sentences begin and end.
    """

    title: int | None
    first: int
    last: int


@lru_cache(maxsize=2048)
def is_strip(text: str) -> bool:
    """Whether a line says when and by whom, or offers to print: none of it is the article."""
    if len(text) > MAX_STRIP or text.endswith(("。", "！", "？")):
        return False
    if LABEL_BEGIN.match(text) or ("，" not in text and LABEL_BEGIN.search(text)) or WAY.search(text):
        return True
    if len(text) <= 60 and YEAR_DATE.match(text.lstrip("[【(（ ")):
        return "，" not in text
    if len(text) > 40:
        return False
    dated = DATE.search(text)
    return TOOLS.search(text) is not None or (
        dated is not None and len(text) - len(dated[0]) <= MAX_BESIDE and "，" not in text
    )


def between(page: Page, places: Places) -> list[str]:
    """The lines between title and text."""
    if places.title is not None and places.title < places.first:
        start = max(places.title + 1, places.first - BETWEEN)
    else:
        start = max(places.first - ABOVE, 0)
    return _spaced(page.lines[start : places.first])


def above(page: Page, places: Places) -> list[str]:
    """The lines right above the title."""
    if places.title is None or places.title >= places.first:
        return []
    return _spaced(page.lines[max(0, places.title - ABOVE) : places.title])


def below(page: Page, places: Places) -> list[str]:
    """The last lines of the text and those under it."""
    lines = page.lines[max(places.last - 2, places.first) : places.last + 1 + BELOW]
    return _spaced([line for line in lines if not line.block.out])


def elsewhere(page: Page) -> list[str]:
    """Short labelled lines anywhere, as in tables of 索引号 and 发布日期. A label's value may be the line after it."""
    kept: list[str] = []
    open_label = False
    for line in page.lines:
        if line.block.out or len(line.text) > MAX_STRIP:
            open_label = False
        elif open_label or LABEL_BEGIN.search(line.text) or LABEL_END.search(line.text):
            kept.append(line.spaced)
            open_label = not open_label and LABEL_END.search(line.text) is not None
    return kept[:MAX_ELSEWHERE]


def _spaced(lines: list[Line]) -> list[str]:
    return [line.spaced for line in lines if len(line.text) <= MAX_STRIP and TODAY.search(line.text) is None]
