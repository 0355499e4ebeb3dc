"""Bodies: the content of messages, its stored form, and the digest that recognises a repeat.

A store keeps a body as `text` and `more`: the text, and all other parts as one JSON object, or NULL
if there are none. Only this file knows the content of `more`.
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
    """The content of a message.

    `unknown` has parts that a newer version stored, by name, as JSON values. This version does not
    read them, and edits keep them.
    """

    text: str
    unknown: Mapping[str, object] | None = field(default=None, hash=False)


def more_of(body: Body) -> str | None:
    """Return a body's other parts as the JSON object to store, or None if it has only text."""
    if not body.unknown:
        return None
    return json.dumps(body.unknown, ensure_ascii=False, separators=(",", ":"))


def stored_body(text: str | None, more: str | None) -> Body | None:
    """Return the body stored as `text` and `more`, or None for a deleted message."""
    if text is None:
        return None
    return Body(text) if more is None else Body(text, json.loads(more) or None)


def digest_of(body: Body) -> bytes:
    """Return the 16 bytes that recognise a repeat.

    The other parts count by value: the order of keys does not matter, and 1 equals 1.0.
    """
    return hashlib.blake2b(_canonical(body), digest_size=_DIGEST_BYTES).digest()


def is_digest_of(digest: bytes, body: Body) -> bool:
    """Return whether a stored digest is that of the body."""
    if len(digest) == _SHA256_BYTES:  # stored by version 0.1 on SQLite
        return digest == hashlib.sha256(_canonical(body)).digest()
    return digest == digest_of(body)


def check_text(text: str, max_bytes: int) -> str:
    """Return the text unchanged if it is valid and has 1 to `max_bytes` bytes of UTF-8.

    Raises `Invalid`, also if it contains NUL or an unpaired surrogate.
    """
    if not is_text(text):
        raise Invalid.field("content", "must not contain NUL or an unpaired surrogate")
    if not text:
        raise Invalid.field("content", "must not be empty")
    # A character takes four bytes at most, so a short text need not be encoded.
    if len(text) > max_bytes or (len(text) * 4 > max_bytes and len(text.encode()) > max_bytes):
        raise Invalid.field("content", f"must be at most {max_bytes} bytes")
    return text


def _canonical(body: Body) -> bytes:
    """Return the text and, if there are other parts, NUL and these parts. No text contains NUL."""
    more = more_of(body)
    if more is None:
        return body.text.encode()
    values = json.loads(more, parse_int=_number, parse_float=_number)
    return f"{body.text}\0{json.dumps(values, sort_keys=True)}".encode()


def _number(digits: str) -> float:
    return float(digits) + 0.0  # -0.0 becomes 0.0
