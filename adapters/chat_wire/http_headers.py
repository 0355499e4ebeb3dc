"""What headers of HTTP have to say, in requests and in answers."""

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
"""An answer that is no page loads nothing, and is shown in no page."""

NOT_KEPT: Header = (CACHE, b"no-store")
"""Nearly every answer has a token in it, or what only one user may read."""

DATA_NOT_KEPT = (*OF_DATA, NOT_KEPT)

PROBLEM: Header = (b"content-type", b"application/problem+json")


def missing_from(headers: Iterable[Header]) -> tuple[Header, ...]:
    """The headers that an answer with these still needs.

    A page, which has a policy of its own, has said all for itself, but for how long it is kept.
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
    """Judge a request by how often it has the headers `Host` and `Origin`.

    With two of one kind, a proxy in front may have judged the one that this server does not read.
    Raises `Malformed`.
    """
    if hosts > 1 or origins > 1:
        raise Malformed("The request has more than one Host or Origin header")
    if hosts == 0 and http_version == "1.1":
        raise Malformed("HTTP/1.1 requires a Host header")
