"""One HTTP request to an address that an operator gave: the name is looked up once, what it leads to is looked at, and
the connection goes to that very address. Bounded in size and time; no redirect is followed, no proxy of the environment
is asked."""

import ipaddress
import socket
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from core.deadline import Deadline
from core.internet import Address

PORTS = {"http": 80, "https": 443}


class Unresolved(Exception):
    """The name leads nowhere. The message is for people and holds nothing but name and cause."""


class Elsewhere(Exception):
    """The name leads to an address that must not be asked."""

    def __init__(self, host: str, address: Address) -> None:
        super().__init__(f"{host} leads to {address}")
        self.host, self.address = host, address


@dataclass(frozen=True)
class Answer:
    """What came back. cut: there was more of the body than was wanted."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    cut: bool


def addresses_of(host: str, port: int) -> tuple[Address, ...]:
    """Where a name leads to, in the order to be tried. Raises Unresolved."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, ValueError) as problem:  # a label of a name that is too long is a UnicodeError
        raise Unresolved(
            f"{host[:200]} cannot be resolved: {getattr(problem, 'strerror', None) or 'no name'}"
        ) from None
    return tuple(dict.fromkeys(ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found))


def ask(
    method: str,
    url: str,
    *,
    may: Callable[[Address], bool],
    seconds: float,
    most: int,
    headers: Mapping[str, str],
    body: bytes = b"",
    timeout: httpx.Timeout | float = 10.0,
    handing_over: Callable[[], None] = lambda: None,
) -> Answer:
    """Ask once. may: whether an address may be asked; one that may not, among those of the name, stops it.

    seconds: what all of it may take.  most: bytes of an answer's body.  handing_over: called before the first byte goes
    out.
    Raises Unresolved, Elsewhere, httpx.HTTPError.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
    found = addresses_of(host, port)
    for address in found:
        if not may(address):
            raise Elsewhere(host, address)
    told = {**headers, "Accept-Encoding": "gzip", "Host": parts.netloc.rpartition("@")[2]}
    with (
        Deadline(seconds) as deadline,
        httpx.Client(verify=deadline.tls(), timeout=timeout, follow_redirects=False, trust_env=False) as client,
    ):
        more = {"sni_hostname": host, "trace": _holding(deadline)}
        for place, address in enumerate(found, start=1):
            pinned = httpx.URL(url).copy_with(host=str(address))
            request = client.build_request(method, pinned, content=body, headers=told, extensions=more)
            if place == 1:
                handing_over()
            try:
                answer = client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if place == len(found):
                    raise
                continue
            try:
                return _read(answer, most)
            finally:
                answer.close()
    raise Unresolved(f"{host[:200]} cannot be resolved: no address")


def _holding(deadline: Deadline) -> Callable[[str, Mapping[str, Any]], None]:
    """Tells the deadline of the connection (httpcore's trace); that of TLS tells of itself."""

    def trace(event: str, told: Mapping[str, Any]) -> None:
        if event == "connection.connect_tcp.complete":
            deadline.hold(told["return_value"].get_extra_info("socket"))

    return trace


def _read(answer: httpx.Response, most: int) -> Answer:
    found = bytearray()
    for piece in answer.iter_raw(16_384):
        found += piece
        if len(found) > most:
            break
    body = bytes(found[:most])
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        body = _unpacked(body, most + 1)
    return Answer(answer.status_code, answer.headers, body[:most], max(len(found), len(body)) > most)


def _unpacked(body: bytes, most: int) -> bytes:
    """At most so many bytes of it: a client unpacks each piece whole, and 64 KB hold 64 MB."""
    try:
        return zlib.decompressobj(wbits=47).decompress(body, most)
    except zlib.error as problem:
        raise httpx.DecodingError("the body cannot be unpacked") from problem
