"""A proxy before a real node that lets bulk requests fail as a busy cluster, a small proxy or a bad line would."""

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOO_BUSY = {"type": "es_rejected_execution_exception", "reason": "queue is full"}


@dataclass(frozen=True)
class Whole:
    """The request is answered with `status`; nothing of it is carried out, or all of it (`after`)."""

    status: int
    error: Mapping[str, Any] = field(default_factory=lambda: TOO_BUSY)
    after: bool = False


@dataclass(frozen=True)
class Items:
    """The documents of these ids fail with these statuses; the others are carried out."""

    statuses: Mapping[str, int]
    error: Mapping[str, Any] = field(default_factory=lambda: TOO_BUSY)


@dataclass(frozen=True)
class Silence:
    """The request is carried out and never answered."""


Fault = Whole | Items | Silence | None


@dataclass
class Faults:
    """What happens to the bulk requests that write signals: one fault each, in order; after the last one none.

    bulks: the ids of each such request.  most_bytes: larger bodies are refused with 413.
    """

    plan: list[Fault] = field(default_factory=list)
    bulks: list[list[str]] = field(default_factory=list)
    most_bytes: int | None = None
    largest: int = 0
    always: Callable[[list[str]], Fault] | None = None

    def next(self, ids: list[str]) -> Fault:
        self.bulks.append(ids)
        if self.always is not None:
            return self.always(ids)
        return self.plan.pop(0) if self.plan else None


@contextmanager
def proxied(url: str, faults: Faults, port: int = 0) -> Iterator[str]:
    """The address of a proxy before `url`. port: of its own; 0 chooses one. At the end its connections are cut."""
    over = threading.Event()
    connections: list[socket.socket] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            faults.largest = max(faults.largest, len(body))
            if faults.most_bytes is not None and len(body) > faults.most_bytes:
                self.answer(413, "text/html", b"<html>Request Entity Too Large</html>")
            elif "/_bulk" in self.path and b"-places-" not in body.split(b"\n", 1)[0]:
                self.bulk(body)
            else:
                self.answer(*self.forward(body))

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

        def bulk(self, body: bytes) -> None:
            pairs = _pairs(body)
            match faults.next([known for known, _ in pairs]):
                case Whole(status, error, after):
                    if after:
                        self.forward(body)
                    self.answer(status, "application/json", json.dumps({"error": error, "status": status}).encode())
                case Items(statuses, error):
                    self.answer(200, "application/json", self.some(pairs, statuses, error))
                case Silence():
                    self.forward(body)
                    over.wait(60)
                    self.close_connection = True
                case None:
                    self.answer(*self.forward(body))

        def some(self, pairs: list[tuple[str, bytes]], statuses: Mapping[str, int], error: Mapping[str, Any]) -> bytes:
            passed = b"".join(lines for known, lines in pairs if known not in statuses)
            done = json.loads(self.forward(passed)[2])["items"] if passed else []
            items = [
                {"index": {"_id": known, "status": statuses[known], "error": error}}
                if known in statuses
                else done.pop(0)
                for known, _ in pairs
            ]
            return json.dumps({"took": 1, "errors": True, "items": items}).encode()

        def forward(self, body: bytes) -> tuple[int, str, bytes]:
            headers = {key: self.headers[key] for key in ("Content-Type", "Accept") if key in self.headers}
            request = urllib.request.Request(url + self.path, body or None, headers, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return answer.status, answer.headers.get("Content-Type", ""), answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.headers.get("Content-Type", ""), error.read()

        def answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("X-Elastic-Product", "Elasticsearch")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def setup(self) -> None:
            super().setup()
            connections.append(self.connection)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _pairs(body: bytes) -> list[tuple[str, bytes]]:
    """The actions of a bulk body: id, and its lines."""
    lines, pairs = body.splitlines(keepends=True), []
    while lines:
        head = lines.pop(0)
        ((kind, meta),) = json.loads(head).items()
        pairs.append((meta["_id"], head if kind == "delete" else head + lines.pop(0)))
    return pairs
