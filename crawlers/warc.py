"""WARC records, for standard tools: what was answered, what was asked, what is in a file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from io import BytesIO
from urllib.parse import urlsplit, urlunsplit

from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeaders
from warcio.utils import Digester
from warcio.warcwriter import WARCWriter

from core.clock import as_utc

SOFTWARE = "Fengsui"
TRANSPORT = frozenset(("content-encoding", "transfer-encoding", "content-length"))
STATUSES = frozenset(int(status) for status in HTTPStatus)
OPEN_HEADERS = frozenset(
    ("accept", "accept-encoding", "accept-language", "content-type", "host", "if-modified-since", "if-none-match",
     "referer", "user-agent")
)  # fmt: skip
"""Of what was sent the values of these are kept; any other may be a key."""


@dataclass(frozen=True)
class Sent:
    """The request behind an answer. address: the IP address that answered."""

    method: str
    headers: Sequence[tuple[str, str]] = ()
    body: bytes = b""
    address: str | None = None


class _Writer(WARCWriter):  # type: ignore[misc]  # it has no types
    """Standard records with SHA-256 digests, the ones the store knows pages by."""

    @staticmethod
    def _create_digester() -> Digester:
        return Digester("sha256")


def make_record(
    uri: str,
    kind: str,
    body: bytes,
    moment: datetime,
    *,
    http: StatusAndHeaders | None = None,
    content_type: str = "",
    more: Mapping[str, str] | None = None,
) -> ArcWarcRecord:
    """A record of `kind` with its digests."""
    stamp = as_utc(moment).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _Writer(BytesIO()).create_warc_record(
        uri,
        kind,
        payload=BytesIO(body),
        length=len(body),
        http_headers=http,
        warc_content_type=content_type,
        warc_headers_dict={"WARC-Date": stamp, **(more or {})},
    )


def response_record(
    url: str,
    status: int,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    moment: datetime,
    *,
    address: str | None = None,
) -> ArcWarcRecord:
    """What was answered. body: as decoded; its transport coding is kept as X-Archive-Orig-Content-Encoding."""
    lines = [(f"X-Archive-Orig-{name}" if name.lower() in TRANSPORT else _plain(name), said) for name, said in headers]
    lines.append(("Content-Length", str(len(body))))
    reason = HTTPStatus(status).phrase if status in STATUSES else "Unknown"
    http = StatusAndHeaders(f"{status} {reason}", lines, protocol="HTTP/1.1")
    more = {"WARC-IP-Address": address} if address else {}
    return make_record(url, "response", body, moment, http=http, more=more)


def _plain(name: str) -> str:
    return name.encode("ascii", "replace").decode("ascii")


def request_record(url: str, sent: Sent, moment: datetime, answer: ArcWarcRecord) -> ArcWarcRecord:
    """What was asked to get `answer`."""
    parts = urlsplit(url)
    path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
    lines = [("Host", parts.netloc.rpartition("@")[2])]
    for name, value in sent.headers:
        if name.lower() != "host":
            lines.append((name, value if name.lower() in OPEN_HEADERS else "(withheld)"))
    if sent.body:
        lines.append(("Content-Length", str(len(sent.body))))
    http = StatusAndHeaders(f"{sent.method} {path} HTTP/1.1", lines, is_http_request=True)
    more = {"WARC-Concurrent-To": answer.rec_headers.get_header("WARC-Record-ID")}
    return make_record(url, "request", sent.body, moment, http=http, more=more)


def warcinfo(name: str, moment: datetime) -> ArcWarcRecord:
    """What every file begins with."""
    facts = f"software: {SOFTWARE}\r\nformat: WARC File Format 1.0\r\n".encode()
    return make_record("", "warcinfo", facts, moment, more={"WARC-Filename": name})


def packed(record: ArcWarcRecord) -> bytes:
    """The record as a gzip member of its own."""
    buffer = BytesIO()
    _Writer(buffer, gzip=True).write_record(record)
    return buffer.getvalue()
