"""Which addresses belong to the open internet."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
SPECIAL = tuple(map(ipaddress.ip_network, ("192.0.0.0/24", "192.88.99.0/24", "3fff::/20", "2001::/23")))
"""Of IANA's registries of special addresses, those that `is_global` takes for public: protocol assignments, relays of
6to4, documentation. (Teredo, 2001::/32, is judged by the address inside.)"""
UNICAST = ipaddress.ip_network("2000::/3")
NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether the address is one of the open internet's (metadata services and 100.64/10 are not)."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address not in UNICAST:
            return False
    special = any(address in network for network in SPECIAL)
    return address.is_global and not address.is_multicast and not address.is_reserved and not special


OWN = tuple(
    map(ipaddress.ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"))
)
"""Networks of a house of one's own (RFC 1918, RFC 4193) and this machine. Link-local ones, where a cloud hands out its
keys, are none."""


def is_own(address: Address) -> bool:
    """Whether the address lies in a network of one's own."""
    plain = getattr(address, "ipv4_mapped", None) or address
    return any(plain in network for network in OWN)


def is_reachable(address: Address) -> bool:
    """Whether an address that an operator named may be asked: one's own or the open internet's."""
    return is_own(address) or is_public(address)
