"""Where a request comes from, past the proxies that the operator trusts."""

from typing import Any

from litestar.connection import ASGIConnection

UNKNOWN = "unknown"


def client_address(connection: ASGIConnection[Any, Any, Any, Any], trusted_proxies: int) -> str:
    """The address that so many trusted proxies saw; with none the peer's, whatever a header says.

    Each proxy appends whom it saw to `X-Forwarded-For`, so the last hops are the trusted ones'.
    """
    peer = connection.client.host if connection.client else UNKNOWN
    if trusted_proxies == 0:
        return peer
    values = connection.headers.getall("X-Forwarded-For", [])
    hops = [hop.strip() for value in values for hop in value.split(",") if hop.strip()]
    return hops[-trusted_proxies:][0] if hops else peer
