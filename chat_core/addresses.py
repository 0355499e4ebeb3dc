"""Network addresses: how they are written, and in which networks they count."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from chat_core.limits import Limit

MAX_TEXT = 64
"""Characters; the longest IPv6 address has 45, and a zone may follow. More is not looked at."""
CUSTOMER_BITS = 64
"""The IPv6 network of one customer: who has one address of it has them all (RFC 6177)."""
SITE_BITS = 48
"""The IPv6 network that a larger customer may get, with 65,536 of those in it."""
OF_SITE = 10
"""How many times the limit of a customer's network holds for a site's."""

CACHED = 4096
"""Addresses that are remembered: to parse one takes as long as to write a log line."""

Count = tuple[Limit, str]
"""A limit, and the key that one is counted for."""


def shown_address(text: str) -> str | None:
    """An IP address in its shortest form; None for what is no IP address.

    An IPv4 address that is mapped into IPv6 is the IPv4 address. A zone is dropped: it names a
    network card of this machine, not who is at the other end.
    """
    return None if len(text) > MAX_TEXT else _shown(text)


def networks(address: str) -> tuple[str, ...]:
    """The networks that an address counts in, the narrowest first.

    IPv6 counts by /64 and by /48. Everything else counts as itself alone.
    """
    return (address,) if len(address) > MAX_TEXT else _networks(address)


@lru_cache(CACHED)
def _shown(text: str) -> str | None:
    parsed = _parsed(text)
    return None if parsed is None else str(parsed)


@lru_cache(CACHED)
def _networks(address: str) -> tuple[str, ...]:
    parsed = _parsed(address)
    if parsed is None:
        return (address,)
    if isinstance(parsed, IPv4Address):
        return (str(parsed),)
    return tuple(str(IPv6Network((parsed, b), strict=False)) for b in (CUSTOMER_BITS, SITE_BITS))


def counts(limit: Limit, address: str, of: str = "") -> Sequence[Count]:
    """What one action from that address counts for: its networks, the narrowest first.

    `of` is what else is in the key, such as an account. The wider network has ten times the limit.
    """
    found = [
        (limit if place == 0 else replace(limit, burst=OF_SITE * limit.burst), network)
        for place, network in enumerate(networks(address))
    ]
    return [(each, f"{of} {network}") for each, network in found] if of else found


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed
