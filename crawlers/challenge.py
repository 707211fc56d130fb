"""Signs that a page is a guard's and not the site's (docs/sources.md, "Challenge pages")."""

import html
import re

SMALL = 3000
"""Characters of a page that may be nothing but a script of a guard's."""
READ = 200_000
SHORT = 400
"""Characters that are to be seen on a guard's page at most, however long the page is."""
SHORTER = 150
"""The same for words that a notice of the site may use as well, and for those on a page that asks for nothing."""
BLOCKING_STATUS = frozenset((401, 403, 405, 412, 418, 444, 521))
SIGNS = re.compile(
    r"访问(?:过于|太)?频繁|(?:请求|访问)(?:已)?被(?:拒绝|阻断|拦截)|对网站造成(?:安全)?威胁|(?:滑动|拖动)(?:滑块|验证)"
    r"|(?:开启|启用)\s*JavaScript\s*并刷新|(安全验证|人机验证|验证码|系统繁忙)"
    r"|Access Denied|Request Rejected|Just a moment\.\.\.|Checking your browser|Enable JavaScript and cookies",
    re.IGNORECASE,
)
ASKS = re.compile(r"<(?:input|form|iframe|canvas|script|object)\b", re.IGNORECASE)
"""Who wants a code typed has a place to type it, or a program that draws one; an article about codes has neither."""
UNSEEN = re.compile(
    r"<script\b.*?(?:</script\s*>|$)|<style\b.*?(?:</style\s*>|$)|<!--.*?(?:-->|$)|<[^<>]*>", re.IGNORECASE | re.DOTALL
)


def challenge_sign(status: int, text: str) -> str | None:
    """Why this answer is a guard's page, or None. text: the HTML answer; empty for other types."""
    if status in BLOCKING_STATUS:
        return f"HTTP {status}"
    if len(text) > SMALL and SIGNS.search(text[:READ]) is None:
        return None
    visible = " ".join(html.unescape(UNSEEN.sub(" ", text[:READ])).split())
    found = list(SIGNS.finditer(visible))
    match = next((one for one in found if not one[1]), found[0] if found else None)  # what no article says counts first
    doubtful = bool(match and match[1]) and (len(text) > SMALL or not ASKS.search(text))
    if match and len(visible) < (SHORTER if doubtful else SHORT):
        return f"challenge page: {match[0]}"
    if 0 < len(text) <= SMALL and not visible and "<script" in text.lower():
        return "challenge page: nothing but a script"
    return None
