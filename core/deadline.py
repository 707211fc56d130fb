"""An end to what a connection may take in all: a server that drips a byte now and then would hold it for days.

Each answer has a time limit of its own, which begins anew with each byte; this one does not. It holds the socket from
its connection on, through the handshake of TLS, and shuts it down when the time is over: whoever reads from it sees a
connection that broke.
"""

import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self


class Deadline:
    """`with Deadline(90) as deadline:`; `over` tells whether the time was up."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.over = False
        self._held: Any = None
        self._lock = threading.Lock()
        self._timer = self._started(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def hold(self, owner: object) -> None:
        """What is shut down when the time is over: a socket, or what has one as its `sock` by then."""
        with self._lock:
            self._held = owner
            late = self.over
        if late:
            self._cut()

    def again(self, seconds: float) -> None:
        """From now on it is so many seconds."""
        self._timer.cancel()
        self.seconds = seconds
        if not self.over:
            self._timer = self._started(seconds)

    def tls(self) -> ssl.SSLContext:
        """Verifies certificates as usual; the connection is held from its handshake on."""
        deadline, context = self, ssl.create_default_context()

        class Held(ssl.SSLSocket):
            def do_handshake(self, block: bool = False) -> None:
                deadline.hold(self)
                super().do_handshake(block)

        context.sslsocket_class = Held
        return context

    def _started(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(seconds, self._cut)
        timer.daemon = True
        timer.start()
        return timer

    def _cut(self) -> None:
        with self._lock:
            self.over = True
            held = self._held
        found = held if isinstance(held, socket.socket) else getattr(held, "sock", None)
        if isinstance(found, socket.socket):
            with suppress(OSError):  # it is closed by now; that of TLS is not asked, for it would wait for its reader
                socket.socket.shutdown(found, socket.SHUT_RDWR)
