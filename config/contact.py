"""Whom a site can write to about our visits: an address or a page, told with every request (User-Agent)."""

import re

NAME = "FENGSUI_CONTACT"
DEMO = "mailto:fengsui@localhost"
"""The demo asks nobody but itself."""
FORM = re.compile(
    r"(?:https?://[\w.-]+(?::\d+)?(?:/[\w.,/~%?&=#-]*)?|(?:mailto:)?[\w.+-]+@[\w-]+(?:\.[\w-]+)+)", re.ASCII
)
LONGEST = 200
EXAMPLES = "FENGSUI_CONTACT=fengsui@scjgj.example.gov.cn，或 https:// 开头的说明页"


def contact_mistake(contact: str, profile: str) -> str | None:
    """What is wrong with the setting, with the way out; None where it will do. Only the demo may be without."""
    if not contact:
        return None if profile == "demo" else f"{NAME}：正式运行要写明联系方式，被采的网站凭它找到我们；例如 {EXAMPLES}"
    if len(contact) > LONGEST or FORM.fullmatch(contact) is None:
        return f"{NAME}：{contact[:80]!r} 不是邮件地址，也不是网页地址；例如 {EXAMPLES}"
    return None
