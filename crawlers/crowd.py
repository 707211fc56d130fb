"""What stands around an article and is none of it: furniture by name, comments and replies, lists of excerpts, footers.

Comments are told by their shape, since few are named so: boxes alike, each with a name or a link, a time and a text.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

from crawlers.page import HARDLY, INSERTED, PUNCTUATION, Box, Line, Page

MUCH = 0.25
"""Share of the prose below which a box with a doubtful name is furniture."""
ENOUGH = 40
"""Characters of prose that must stand above comments: with less, they may be the text itself."""
SEEN = 30
"""Lines of an item that are looked at."""
TIME = re.compile(
    r"\d{4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}|\d{1,3}\s*(?:秒|分钟|小时|天|个?月|年)前|(?:今天|昨天|前天|刚刚)|\d{1,2}[-/月]\d{1,2}日?\s+\d{1,2}:\d{2}"
)
FLOOR = re.compile(r"发表于|回复|\d+\s*楼|\d+\s*#|只看|沙发|板凳|楼主|审核通过|发起投诉|级别|积分")
NUMBERED = re.compile(r"^[（(]?[\d一二三四五六七八九十]{1,3}[)）.、．]|^[问答QA][:：]?$")
TAIL_HEAD = re.compile(
    r"(?:(?:最新|热门|全部|网友|精彩|精选|用户|发表|查看|更多|参与|文章|我要)*(?:评论|跟帖|留言|回帖)(?:区|列表|内容)?"
    r"\s*[（(]?\s*\d*\s*条?\s*[)）]?|\d+\s*条?评论"
    r"|(?:相关|推荐|热门|延伸|热点|猜你|更多|精彩|近期|最新|大家都在|本周|今日)"
    r"(?:阅读|新闻|报道|推荐|链接|文章|资讯|快讯|喜欢|排行|排行榜|看|热点|内容)"
    r"|作者最新文章|小编最近文章|热榜|(?:[^。]{2,40}有)?\d*个?(?:想法|条评论)|Comments?(?: ?\(?\d+\)?)?"
    r"|Related (?:articles|content|posts))\s*[:：]?",
    re.IGNORECASE,
)
FOOT = re.compile(
    r"版权所有|版权归|著作权|ICP\s*[备证]|公网安备|网站标识码|Copyright|©|All Rights Reserved|技术支持|Powered by"
    r"|备案(?:编)?号|(?:主办|承办)(?:单位)?\s*[:：]|不良信息举报|无障碍|最佳效果|免责声明|cookies?\b"
    r"|未经(?:书面)?(?:授权|许可)|Open Licence",
    re.IGNORECASE,
)
CONTACT = re.compile(r"地址|邮编|电话|邮箱|传真|分辨率|浏览器|主办|承办|客服|热线|〒|Monday|留言板")


def leave_out(page: Page, anchor: int | None) -> None:
    """Mark the boxes that are no part of the article. anchor: the line of the title, as far as it is known."""
    _furniture(page)
    spread(page)
    _after_headings(page, anchor)
    _groups(page, anchor)
    _footers(page, anchor)
    spread(page)


def leave_out_inserted(page: Page) -> None:
    """Adverts and the like inside a box that a selector chose."""
    weigh(page)
    total = page.top.score
    for box in page.boxes.values():
        box.out = box.role & INSERTED != 0 and box.score <= MUCH * total and box is not page.top
    spread(page)


def spread(page: Page) -> None:
    """What is in a box that is left out is left out."""
    for box in page.boxes.values():
        if box.parent is not None and box.parent.out:
            box.out = True


def weigh(page: Page, anchor: int | None = None, before: float = 1.0) -> dict[int, Box]:
    """Score each box with the prose in it. Prose above the anchor counts less. The child that holds most, by id."""
    for box in page.boxes.values():
        box.score = 0.0
    best: dict[int, Box] = {}
    for box in reversed(page.boxes.values()):
        if not box.out and box.outer is None and box.chars >= 4 and box.links <= 0.45 * box.chars:
            own = (box.chars - box.links) * (1.0 if box.marks else 0.25)
            box.score += own * before if anchor is not None and box.end <= anchor else own
        above = box.parent
        if above is not None and box.score:
            above.score += box.score
            held = best.get(id(above))
            if held is None or box.score >= held.score:
                best[id(above)] = box
    return best


def prose(line: Line) -> int:
    """Characters of sentences in a line that is not left out."""
    return 0 if line.block.out else line.prose


def _furniture(page: Page) -> None:
    weigh(page)
    total = page.top.score
    for box in page.boxes.values():
        if (box.role & HARDLY or box.hidden) and box.score <= MUCH * total and box is not page.top:
            box.out = True


def _sums(page: Page) -> list[int]:
    """Prose above each line: what stands between two lines is a difference."""
    sums = [0]
    for line in page.lines:
        sums.append(sums[-1] + prose(line))
    return sums


def _drop(page: Page, ranges: list[tuple[int, int]]) -> None:
    """Leave out all boxes that stand wholly within ranges of lines."""
    if not ranges:
        return
    covered = [0] * (len(page.lines) + 1)
    for start, end in ranges:
        covered[start] += 1
        covered[end] -= 1
    inside, depth = [0], 0
    for change in covered:
        depth += change
        inside.append(inside[-1] + (depth > 0))
    for box in page.boxes.values():
        if box.end > box.start and inside[box.end] - inside[box.start] == box.end - box.start and box is not page.top:
            box.out = True


def _after_headings(page: Page, anchor: int | None) -> None:
    """`网友评论`, `相关阅读`: with what follows it in the box that it heads."""
    sums = _sums(page)
    ranges: list[tuple[int, int]] = []
    done = 0
    for place, line in enumerate(page.lines):
        if place < done or len(line.text) > 50 or line.block.out or TAIL_HEAD.fullmatch(line.text) is None:
            continue
        below_title = anchor is None or place > anchor
        if below_title and sums[place] - sums[anchor or 0] < ENOUGH:
            continue
        box = line.block
        while box.end <= place + 1 and box.parent is not None:
            box = box.parent
        if below_title or (anchor is not None and box.end <= anchor):
            ranges.append((place, box.end))
            done = box.end
    _drop(page, ranges)
    spread(page)


def _groups(page: Page, anchor: int | None) -> None:
    alike: dict[tuple[int, str, str], list[Box]] = defaultdict(list)
    for box in page.boxes.values():
        if (
            box.outer is None
            and box.parent is not None
            and box.score
            and box.tag not in ("p", "td", "th", "tr", "blockquote")
        ):
            alike[(id(box.parent), box.tag, re.sub(r"\d+", "", box.names))].append(box)
    sums = _sums(page)
    for boxes in alike.values():
        if len(boxes) >= 2 and not boxes[0].out:
            _group(page, boxes, anchor, sums)


def _group(page: Page, boxes: list[Box], anchor: int | None, sums: list[int]) -> None:
    """One row of boxes alike: comments and excerpts go; of a thread the first stays."""
    signs = [_signs(page.lines[box.start : min(box.end, box.start + SEEN)]) for box in boxes]
    if sum(any(sign) for sign in signs) < 0.6 * len(boxes):
        return
    posts = sum(floor for _, _, floor in signs) >= 0.6 * len(boxes)
    start, end = boxes[0].start, boxes[-1].end
    if anchor is not None and end <= anchor:
        above = sums[-1] - sums[anchor]
    else:
        above = sums[start] - sums[anchor if anchor is not None and anchor < start else 0]
    if above >= ENOUGH and (len(boxes) >= 3 or posts):
        for box in boxes:
            box.out = True
    elif posts:
        for box in boxes[1:]:
            box.out = True


def _signs(lines: Sequence[Line]) -> tuple[bool, bool, bool]:
    """Whether an item begins with a link, whether it has a name and a time, whether it is a post of a forum."""
    if len(lines) < 2:
        return (False, False, False)
    first = lines[0]
    short = [line for line in lines if len(line.text) <= 60]
    headed = any(line.linked >= 0.6 * len(line.text) for line in lines[:2] if len(line.text) >= 2)
    named = len(first.text) <= 20 and not first.heading and not PUNCTUATION.search(first.text)
    named = named and not NUMBERED.search(first.text) and not TIME.search(first.text)
    timed = any(TIME.search(line.text) for line in short)
    return (headed, timed and (named or headed), any(FLOOR.search(line.text) for line in short))


def _footers(page: Page, anchor: int | None) -> None:
    """Whose site it is: such lines in the lower half, with what stands around them and is no prose."""
    ranges: list[tuple[int, int]] = []
    for place in range(len(page.lines) - 1, len(page.lines) // 2 - 1, -1):
        line = page.lines[place]
        if anchor is not None and place <= anchor:
            break
        if line.block.out or len(line.text) > 300 or FOOT.search(line.text) is None:
            continue
        box = line.block
        for above in box.above():
            holds_title = anchor is not None and above.start <= anchor
            if holds_title or above is page.top or above.end - above.start > 14:
                break
            if any(map(_is_told, page.lines[above.start : above.end])):
                break
            box = above
        ranges.append((box.start, box.end))
        if len(ranges) >= SEEN:
            break
    _drop(page, ranges)


def _is_told(line: Line) -> bool:
    """Prose, and no address of an office."""
    return prose(line) >= 30 and not FOOT.search(line.text) and not CONTACT.search(line.text)
