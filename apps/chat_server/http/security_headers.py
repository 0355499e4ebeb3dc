"""What every answer tells a browser not to do with it."""

from collections.abc import Iterable

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


def missing_from(headers: Iterable[Header]) -> tuple[Header, ...]:
    """What an answer with these headers is to get besides.

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
