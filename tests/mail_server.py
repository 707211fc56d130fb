"""A real SMTP server that keeps what comes in, or answers and breaks as a test says."""

import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import MISSING, AuthResult


@dataclass
class Inbox:
    """answer: to a whole mail.  rcpt: answers by address.  drops: cuts the connection instead of answering a mail.

    drops_early: cuts it when a mail is announced.  waits: seconds before a mail is answered.
    """

    mails: list[Any] = field(default_factory=list)
    answer: str = "250 OK"
    rcpt: dict[str, str] = field(default_factory=dict)
    drops: bool = False
    drops_early: bool = False
    waits: float = 0.0
    said: list[str] = field(default_factory=list)
    farewell: str = "221 Bye"

    @property
    def read(self) -> list[EmailMessage]:
        """The mails that came in, parsed."""
        return [message_from_bytes(one.content, policy=default) for one in self.mails]

    @property
    def by_id(self) -> Counter[str]:
        """How often each Message-ID came in."""
        return Counter(str(one["Message-ID"]) for one in self.read)

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]) -> Any:
        self.said.append("EHLO")
        session.host_name = hostname
        return [*responses[:-1], "250-AUTH PLAIN LOGIN", responses[-1]]

    async def handle_AUTH(self, server: Any, *_rest: Any) -> Any:
        self.said.append("AUTH")
        return MISSING  # the server goes on

    async def handle_QUIT(self, *_all: Any) -> str:
        return self.farewell

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        answer = self.rcpt.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        if self.drops_early:
            server.transport.abort()
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.waits:
            time.sleep(self.waits)  # the server is slow; nobody else asks it
        if self.answer.startswith("250"):
            self.mails.append(envelope)
        if self.drops:
            server.transport.abort()
        return self.answer


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def listening(handler: Inbox, port: int, tls: ssl.SSLContext | None = None) -> Iterator[None]:
    """The server at that port. tls: what it offers STARTTLS with."""
    server = Controller(
        handler, hostname="127.0.0.1", port=port, tls_context=tls, authenticator=lambda *_all: AuthResult(success=True)
    )
    server.start()
    try:
        yield
    finally:
        server.stop()


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, str]]:
    handler, port = Inbox(), free_port()
    with listening(handler, port):
        yield handler, f"smtp://127.0.0.1:{port}"


@contextmanager
def dripping(after: int) -> Iterator[int]:
    """A server that answers so many lines as it should (5: up to the end of a mail), then byte by byte without end."""
    ended = threading.Event()

    def serve(taken: socket.socket) -> None:
        with taken, suppress(OSError):
            lines = taken.makefile("rb")
            for answer in (b"220 x\r\n", b"250 x\r\n", b"250 OK\r\n", b"250 OK\r\n", b"354 go on\r\n")[:after]:
                taken.sendall(answer)
                lines.readline()
            while not ended.wait(0.05):
                taken.sendall(b"2")

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: serve(server.accept()[0]), daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            ended.set()
