"""Mail over SMTP (RFC 5321): smtp://, smtp with STARTTLS where the server offers it, smtps://.

Certificates are verified, and a password never goes over a connection without TLS. What a server refuses for good
(5xx) counts for the address where it answers RCPT, for the mail where it answers DATA; a refusal before that is about
the server or our account there, and everything waits until somebody has put that right.
"""

import re
import smtplib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from email.policy import SMTP
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from alerts.mail_message import LinkTokens, MailWriter
from core.deadline import Deadline
from core.errors import DeliveryError
from core.records import Notification

TIMEOUT = 20.0
LAST_ANSWER = 75.0
"""Seconds waited for the answer to a whole mail. RFC 5321 (4.5.3.2.6) wants 600; the claim on a delivery lasts 120,
of which DATA and the mail itself may have taken twice TIMEOUT."""
WHOLE = 90.0
"""Seconds until the mail itself is handed over, all answers together: the claim on a delivery lasts 120."""
NOT_ALLOWED = re.compile(r"5\d\d[ -]5\.7\.\d", re.ASCII)
"""RFC 3463, X.7: the server does not let us, as in `554 5.7.1 Relay access denied`. It says nothing of the address."""
UNREACHED = timedelta(minutes=2)
"""When a mail is tried again that met a dead server. The sender rests meanwhile: a longer wait would only delay it."""


def no_pictures(_names: Collection[str]) -> Mapping[str, bytes]:
    """Nothing is kept."""
    return {}


@dataclass(frozen=True)
class MailNotifier:
    """url: smtp(s)://user:password@host:port; the password is never logged.  sender: the From address.

    pictures: gives the kept pictures of a mail.  links: signs the links; None: mails carry none.  timeout: seconds
    that an answer may take; last_answer: the one to a whole mail; whole: all until the mail is handed over, however
    slowly the server drips.
    """

    url: SecretStr
    sender: str
    pictures: Callable[[Collection[str]], Mapping[str, bytes]] = no_pictures
    links: LinkTokens | None = None
    timeout: float = TIMEOUT
    last_answer: float = LAST_ANSWER
    whole: float = WHOLE

    @property
    def writer(self) -> MailWriter:
        """What makes the mails."""
        return MailWriter(self.sender, self.pictures, self.links)

    def send(self, notification: Notification, handing_over: Callable[[], None]) -> str:
        """Deliver once; returns the server's last word. Raises DeliveryError; 4xx and a dead server may be retried.

        A connection that breaks after the whole message went over it leaves the delivery unsure: RFC 5321 section 6.1,
        the server may have taken it before its answer was lost. One that breaks before has not arrived.
        """
        try:
            message = self.writer.message_of(notification).as_bytes(policy=SMTP)
        except ValueError as problem:
            raise DeliveryError(f"the mail cannot be written: {problem}", retry=False) from None
        with Deadline(self.whole) as deadline, _session(self._connect(deadline), deadline, self.timeout) as server:
            handed = False
            try:
                wants = server.has_extn("dsn")  # RFC 3461: which mail came back, and that late ones are told of
                envelope = [f"ENVID={notification.id}"] if wants else []
                told_of = ["NOTIFY=FAILURE,DELAY"] if wants else []
                _expect(*server.mail(self.sender, envelope), about="server")
                _expect(*server.rcpt(notification.recipient, told_of), about="address")
                handing_over()
                deadline.again(self.last_answer + self.timeout)
                code, answer = server.docmd("DATA")
                if code != 354:
                    _expect(code, answer, about="message", accepted=())
                server.send(_on_the_wire(message))
                handed = True
                if server.sock is not None:
                    server.sock.settimeout(self.last_answer)
                code, answer = server.getreply()
                if deadline.over:  # half a line is no answer
                    raise smtplib.SMTPServerDisconnected
                _expect(code, answer, about="message")
                return f"{code} {_text(answer)}"
            except (smtplib.SMTPException, OSError, DeliveryError) as problem:
                if isinstance(problem, DeliveryError) and not deadline.over:
                    raise
                raise _broken(problem, deadline, unsure=handed) from None

    def _connect(self, deadline: Deadline) -> smtplib.SMTP:
        """A session that is ready for mails. Raises DeliveryError about the server: it takes nothing now."""
        try:
            return self._opened(deadline)
        except smtplib.SMTPResponseException as refused:
            if deadline.over:
                raise _broken(refused, deadline, unsure=False) from None
            said = f"{refused.smtp_code} {_text(refused.smtp_error)}"
            raise DeliveryError(said, retry=True, about="server", after=UNREACHED) from None
        except (smtplib.SMTPException, OSError) as problem:
            raise _broken(problem, deadline, unsure=False) from None
        except ValueError:  # a port, a host, a password that cannot be; what it says may show a part of the password
            said = "mail server: FENGSUI_SMTP_URL cannot be used (port, host, or characters of the password)"
            raise DeliveryError(said, retry=True, about="server", after=UNREACHED) from None

    def _opened(self, deadline: Deadline) -> smtplib.SMTP:
        address = urlsplit(self.url.get_secret_value())
        host, context = address.hostname or "localhost", deadline.tls()
        secret = address.scheme == "smtps"
        if address.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, address.port or 465, timeout=self.timeout, context=context)
        else:
            server = _Held(deadline, host, address.port or 25, timeout=self.timeout)
        try:
            server.ehlo()
            if not secret and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
                secret = True
            if address.username and not secret:
                said = "mail server offers no TLS: the password was not sent; use smtps://"
                raise DeliveryError(said, retry=True, about="server", after=UNREACHED)
            if address.username:
                server.login(unquote(address.username), unquote(address.password or ""))
        except BaseException:  # whatever it is: the connection is closed, and the error goes on
            server.close()
            raise
        return server


