"""Names are resolved behind the guard: what a name server says at the moment of connecting is checked, too.

A name that led to a public address when it was checked and leads to a private one when it is connected to (DNS
rebinding) finds no address at all; no byte reaches the machine inside.
"""

import ipaddress
from collections.abc import Iterable
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IHostnameResolver, IHostResolution, IResolutionReceiver
from zope.interface import implementer  # type: ignore[import-untyped]

from crawlers.guard import is_public


def guard_names(reactor: Any, allowed: Iterable[str]) -> None:
    """Make `reactor` resolve names through the guard, once; `allowed` names may lead to private addresses."""
    resolver = reactor.nameResolver
    if not isinstance(resolver, GuardedNames):
        resolver = GuardedNames(resolver)
        reactor.installNameResolver(resolver)
    resolver.allowed.update(allowed)


@implementer(IHostnameResolver)
class GuardedNames:
    """The reactor's own resolver, less the private addresses."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.allowed: set[str] = set()

    def resolveHostName(self, receiver: Any, hostName: str, *args: Any, **kwargs: Any) -> Any:
        """As Twisted asks for it."""
        if hostName in self.allowed:
            return self.inner.resolveHostName(receiver, hostName, *args, **kwargs)
        return self.inner.resolveHostName(_PublicOnly(receiver), hostName, *args, **kwargs)


@implementer(IResolutionReceiver)
class _PublicOnly:
    def __init__(self, receiver: Any) -> None:
        self.receiver = receiver

    def resolutionBegan(self, resolution: IHostResolution) -> None:
        self.receiver.resolutionBegan(resolution)

    def addressResolved(self, address: IPv4Address | IPv6Address) -> None:
        if is_public(ipaddress.ip_address(address.host.split("%")[0])):
            self.receiver.addressResolved(address)

    def resolutionComplete(self) -> None:
        self.receiver.resolutionComplete()
