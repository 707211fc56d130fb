"""Signs that a page is a guard's and not the site's (docs/sources.md, "Challenge pages")."""

import re

SMALL = 3000
BLOCKING_STATUS = frozenset((401, 403, 405, 412, 418, 444, 521))
SIGNS = re.compile(
    r"访问(?:过于)?频繁|安全验证|验证码|请求被拒绝|系统繁忙|人机验证|Access Denied|Just a moment\.\.\.", re.IGNORECASE
)
SCRIPT = re.compile(r"<script\b.*?(?:</script\s*>|$)", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<[^>]*>")


def challenge_sign(status: int, text: str) -> str | None:
    """Why this answer is a guard's page, or None. text: the start of an HTML answer; empty for other types."""
    if status in BLOCKING_STATUS:
        return f"HTTP {status}"
    visible = " ".join(TAG.sub(" ", SCRIPT.sub(" ", text[:20_000])).split())
    if len(text) <= SMALL and (match := SIGNS.search(visible)) and len(visible) < 400:
        return f"challenge page: {match[0]}"
    if 0 < len(text) <= SMALL and not visible and "<script" in text.lower():
        return "challenge page: nothing but a script"
    return None
