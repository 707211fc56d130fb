"""A TCP gate before a real server: it lets through, hangs, or is shut, and may lead to another server later."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

CHUNK = 65_536


class Gate:
    """Listens on a port of its own. Begins shut: connections are refused by the system, as by a dead server."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._target: int | None = None
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Its address, the same whatever is behind it."""
        return f"http://127.0.0.1:{self.port}"

    def lead_to(self, url: str) -> None:
        """Let everything through to the server at `url`."""
        self._reopen(urlsplit(url).port)

    def hang(self) -> None:
        """Take connections and requests, and never answer."""
        self._reopen(None)

    def shut(self) -> None:
        """Cut what is open and refuse every connection."""
        with self._lock:
            ends = [*self._open, self._listener] if self._listener else self._open
            self._listener, self._open = None, []
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _reopen(self, target: int | None) -> None:
        self.shut()
        self._target = target
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                here, _address = listener.accept()
                self._keep(here)
                if self._target is None:
                    continue
                try:
                    there = socket.create_connection(("127.0.0.1", self._target), timeout=5)
                except OSError:
                    here.close()
                    continue
                there.settimeout(None)
                self._keep(there)
                for source, sink in ((here, there), (there, here)):
                    threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()

    def _keep(self, end: socket.socket) -> None:
        with self._lock:
            self._open.append(end)


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
