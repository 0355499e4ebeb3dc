"""Frames of a server's websocket (RFC 6455)."""

import struct
from dataclasses import dataclass

NORMAL_CLOSURE = b"\x88\x02\x03\xe8"
"""A closing frame with the status 1000."""


_MEDIUM, _LONG = struct.Struct(">BBH"), struct.Struct(">BBQ")
"""Headers of frames past 125 bytes, and past 65,535."""


@dataclass(slots=True)
class _Framed:
    """A text, and its frame."""

    text: str = ""
    frame: bytes = b""


_last = _Framed()
"""What was framed last: a push goes to many connections, one after another."""


def framed(text: str) -> bytes:
    """A text frame of a server, which is not masked (RFC 6455, section 5.2)."""
    if text == _last.text:
        return _last.frame
    payload = text.encode()
    size = len(payload)
    if size < 126:  # noqa: PLR2004 - the three forms of a length
        header = bytes((0x81, size))
    elif size < 65_536:  # noqa: PLR2004
        header = _MEDIUM.pack(0x81, 126, size)
    else:
        header = _LONG.pack(0x81, 127, size)
    _last.text, _last.frame = text, header + payload
    return _last.frame


def pong(payload: bytes) -> bytes:
    """The answer to a ping, with what that carried: 125 bytes at most (RFC 6455, section 5.5)."""
    return bytes((0x8A, len(payload))) + payload
