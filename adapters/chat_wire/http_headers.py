"""HTTP headers of requests and responses."""

from collections.abc import Iterable

from chat_core.errors import Malformed

Header = tuple[bytes, bytes]

POLICY = b"content-security-policy"
CACHE = b"cache-control"

OF_DATA: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (POLICY, b"default-src 'none'; frame-ancestors 'none'"),
)
"""Headers of a response that is not a page: it loads nothing, and no page can embed it."""

NOT_KEPT: Header = (CACHE, b"no-store")
"""The header that forbids caching. Most responses contain a token or private data."""

DATA_NOT_KEPT = (*OF_DATA, NOT_KEPT)

PROBLEM: Header = (b"content-type", b"application/problem+json")


def missing_from(headers: Iterable[Header]) -> tuple[Header, ...]:
    """Return the headers that a response with these headers still needs.

    A page brings its own content security policy and needs at most a cache header.
    """
    has_policy = may_be_kept = False
    for name, _ in headers:
        if name == POLICY:
            has_policy = True
        elif name == CACHE:
            may_be_kept = True
    if has_policy:
        return () if may_be_kept else (NOT_KEPT,)
    return OF_DATA if may_be_kept else DATA_NOT_KEPT


def check_numbers(*, hosts: int, origins: int, http_version: str) -> None:
    """Check how many `Host` and `Origin` headers a request has.

    If a request repeats one of them, a proxy may have checked a different one than this server
    reads. Raises `Malformed`.
    """
    if hosts > 1 or origins > 1:
        raise Malformed("The request has more than one Host or Origin header")
    if hosts == 0 and http_version == "1.1":
        raise Malformed("HTTP/1.1 requires a Host header")
