"""Frames of a server's websocket (RFC 6455)."""

NORMAL_CLOSURE = b"\x88\x02\x03\xe8"
"""A closing frame with the status 1000."""


class _Framed:
    """The frame that was made last: a push goes to many connections, one after another."""

    text = ""
    frame = b""


def framed(text: str) -> bytes:
    """A text frame of a server, which is not masked (RFC 6455, section 5.2)."""
    if text == _Framed.text:
        return _Framed.frame
    payload = text.encode()
    size = len(payload)
    if size < 126:  # noqa: PLR2004 - the three forms of a length
        header = bytes((0x81, size))
    elif size < 65_536:  # noqa: PLR2004
        header = b"\x81\x7e" + size.to_bytes(2, "big")
    else:
        header = b"\x81\x7f" + size.to_bytes(8, "big")
    _Framed.text, _Framed.frame = text, header + payload
    return _Framed.frame
