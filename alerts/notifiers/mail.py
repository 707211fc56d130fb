"""Mail by SMTP. One message a recipient; a Message-ID that follows from the delivery, so that a copy is seen as one.

Address: smtp://user:password@host:port, smtps:// for TLS from the start. STARTTLS is used where the server offers it;
?starttls=required insists on it, ?starttls=never does without. A password only goes over TLS, or over loopback.
"""

import base64
import re
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from ipaddress import ip_address
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import SecretStr

from core.clock import beijing
from core.errors import DeliveryError, UsageError
from core.ids import digest
from core.records import Notification

SECONDS = 20.0
PICTURE = re.compile(r"data:image/(png|jpeg);base64,([A-Za-z0-9+/=]+)")
StartTls = Literal["offered", "required", "never"]


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in. tls: from the first byte."""

    host: str
    port: int
    tls: bool
    starttls: StartTls
    user: str
    password: SecretStr


def read_smtp_url(url: SecretStr) -> MailServer:
    """The parts of an SMTP address. Raises UsageError, which never shows the address."""
    parts = urlsplit(url.get_secret_value())
    starttls = parse_qs(parts.query).get("starttls", ["offered"])[0]
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or port == -1:
        raise UsageError("FENGSUI_SMTP_URL: not an address (accepted: smtp://user:password@host:25, smtps://...:465)")
    if starttls not in ("offered", "required", "never"):
        raise UsageError("FENGSUI_SMTP_URL: starttls (accepted: offered, required, never)")
    tls = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname,
        port=port or (465 if tls else 25),
        tls=tls,
        starttls=starttls,  # type: ignore[arg-type]
        user=unquote(parts.username or ""),
        password=SecretStr(unquote(parts.password or "")),
    )


@dataclass(frozen=True)
class MailNotifier:
    """Sends notifications as mail. context: trust for TLS (None: the system's)."""

    server: MailServer
    sender: str
    context: ssl.SSLContext | None = None
    seconds: float = SECONDS

    def send(self, notification: Notification, *, at: datetime, handing_over: Callable[[], None]) -> str:
        """Deliver once; returns the server's answer. at: the Date of the message, its place in the outbox.

        handing_over is called when nothing but the message itself is left to be sent; what fails before that has
        certainly not arrived. Raises DeliveryError; `.retry` tells whether trying again can help.
        """
        message = build_message(notification, sender=self.sender, at=at)
        try:
            with self._open() as smtp:
                return self._hand_over(smtp, notification.recipient, message, handing_over)
        except smtplib.SMTPAuthenticationError as error:
            raise DeliveryError(f"邮件服务器不接受登录（{error.smtp_code}）", retry=True) from error
        except smtplib.SMTPResponseException as error:
            raise _answered(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(
                f"连不上邮件服务器 {self.server.host}:{self.server.port}：{error}", retry=True
            ) from error

    def check(self) -> str:
        """Connect, sign in and leave; returns the greeting. Raises DeliveryError."""
        try:
            with self._open() as smtp:
                code, answer = smtp.noop()
                return f"{code} {_words(answer)}"
        except (smtplib.SMTPException, OSError) as error:
            raise DeliveryError(
                f"连不上邮件服务器 {self.server.host}:{self.server.port}：{error}", retry=True
            ) from error

    def _open(self) -> smtplib.SMTP:
        server = self.server
        context = self.context or ssl.create_default_context()
        if server.tls:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=self.seconds, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self.seconds)
        try:
            smtp.ehlo_or_helo_if_needed()
            secret = server.tls or self._start_tls(smtp, context)
            if server.user:
                if not secret and not _is_loopback(server.host):
                    raise DeliveryError(
                        "邮件服务器不支持 TLS，未发送口令；请改用 smtps:// 或支持 STARTTLS 的服务器", retry=True
                    )
                smtp.login(server.user, server.password.get_secret_value())
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _start_tls(self, smtp: smtplib.SMTP, context: ssl.SSLContext) -> bool:
        if self.server.starttls == "never":
            return False
        if not smtp.has_extn("starttls"):
            if self.server.starttls == "required":
                raise DeliveryError("邮件服务器不提供 STARTTLS", retry=True)
            return False
        smtp.starttls(context=context)
        smtp.ehlo()
        return True

    def _hand_over(
        self, smtp: smtplib.SMTP, recipient: str, message: EmailMessage, handing_over: Callable[[], None]
    ) -> str:
        needs_utf8 = not (message["From"] + message["To"]).isascii() and smtp.has_extn("smtputf8")
        code, answer = smtp.mail(parseaddr(self.sender)[1], ["SMTPUTF8"] if needs_utf8 else [])
        if code != 250:
            raise _answered(code, answer)
        code, answer = smtp.rcpt(parseaddr(recipient)[1])
        if code not in (250, 251):
            raise _answered(code, answer)
        body = message.as_bytes(policy=SMTP)
        handing_over()
        code, answer = smtp.data(body)
        if code != 250:
            raise _answered(code, answer)
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
        return f"{code} {_words(answer)}"


def build_message(notification: Notification, *, sender: str, at: datetime) -> EmailMessage:
    """The message of a notification: text and HTML, pictures of the HTML as attachments it shows itself.

    Raises DeliveryError (no retry) for an address that is none; line breaks never get into a header.
    """
    message = EmailMessage(policy=SMTP)
    domain = parseaddr(sender)[1].rpartition("@")[2] or "fengsui.invalid"
    try:
        message["From"] = _address(sender)
        message["To"] = _address(notification.recipient)
        message["Subject"] = " ".join(notification.subject.split())
        message["Message-ID"] = f"<{notification.id}@{domain}>"
    except (ValueError, MessageError, IndexError) as error:
        raise DeliveryError(f"收件或发件地址无效：{error}", retry=False) from error
    message["Date"] = format_datetime(beijing(at))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(notification.text)
    if notification.html:
        html, pictures = take_pictures(notification.html, domain)
        message.add_alternative(html, subtype="html")
        part = message.get_payload()[-1]  # type: ignore[index,union-attr]
        for name, kind, data in pictures:
            part.add_related(data, "image", kind, cid=f"<{name}>", filename=f"{name.partition('@')[0]}.{kind}")  # type: ignore[union-attr]
    return message


def take_pictures(html: str, domain: str) -> tuple[str, list[tuple[str, str, bytes]]]:
    """HTML with cid: in place of data: addresses, and (content id, kind, bytes) of each picture."""
    found: dict[str, tuple[str, str, bytes]] = {}

    def replaced(match: re.Match[str]) -> str:
        data = base64.b64decode(match[2])
        name = f"{digest(match[2])[:16]}@{domain}"
        found[name] = (name, match[1], data)
        return f"cid:{name}"

    return PICTURE.sub(replaced, html), list(found.values())


def _address(text: str) -> Address:
    name, address = parseaddr(text)
    if not address or "@" not in address or any(char in text for char in "\r\n"):
        raise ValueError(f"{text[:80]!r}")
    return Address(display_name=name, addr_spec=address)


def _answered(code: int, answer: bytes | str) -> DeliveryError:
    return DeliveryError(f"{code} {_words(answer)}", retry=not 500 <= code < 600)


def _words(answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:300]


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"
