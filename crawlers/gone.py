"""Pages that are gone and do not say so by their status: a page that tells it in words, a front page in its place."""

import re
from urllib.parse import urlsplit

from crawlers.urls import canonical_url

SUBJECT = r"(?:页面|网页|文章|内容|信息|帖子|新闻|稿件|链接|网址)"
LOST = r"(?:不存在|不见了|未找到|找不到|无法找到|没有找到)"
ENDED = r"(?:已经?被?|被)(?:作者|发布者|管理员|原作者)?(?:删除|撤下|撤回|撤稿|下线|移除)"
SAYS_SO = re.compile(
    rf"{SUBJECT}(?:可能)?(?:{LOST}|{ENDED})"
    rf"|{LOST}(?:了|您|你)?(?:(?:所|要)*(?:访问|查看|浏览|查找|请求)的)?(?:该|此|这个|相关)?{SUBJECT}"
    rf"|(?:访问|查看|浏览|查找|请求)的{SUBJECT}.{{0,8}}(?:{LOST}|{ENDED}|失效)"
    r"|page (?:not found|does ?n[o'’]t exist|no longer (?:exists|available)|has been removed)|404 not found"
    r"|^(?:错误|error)?\W*404\W*(?:错误|error|页面)?$",
    re.IGNORECASE,
)
SHORT_TITLE = 25
SHORT_TEXT = 200
ONLY_THAT = 80
"""Characters of a text that says it itself: no more than that, and there is no article."""
FRONT = re.compile(r"/(?:(?:index|default|home|main)(?:\.\w{2,5})?/?)?", re.IGNORECASE)
ERROR_PAGE = re.compile(r"(?:^|[/_-])(?:404|error|notfound|not_found|nopage)(?:[/._-]|$)", re.IGNORECASE)


def gone_sign(title: str, text: str) -> str | None:
    """What a page that answered 200 says of its being gone; None where there is an article.

    title, text: as extracted. An article about missing pages has a text of its own and is none.
    """
    title, body = title.strip(), " ".join(text.split())
    for words, most in ((title, SHORT_TEXT if len(title) <= SHORT_TITLE else 0), (body, ONLY_THAT)):
        if len(body) <= most and (match := SAYS_SO.search(words)):
            return match[0]
    return None


def led_away(asked: str, answered: str) -> str | None:
    """Why a redirect means that the page is gone: it leads to a front page or an error page; else None."""
    before, after = urlsplit(canonical_url(asked)), urlsplit(canonical_url(answered))
    if (before.path, before.query) == (after.path, after.query):
        return None
    if ERROR_PAGE.search(after.path) and not ERROR_PAGE.search(before.path):
        return f"redirected to an error page ({after.path[:80]})"
    if after.query or (FRONT.fullmatch(before.path) and not before.query):
        return None
    if FRONT.fullmatch(after.path):
        return "redirected to the front page"
    if after.path.endswith("/") and before.path.startswith(after.path) and before.hostname == after.hostname:
        return "redirected to the page of its column"
    return None
