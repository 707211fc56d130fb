"""What stands on a page and is not its text: counters, moments of delivery, lists of other pages.

It differs at each visit, so it must not make a revision. It is left out only where two versions are compared; what was
read is stored as it was read.
"""

import re
from collections.abc import Mapping
from typing import Any

COUNTED = r"(?:浏览|阅读|点击|访问|查看|播放|点赞|评论|转发|收藏|分享|下载|访客)(?:次数|人数|总数|总量|量|数)?"
NUMBER = r"\d[\d,.]*\s*(?:万|[wWkK])?\s*\+?\s*(?:人次|次|人|位)?"
LABELLED = re.compile(
    rf"[（(【\[]?\s*(?:本文|文章|页面|信息)?{COUNTED}\s*[:：]\s*{NUMBER}\s*[)）】\]]?"
    r"|\b(?:page ?views?|views?|hits|reads?|clicks?|downloads?)\s*:\s*\d[\d,.]*[kKmM]?",
    re.IGNORECASE,
)
"""A counter with its colon: it may stand among other facts of a line."""
ALONE = re.compile(
    rf"(?:本文|该文|文章|页面|已有|已被|共有?|被|有)*{COUNTED}了?\s*{NUMBER}|(?:您是)?(?:本文|文章|已有|已被|共有?|被|有|第)*\s*{NUMBER}\s*{COUNTED}"
    r"|\d[\d,.]*[kKmM]?\s*(?:views?|reads?|comments?|shares?|likes?)",
    re.IGNORECASE,
)
"""A counter without one: only where it is the whole line."""
DAY = r"(?:\d{2,4}\s*[-/.年]\s*\d{1,2}\s*[-/.月]\s*\d{1,2}\s*日?|\d{1,2}月\d{1,2}日)"
DELIVERED = re.compile(
    r"(?:(?:今天|现在|当前|系统|打印|抓取|采集|页面生成|生成|缓存|访问)(?:时间|日期)|今天是|现在是|页面生成于)\s*[:：]?\s*"
    rf"{DAY}?\s*,?(?:\s*星期.|\s*周.)?\s*(?:\d{{1,2}}:\d{{2}}(?::\d{{2}})?)?",
)
AGO = re.compile(
    r"(?:发布于|更新于|更新时间[:：]?)?\s*(?:刚刚|\d+\s*(?:秒|分钟|小时|天|周|个?月)前)"
    r"|(?:updated|posted|published)?\s*\d+\s*(?:seconds?|minutes?|hours?|days?|weeks?) ago",
    re.IGNORECASE,
)
NEIGHBOUR = re.compile(r"(?:上一?[篇条页]|下一?[篇条页]|前一篇|后一篇)\s*[:：].*")
OTHERS = re.compile(
    r"[【\[「]?(?:相关(?:新闻|阅读|文章|资讯|推荐|报道|稿件)|热门(?:新闻|文章|推荐|资讯|阅读|排行|话题)|推荐(?:阅读|文章|新闻)|延伸阅读"
    r"|更多(?:新闻|文章|推荐|阅读|资讯)|猜你喜欢|精彩推荐|编辑推荐|今日(?:热点|热门|推荐)|最新(?:文章|新闻|资讯)|(?:阅读|点击|新闻)排行榜?"
    r"|热点(?:新闻|推荐)|为[您你]推荐|大家都在看|[您你]可能(?:还)?(?:感兴趣|喜欢)(?:的.{0,4})?"
    r"|related (?:news|articles|stories|posts)|most read|read more|recommended)[】\]」]?\s*[:：>》…]*",
    re.IGNORECASE,
)
SENTENCE_END = ("。", "！", "？", "；", ".", "!", "?")
HEADLINE = 60
"""Characters of a line in a list of other pages."""
COUNTING_FIELD = re.compile(rf"{COUNTED}|热度|排名|heat|rank|hot|views?|hits|likes?|comments?|shares?", re.IGNORECASE)


def essential(text: str) -> str:
    """`text` without what a page shows anew at each visit, a line a line, blanks tidied."""
    kept: list[str] = []
    among_others = False
    for whole in text.split("\n"):
        line = " ".join(DELIVERED.sub("", LABELLED.sub("", whole)).split())
        if among_others and 0 < len(line) <= HEADLINE and not line.endswith(SENTENCE_END):
            continue
        among_others = bool(OTHERS.fullmatch(line)) or (among_others and not line)
        if line and not among_others and not any(noise.fullmatch(line) for noise in (ALONE, AGO, NEIGHBOUR)):
            kept.append(line)
    return "\n".join(kept)


def same_page(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two readings of a page (title, text, fields, tables as stored in `raw`) differ in nothing but that."""
    return _essentials(old) == _essentials(new)


def _essentials(raw: Mapping[str, Any]) -> list[str]:
    fields = [f"{name}={value}" for name, value in sorted(raw["fields"].items()) if not COUNTING_FIELD.fullmatch(name)]
    cells = [cell for table in raw["tables"] for row in table for cell in row]
    parts = [raw["title"], essential(raw["text"]), essential("\n".join(fields)), essential("\n".join(cells))]
    return ["".join(part.split()) for part in parts]