class _Held(smtplib.SMTP):
    """Ends with its deadline from its first byte on."""

    def __init__(self, deadline: Deadline, host: str, port: int, *, timeout: float) -> None:
        deadline.hold(self)
        super().__init__(host, port, timeout=timeout)


@contextmanager
def _session(server: smtplib.SMTP, deadline: Deadline, timeout: float) -> Iterator[smtplib.SMTP]:
    """Ends with QUIT. What the server says to that changes nothing about a mail that it has taken."""
    try:
        yield server
    finally:
        deadline.again(timeout)
        with suppress(smtplib.SMTPException, OSError):
            if server.sock is not None:
                server.sock.settimeout(timeout)
            server.quit()
        server.close()


def _on_the_wire(message: bytes) -> bytes:
    """The mail as DATA wants it: a line's first dot doubled, a line with a dot at the end (RFC 5321, 4.5.2)."""
    lines = re.sub(rb"(?m)^\.", b"..", message)
    return (lines if lines.endswith(b"\r\n") else lines + b"\r\n") + b".\r\n"


def _expect(
    code: int,
    answer: bytes,
    *,
    about: Literal["message", "address", "server"],
    accepted: tuple[int, ...] = (250, 251),
) -> None:
    """Raises DeliveryError for another answer: 4xx may be tried again; 5xx not, but where the server or a right that we
    lack is meant."""
    if code in accepted:
        return
    said = f"{code} {_text(answer)}"
    if code == 421:  # closing: nobody gets anything now (RFC 5321, 3.8)
        raise DeliveryError(said, retry=True, about="server", after=UNREACHED)
    if about == "server" and code >= 500:
        raise DeliveryError(said, retry=True, about="server", after=UNREACHED)
    if about == "address" and NOT_ALLOWED.search(said):
        raise DeliveryError(said, retry=True, about="message")
    raise DeliveryError(said, retry=code < 500, about=about if code >= 500 else "message")


def _broken(problem: Exception, deadline: Deadline, *, unsure: bool) -> DeliveryError:
    said = f"mail server: {type(problem).__name__}: {problem}"
    if deadline.over:
        said = f"mail server: too slow, cut off after {deadline.seconds:g} s in all"
    return DeliveryError(said, retry=True, unsure=unsure, about="message" if unsure else "server", after=UNREACHED)


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
