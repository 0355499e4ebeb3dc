"""Bodies: what messages say, how stores keep it, and how a repeat is recognised.

A store keeps a body as `text` and `more`: the text, and all other parts as one JSON object, NULL
where there are none. Only this file knows what is in `more`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field

from chat_core.errors import Invalid
from chat_core.records import record
from chat_core.users import is_text

_DIGEST_BYTES = 16
_SHA256_BYTES = 32


@record
class Body:
    """What a message says.

    `unknown` has parts that a newer version stored, by name, as JSON has them: this version does
    not read them, and an edit keeps them.
    """

    text: str
    unknown: Mapping[str, object] | None = field(default=None, hash=False)


def more_of(body: Body) -> str | None:
    """All of a body but its text, as the JSON object that stores keep; None of a plain one."""
    if not body.unknown:
        return None
    return json.dumps(body.unknown, ensure_ascii=False, separators=(",", ":"))


def stored_body(text: str | None, more: str | None) -> Body | None:
    """The body that a store keeps as `text` and `more`; None of a deleted message."""
    if text is None:
        return None
    return Body(text) if more is None else Body(text, json.loads(more) or None)


def digest_of(body: Body) -> bytes:
    """16 bytes by which a repeat is recognised.

    The other parts count by value: the order of keys is free, and 1 is 1.0.
    """
    return hashlib.blake2b(_canonical(body), digest_size=_DIGEST_BYTES).digest()


def is_digest_of(digest: bytes, body: Body) -> bool:
    """Whether a stored digest is that of the body."""
    if len(digest) == _SHA256_BYTES:  # stored by version 0.1 on SQLite
        return digest == hashlib.sha256(_canonical(body)).digest()
    return digest == digest_of(body)


def check_text(text: str, max_bytes: int) -> str:
    """1 to `max_bytes` bytes of UTF-8, kept as they are; no NUL, no lone surrogate: `Invalid`."""
    if not is_text(text):
        raise Invalid.field("content", "must not contain NUL or an unpaired surrogate")
    if not text:
        raise Invalid.field("content", "must not be empty")
    # A character takes four bytes at most: short ones need not be counted.
    if len(text) > max_bytes or (len(text) * 4 > max_bytes and len(text.encode()) > max_bytes):
        raise Invalid.field("content", f"must be at most {max_bytes} bytes")
    return text


def _canonical(body: Body) -> bytes:
    """The text; NUL, which is in no text, and the other parts follow where there are any."""
    more = more_of(body)
    if more is None:
        return body.text.encode()
    values = json.loads(more, parse_int=_number, parse_float=_number)
    return f"{body.text}\0{json.dumps(values, sort_keys=True)}".encode()


def _number(digits: str) -> float:
    return float(digits) + 0.0  # -0.0 becomes 0.0
