"""Frames of a server's websocket (RFC 6455)."""

import struct
from dataclasses import dataclass

NORMAL_CLOSURE = b"\x88\x02\x03\xe8"
"""A close frame with status 1000."""


_MEDIUM, _LONG = struct.Struct(">BBH"), struct.Struct(">BBQ")
"""Frame headers for payloads over 125 bytes, and over 65,535 bytes."""


@dataclass(slots=True)
class _Framed:
    """A text and its frame."""

    text: str = ""
    frame: bytes = b""


_last = _Framed()
"""The last frame, cached because the same push goes to many connections in a row."""


def framed(text: str) -> bytes:
    """Return a server's text frame, which is unmasked (RFC 6455, section 5.2)."""
    if text == _last.text:
        return _last.frame
    payload = text.encode()
    size = len(payload)
    if size < 126:  # noqa: PLR2004 - a length has three encodings
        header = bytes((0x81, size))
    elif size < 65_536:  # noqa: PLR2004
        header = _MEDIUM.pack(0x81, 126, size)
    else:
        header = _LONG.pack(0x81, 127, size)
    _last.text, _last.frame = text, header + payload
    return _last.frame


def pong(payload: bytes) -> bytes:
    """Return the pong frame for a ping's payload of up to 125 bytes (RFC 6455, section 5.5)."""
    return bytes((0x8A, len(payload))) + payload
