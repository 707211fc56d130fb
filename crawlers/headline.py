"""The title of a page: the line that agrees with what the page calls itself, or that stands where headlines stand.

<title> is no proof: it may be the site's name or 新闻内容, and the headline above the text may say something else.
"""

import re
from collections import Counter
from dataclasses import dataclass

from crawlers.metas import Stated
from crawlers.page import TITLE, Line, Page
from crawlers.strip import WAY, is_strip

SPLIT = re.compile(r"\s*[-_|｜–]+\s*|\s+—+\s+|——|――+|\s{2,}|<<|>>|::+|\s+·\s+")
BADGE = "原创"
"""Some sites put this mark inside the headline's own element."""
MAX_TITLE = 150
KICKER = 8
"""Characters below which a heading that the page does not call itself by may be the column's: 维权在线."""
SURE = 0.85
"""Agreement above which a heading is the title before the text is looked for."""
LEAST = 0.45
NEAR = 6
"""Lines below a title within which the strip begins."""
GENERIC = re.compile(
    r"(?:新闻|文章|信息|详细|公告|公示|稿件|页面)?(?:内容|正文|详情|详细|信息|中心|动态|页|浏览|查看|展示)(?:页|信息|页面)?"
    r"|首页|无标题文档|通知公告|政务公开|信息公开|新闻|资讯|New Document|Untitled.*|index|detail|.{0,6}信箱|投诉|论坛"
    r"|行政处罚(?:信息公示)?|双公示|信件(?:标题|内容)|来信标题|标题|目录",
    re.IGNORECASE,
)
SITE = re.compile(
    r".*(?:网|网站|门户|局|委员会|政府|频道|论坛|社区|日报|晚报|商报|时报|都市报|数字报|电子报|客户端|APP|协会|在线|信息港|热线|平台|公众号|信息网|新闻网|技术中心|消委会|消保委)(?:官网|首页)?",
    re.IGNORECASE,
)
NAMED = re.compile(r"(?:信件|来信|留言|咨询|投诉|案件|文件|公告|通知|信息)?(?:标题|名称|主题|题名)[:：]?")
"""What a cell beside the title calls it. 产品名称 and the like are not meant."""
CHROME = re.compile(
    r"[【\[]?(?:打印|关闭|登录|注册|搜索|返回|首页|上一[篇条页期版]|下一[篇条页期版]|版权|Powered|Copyright|©|友情链接|更多|字号|分享|目录|导航)"
)
WEIGHT = {0: 0.0, 1: 0.4, 2: 0.25, 3: 0.2, 4: 0.1, 5: 0.05, 6: 0.0}


@dataclass(frozen=True)
class Headline:
    """line: where the title stands, None where no line is it (then the page's own name for itself is the title)."""

    text: str
    line: int | None = None


@dataclass(frozen=True)
class _Candidate:
    line: int
    text: str
    agreement: float
    score: float
    labelled: bool


