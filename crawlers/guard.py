"""No request goes to a private address, whatever a page, a redirect or a name server says.

A name is looked up once: the addresses that were checked are the ones that are connected to (`CheckedNames`).
"""

import asyncio
import ipaddress
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.resolver import HostResolution
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver
from zope.interface import implementer  # type: ignore[import-untyped]

from core.internet import Address, is_public
from crawlers.context import Refused, context_of
from crawlers.urls import host_of, port_of

KEPT_FOR = 60.0
"""Seconds after which a name is looked up and checked again."""
MOST = 10_000
"""Names that are remembered: lists of a hostile site may name a new one with each link."""


def is_named(host: str, port: int, allowed: Sequence[str]) -> bool:
    """Whether allow_private names this host, for all its ports or for this one."""
    return host in allowed or (f"[{host}]:{port}" if ":" in host else f"{host}:{port}") in allowed


@dataclass
class AddressGuard:
    """Resolves names and remembers for a minute which addresses they lead to, and of each what passed last."""

    _seen: dict[str, tuple[float, tuple[Address, ...]]] = field(default_factory=dict)
    _passed: dict[str, tuple[Address, ...]] = field(default_factory=dict)

    async def check(self, url: str, allowed: Sequence[str]) -> str | None:
        """Why `url` must not be asked, or None. allowed: private hosts (or host:port) that the source's file names."""
        host, port = host_of(url), port_of(url)
        if not host or "%" in host or port is None or "@" in urlsplit(url).netloc:
            return f"{url[:100]}: no plain web address (host, and port where it has one, without user or zone)"
        try:
            addresses = await self._resolve(host)
        except (OSError, UnicodeError) as error:
            return f"{host} cannot be resolved: {getattr(error, 'strerror', None) or error}"
        private = [str(address) for address in addresses if not is_public(address)]
        if not private or is_named(host, port, allowed):
            self._passed.pop(host, None)  # so that the one that passed longest ago stands first
            self._passed[host] = addresses
            _forget_first(self._passed)
            return None
        return f"{host}:{port} is a private address ({private[0]}); allow_private does not name it"

    def addresses(self, host: str) -> tuple[Address, ...]:
        """What `host` led to when it last passed, for a request may wait longer than a name keeps its address; nothing
        when it never passed."""
        return self._passed.get(host.lower(), ())

    def install(self) -> None:
        """Make connections of this process go to checked addresses only."""
        reactor: Any = sys.modules["twisted.internet.reactor"]
        reactor.installNameResolver(CheckedNames(self))

    async def _resolve(self, host: str) -> tuple[Address, ...]:
        loop = asyncio.get_running_loop()
        known = self._seen.get(host)
        if known is not None and loop.time() - known[0] < KEPT_FOR:
            return known[1]
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        addresses = tuple(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found))
        self._seen.pop(host, None)
        self._seen[host] = (loop.time(), addresses)
        _forget_first(self._seen)
        return addresses


def _forget_first(known: dict[str, Any]) -> None:
    if len(known) > MOST:
        del known[next(iter(known))]


@implementer(IHostnameResolver)
@dataclass(frozen=True)
class CheckedNames:
    """Twisted's name resolver without a look-up of its own: a server that answers anew each time gains nothing."""

    guard: AddressGuard

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[Any]] | None = None,
        transportSemantics: str = "TCP",
    ) -> HostResolution:
        """The addresses the guard has checked."""
        resolution = HostResolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        for address in self.guard.addresses(hostName):
            kind = IPv4Address if address.version == 4 else IPv6Address
            if addressTypes is None or kind in addressTypes:
                resolutionReceiver.addressResolved(kind("TCP", str(address), portNumber))
        resolutionReceiver.resolutionComplete()
        return resolution


class GuardMiddleware:
    """Asks the guard before each request, redirects included, and looks at the address that answered."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> "GuardMiddleware":
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        context = context_of(self.crawler)
        if not request.url.lower().startswith(("http://", "https://")):
            raise Refused(f"{request.url[:100]}: only http and https are fetched")
        why = await context.guard.check(request.url, context.source.allow_private)
        if why is not None:
            raise Refused(why)

    def process_response(self, request: Request, response: Response) -> Response:
        address, allowed = response.ip_address, context_of(self.crawler).source.allow_private
        host, port = host_of(request.url), port_of(request.url)
        if address is not None and not is_public(address) and not is_named(host, port or 0, allowed):
            raise Refused(f"{host}:{port} turned into a private address ({address})")
        return response
