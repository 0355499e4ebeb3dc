"""Network addresses: their text, and the networks in which they count against limits."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from chat_core.limits import Limit

MAX_TEXT = 64
"""In characters. The longest IPv6 address has 45, plus a zone. Longer text is not parsed."""
CUSTOMER_BITS = 64
"""The bits of one customer's IPv6 network. A customer controls all its addresses (RFC 6177)."""
SITE_BITS = 48
"""The bits of a larger customer's IPv6 network, which contains 65,536 of the smaller ones."""
OF_SITE = 10
"""The factor between the limit of a site's network and that of a customer's network."""

CACHED = 4096
"""The number of cached addresses. Parsing one takes as long as writing a log line."""

Count = tuple[Limit, str]
"""A limit, and the key that a count is for."""


def shown_address(text: str) -> str | None:
    """Return an IP address in its shortest form, or None if the text is not one.

    It turns an IPv4 address mapped into IPv6 back into IPv4. It drops a zone, which names a network
    card of this machine, not the other end.
    """
    return None if len(text) > MAX_TEXT else _shown(text)


def networks(address: str) -> tuple[str, ...]:
    """Return the networks that an address counts in, the narrowest first.

    IPv6 counts by /64 and by /48. Everything else counts by itself.
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
    """Return the limits and keys for one action from that address, the narrowest network first.

    `of` is another part of the key, such as an account. The wider network has ten times the limit.
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
