"""How mails leave: the server's address and whom they come from, checked before anything starts."""

import re
from collections.abc import Iterator
from email.errors import MessageError
from email.headerregistry import Address
from urllib.parse import unquote, urlsplit

URL, SENDER = "FENGSUI_SMTP_URL", "FENGSUI_MAIL_FROM"
HOST = re.compile(r"localhost|(?=.{1,253}$)([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}")
NAME = re.compile(r"[A-Za-z0-9.-]+")
"""Of our own host: in a network of one's own it may have no dot."""
EXAMPLE = f"例如 {URL}=smtp://用户:密码@mail.example.gov.cn:587，或 smtps:// 开头；密码中的 @ / : # % 写成 %40 等"


def mail_address(text: str) -> str:
    """A bare address, `name@host`. Raises ValueError that says what is accepted."""
    parsed = _parsed(text)
    if parsed is None or not HOST.fullmatch(parsed.domain):
        raise ValueError("is no mail address (accepted: name@host.example)")
    return text


def mail_mistakes(url: str, sender: str) -> Iterator[str]:
    """What is wrong with the two settings, with the way out; never says a password. url: empty where none is set."""
    if not url:
        return
    if wrong := _wrong_url(url):
        yield f"{URL}：{wrong}；{EXAMPLE}"
    parsed = _parsed(sender)
    if parsed is None or not NAME.fullmatch(parsed.domain):
        yield f"{SENDER}：{sender[:80]!r} 不是邮件地址；例如 {SENDER}=fengsui@example.gov.cn"


def _parsed(text: str) -> Address | None:
    try:
        parsed = Address(addr_spec=text)
    except (ValueError, MessageError, IndexError):  # what the standard library raises for what is no address
        return None
    return parsed if parsed.username and text.isascii() else None


def _wrong_url(url: str) -> str:
    try:
        address = urlsplit(url)
        host, port = address.hostname or "", address.port
        host.encode("idna")
    except ValueError:  # what the standard library raises for a port, a bracket, a name that cannot be
        return "主机或端口写得不对"
    if address.scheme not in ("smtp", "smtps") or not host or port == 0:
        return "须为 smtp:// 或 smtps:// 加主机"
    if address.path.strip("/") or address.query or address.fragment:
        return "主机和端口之后不应再有内容（密码中的 / ? # 须转写）"
    if not (unquote(address.username or "") + unquote(address.password or "")).isascii():
        return "用户名和密码只能用 ASCII 字符"
    return ""
