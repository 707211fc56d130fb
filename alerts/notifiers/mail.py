"""Mail over SMTP (RFC 5321): smtp://, smtp with STARTTLS where the server offers it, smtps://.

Certificates are verified, and a password never goes over a connection without TLS.
"""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, formatdate
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from core.errors import DeliveryError
from core.records import Notification

TIMEOUT = 20.0


@dataclass(frozen=True)
class MailNotifier:
    """url: smtp(s)://user:password@host:port; the password is never logged.  sender: the From address."""

    url: SecretStr
    sender: str

    def send(self, notification: Notification, handing_over: Callable[[], None]) -> str:
        """Deliver once; returns the server's last word. Raises DeliveryError; 4xx and a dead server may be retried.

        A connection that breaks after the message went over it leaves the delivery unsure: RFC 5321 section 6.1, the
        server may have taken it before its answer was lost.
        """
        try:
            message = self.message_of(notification).as_bytes(policy=SMTP)
        except ValueError as problem:
            raise DeliveryError(f"the mail cannot be written: {problem}", retry=False) from None
        handed = False
        try:
            with _session(self._connect()) as server:
                for code, answer in (server.mail(self.sender), server.rcpt(notification.recipient)):
                    _expect(code, answer, accepted=(250, 251))
                handing_over()
                handed = True
                code, answer = server.data(message)
                _expect(code, answer, accepted=(250,))
                return f"{code} {_text(answer)}"
        except smtplib.SMTPResponseException as refused:
            raise DeliveryError(
                f"{refused.smtp_code} {_text(refused.smtp_error)}", retry=refused.smtp_code < 500
            ) from None
        except (smtplib.SMTPException, OSError) as problem:
            raise DeliveryError(
                f"mail server: {type(problem).__name__}: {problem}", retry=True, unsure=handed
            ) from None

    def message_of(self, notification: Notification) -> EmailMessage:
        """The mail. Its Message-ID follows from the delivery id: a second copy would be known as one."""
        message = EmailMessage()
        message["Subject"] = _one_line(notification.subject)
        message["From"] = formataddr(("烽燧", self.sender))
        message["To"] = _one_line(notification.recipient)
        message["Date"] = formatdate(localtime=False)
        message["Message-ID"] = f"<{notification.id}@{self.sender.rpartition('@')[2] or 'localhost'}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(notification.text)
        if notification.html:
            message.add_alternative(notification.html, subtype="html")
        return message

    def _connect(self) -> smtplib.SMTP:
        address = urlsplit(self.url.get_secret_value())
        host, context = address.hostname or "localhost", ssl.create_default_context()
        secret = address.scheme == "smtps"
        if address.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, address.port or 465, timeout=TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(host, address.port or 25, timeout=TIMEOUT)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
                secret = True
        if address.username:
            if not secret:
                server.close()
                raise DeliveryError("mail server offers no TLS: the password was not sent; use smtps://", retry=True)
            server.login(unquote(address.username), unquote(address.password or ""))
        return server


@contextmanager
def _session(server: smtplib.SMTP) -> Iterator[smtplib.SMTP]:
    """Ends with QUIT. What the server says to that changes nothing about a mail that it has taken."""
    try:
        yield server
    finally:
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
        server.close()


def _expect(code: int, answer: bytes, *, accepted: tuple[int, ...]) -> None:
    if code not in accepted:
        raise smtplib.SMTPResponseException(code, answer)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
