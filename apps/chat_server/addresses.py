"""Where a request comes from, past the proxies that the operator trusts."""

from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network

from litestar.types import Scope

UNKNOWN = "unknown"
FORWARDED_FOR = b"x-forwarded-for"
MAX_CHARACTERS = 64
"""Of what a proxy tells; the longest IPv6 address has 45, and a port may follow."""
HOST_BITS = 64
"""Of an IPv6 address: a network of the other 64 is what one customer gets (RFC 6177)."""


def client_address(scope: Scope, trusted_proxies: int) -> str:
    """By which address the sender of this request is counted."""
    client = scope["client"]
    forwarded: Iterable[str] = ()
    if trusted_proxies:
        values = (value for name, value in scope["headers"] if name == FORWARDED_FOR)
        forwarded = (value.decode("latin-1") for value in values)
    return counted_address(client[0] if client else None, forwarded, trusted_proxies)


def counted_address(peer: str | None, forwarded: Iterable[str], trusted_proxies: int) -> str:
    """The address that so many trusted proxies saw; with none the peer's, whatever a header says.

    Each proxy appends whom it saw to `X-Forwarded-For`, so the last hops are the trusted ones'.
    Of an IPv6 address it is the network: whoever has one address of it has them all.
    """
    address = peer or UNKNOWN
    if trusted_proxies:
        hops = [hop.strip() for value in forwarded for hop in value.split(",") if hop.strip()]
        address = hops[-trusted_proxies:][0][:MAX_CHARACTERS] if hops else address
    return _network(address) if ":" in address else address


def _network(address: str) -> str:
    try:
        parsed = IPv6Address(address)
    except ValueError:  # an IPv4 address with a port, or whatever else a proxy writes
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed) >> HOST_BITS << HOST_BITS, 128 - HOST_BITS)))
