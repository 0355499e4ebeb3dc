"""The client's address, seen through trusted proxies, and its `User-Agent`."""

import re
from collections.abc import Iterable

from litestar.types import Scope

from chat_core.addresses import shown_address

UNKNOWN = "unknown"
FORWARDED_FOR, USER_AGENT = b"x-forwarded-for", b"user-agent"
PORT = re.compile(r":[0-9]{1,5}")


def client_address(scope: Scope, trusted_proxies: int) -> str:
    """Return the client address that is used for rate limits, logs and sessions."""
    client = scope["client"]
    forwarded: Iterable[str] = ()
    if trusted_proxies:
        values = (value for name, value in scope["headers"] if name == FORWARDED_FOR)
        forwarded = (value.decode("latin-1") for value in values)
    return counted_address(client[0] if client else None, forwarded, trusted_proxies)


def user_agent(scope: Scope) -> str | None:
    """Return the request's `User-Agent`, or None."""
    values = (value for name, value in scope["headers"] if name == USER_AGENT)
    return next((value.decode("utf-8", "replace") for value in values), None)


def counted_address(peer: str | None, forwarded: Iterable[str], trusted_proxies: int) -> str:
    """Return the client's address as the outermost trusted proxy saw it.

    Each proxy appends the address that it saw to `X-Forwarded-For`, so the last entries come from
    the trusted proxies. Without trusted proxies, or if the entry is not an address, returns the
    peer's address.
    """
    if trusted_proxies:
        hops = [hop.strip() for value in forwarded for hop in value.split(",") if hop.strip()]
        address = _address(hops[-trusted_proxies:][0]) if hops else None
        if address is not None:
            return address
    return (shown_address(peer) or peer) if peer else UNKNOWN


def _address(entry: str) -> str | None:
    """Return the address in an entry, without quotes, brackets and port, or None if it has none."""
    entry = entry.strip('"')
    if entry.startswith("["):
        address, bracket, port = entry[1:].partition("]")
        if not bracket:
            return None
    elif entry.count(":") == 1:
        address, colon, number = entry.partition(":")
        port = colon + number
    else:
        address, port = entry, ""
    return shown_address(address) if not port or PORT.fullmatch(port) else None