class Titles:
    """The candidates of a page, weighed first by themselves, then by where the text begins."""

    def __init__(self, page: Page, stated: Stated) -> None:
        self._page = page
        self._stated = stated
        whole = stated.title
        parts = [part for part in SPLIT.split(whole) if part]
        self._sites = {part for part in parts if SITE.fullmatch(part)} | (
            {whole} if len(parts) == 1 and SITE.fullmatch(whole) else set()
        )
        hints = [hint for hint in (whole, *stated.headlines) if self._names_a_text(hint)]
        self._hints = [_Hint(hint) for hint in dict.fromkeys(hints)]
        self._candidates = [each for at, line in enumerate(page.lines) if (each := self._candidate(at, line))]

    def anchor(self) -> int | None:
        """The line that is the title by its words alone."""
        best = max(self._candidates, key=lambda each: each.score, default=None)
        return best.line if best is not None and best.agreement >= SURE else None

    def choose(self, first: int) -> Headline:
        """The title, given the line where the text begins."""
        best, best_score = None, 0.0
        for each in self._candidates:
            score = each.score + (0.0 if each.labelled else self._nearness(each.line, first))
            if score > best_score:
                best, best_score = each, score
        if best is not None and best_score >= LEAST:
            return Headline(_without_badge(best.text, self._stated.title), best.line)
        return Headline(self._own_name())

    def _names_a_text(self, hint: str) -> bool:
        """Not so 信息公开, and not 信息公开_某市市场监督管理局."""
        parts = (hint, *filter(None, SPLIT.split(hint)))
        named = [part not in self._sites and GENERIC.fullmatch(part) is None for part in parts]
        return named[0] and any(named[1:])

    def _candidate(self, at: int, line: Line) -> _Candidate | None:
        text, level = line.text, line.heading
        if not 4 <= len(text) <= MAX_TITLE or (line.linked > 0.5 * len(text) and not level):
            return None
        labelled = at > 0 and NAMED.fullmatch("".join(self._page.lines[at - 1].text.split())) is not None
        if not level and ((len(text) < 6 and not labelled) or text[-1] in "。；;，,：:" or line.prose > 60):
            return None
        if GENERIC.fullmatch(text) or CHROME.match(text) or WAY.search(text) or (not level and is_strip(text)):
            return None
        named = labelled or line.role & TITLE != 0 or _named_around(line)
        thorough = bool(level or named or line.strong)
        text = _own_words(line) if line.linked and level else self._without_mark(line) if thorough else text
        agreement = self._agreement(text, thorough=thorough)
        joined = self._joined(at, line)
        if joined is not None and (whole := self._agreement(joined, thorough=thorough)) >= agreement:
            text, agreement = joined, whole
        score = (
            agreement + WEIGHT[level] + (0.6 if labelled else 0.2 if named else 0.0) + (0.08 if line.strong else 0.0)
        )
        score -= min(at, 200) * 0.0005 + (0.5 if text in self._sites else 0.0)
        score -= 0.1 if len(text) < KICKER and not agreement else 0.0
        return _Candidate(at, text, agreement, score, labelled)

    def _without_mark(self, line: Line) -> str:
        """The line without what begins or ends it in an element of its own, where the page's name lacks that."""
        pieces = [piece for piece, _ in line.pieces if piece.strip()]
        ways = [line.text, *(" ".join("".join(part).split()) for part in (pieces[1:], pieces[:-1]))]
        return next((way for way in ways if any(hint.is_called(way) for hint in self._hints)), line.text)

    def _joined(self, at: int, line: Line) -> str | None:
        """A headline that a <br> breaks: the lines of its block together."""
        block = line.block
        if not 2 <= block.end - block.start <= 3 or at != block.start:
            return None
        parts = [each.text for each in self._page.lines[block.start : block.end] if each.block is block]
        whole = "".join(parts)
        fits = len(parts) >= 2 and len(whole) <= 100 and "。" not in whole and not any(map(is_strip, parts))
        return whole if fits else None

    def _agreement(self, text: str, *, thorough: bool) -> float:
        return max((hint.agreement(text, thorough=thorough) for hint in self._hints), default=0.0)

    def _nearness(self, at: int, first: int) -> float:
        """Below the title comes the strip, then the text; a line within the text is no title."""
        if at >= first:
            return -0.4
        strip = next(
            (place for place in range(at + 1, min(at + NEAR, first)) if is_strip(self._page.lines[place].spaced)), None
        )
        found = 0.3 - 0.03 * (strip - at) if strip is not None else 0.0
        distance = first - at
        return found + (0.25 if distance <= 4 else 0.15 if distance <= 12 else 0.05 if distance <= 25 else 0.0)

    def _own_name(self) -> str:
        """What the page calls itself, without its site and column."""
        for hint in self._stated.headlines:
            if len(hint) >= 4 and hint not in self._sites and not GENERIC.fullmatch(hint):
                return main_part(hint)
        return main_part(self._stated.title)


class _Hint:
    """One thing the page says it is called."""

    def __init__(self, hint: str) -> None:
        self._bare = "".join(hint.split())
        self._main = "".join(main_part(hint).split())
        self._pairs = _pairs(self._main)

    def is_called(self, text: str) -> bool:
        return "".join(text.split()) == self._main

    def agreement(self, text: str, *, thorough: bool) -> float:
        """0-1: how well a line and this hint say the same."""
        bare = "".join(text.split())
        if bare in self._bare:
            return 0.5 + 0.5 * min(1.0, len(bare) / max(len(self._main), 1)) if len(bare) >= 4 else 0.0
        if len(self._main) >= 6 and self._main in bare:
            return 0.5 + 0.5 * len(self._main) / len(bare)
        if not thorough:
            return 0.0
        pairs = _pairs(bare)
        both = sum((pairs & self._pairs).values())
        return 0.9 * 2 * both / max(pairs.total() + self._pairs.total(), 1)


def main_part(whole: str) -> str:
    """`标题_频道_站名` as 标题: the first long part that is no site's name, else the longest."""
    parts = [part.strip() for part in SPLIT.split(whole) if part.strip()]
    own = [part for part in parts if not SITE.fullmatch(part) and not GENERIC.fullmatch(part)] or parts
    if not own:
        return whole
    return own[0] if len(own[0]) >= 8 else max(own, key=len)


def _pairs(text: str) -> Counter[str]:
    return Counter(text[at : at + 2] for at in range(len(text) - 1))


def _without_badge(text: str, whole: str) -> str:
    return text if whole.startswith(BADGE) else text.removeprefix(BADGE)


def _own_words(line: Line) -> str:
    """A headline without the column or the mark that it begins with as a link."""
    own = "".join(piece for piece, box in line.pieces if box.link is None)
    own = " ".join(own.split())
    return own if len(own) >= 6 else line.text


def _named_around(line: Line) -> bool:
    """Whether the line is all there is in a box that is named a title, up to three boxes up."""
    box = line.block
    for _ in range(3):
        if box.role & TITLE:
            return True
        above = box.parent
        if above is None or above.end - above.start > 2:
            return False
        box = above
    return False
