"""No request goes to a private address, whatever a page, a redirect or a name server says."""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass, field

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response

from crawlers.context import Refused, context_of
from crawlers.urls import host_of

KEPT_FOR = 60.0
"""Seconds a checked name is believed; the address that was really used is checked again after each answer."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: Address) -> bool:
    """Whether the address is one of the open internet's (metadata services and 100.64/10 are not)."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


@dataclass
class AddressGuard:
    """Resolves names and remembers for a minute which of them lead to private addresses."""

    _seen: dict[str, tuple[float, tuple[Address, ...]]] = field(default_factory=dict)

    async def check(self, host: str, allowed: tuple[str, ...]) -> str | None:
        """Why `host` must not be asked, or None. allowed: private hosts that the source's file names."""
        if not host:
            return "the address has no host"
        if host in allowed:
            return None
        try:
            addresses = await self._resolve(host)
        except OSError as error:
            return f"{host} cannot be resolved: {error.strerror or error}"
        private = [str(address) for address in addresses if not is_public(address)]
        return f"{host} is a private address ({private[0]}); allow_private names none such" if private else None

    async def _resolve(self, host: str) -> tuple[Address, ...]:
        loop = asyncio.get_running_loop()
        known = self._seen.get(host)
        if known is not None and loop.time() - known[0] < KEPT_FOR:
            return known[1]
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        addresses = tuple({ipaddress.ip_address(str(entry[4][0]).split("%")[0]) for entry in found})
        self._seen[host] = (loop.time(), addresses)
        return addresses


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
        why = await context.guard.check(host_of(request.url), context.source.allow_private)
        if why is not None:
            raise Refused(why)

    def process_response(self, request: Request, response: Response) -> Response:
        address, allowed = response.ip_address, context_of(self.crawler).source.allow_private
        if address is not None and host_of(request.url) not in allowed and not is_public(address):
            raise Refused(f"{host_of(request.url)} turned into a private address ({address})")
        return response
