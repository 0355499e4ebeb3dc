"""Conversion of an ASGI request to python-engineio's input, a WSGI environ.

This replaces the library's own conversion, which creates a class for each request. Classes contain
reference cycles. During a poll of half a minute such a cycle gets into the garbage collector's old
generation, which is rarely collected; each such poll leaked 6 KB.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Event = Mapping[str, Any]
Receive = Callable[[], Awaitable[Event]]

_WITHOUT_PREFIX = frozenset({"CONTENT_TYPE", "CONTENT_LENGTH"})


class Body:
    """The body of a request."""

    def __init__(self, first: Event, receive: Receive) -> None:
        self._event: Event | None = first
        self._receive = receive

    async def read(self, length: int) -> bytes:
        """Read at most that many bytes, or fewer if the client hung up."""
        parts, size = list[bytes](), 0
        while self._event is not None and size < length:
            parts.append(self._event.get("body", b""))
            size += len(parts[-1])
            self._event = await self._receive() if self._event.get("more_body") else None
        return b"".join(parts)[:length]


async def environ_of(scope: Mapping[str, Any], receive: Receive, send: object) -> dict[str, Any]:
    """Return the fields of a request that python-engineio reads, and its ASGI callables."""
    environ = {
        "REQUEST_METHOD": scope.get("method", "GET"),
        "PATH_INFO": scope["path"],
        "QUERY_STRING": scope["query_string"].decode(errors="replace"),
        "asgi.scope": scope,
        "asgi.receive": receive,
        "asgi.send": send,
    }
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").upper().replace("-", "_"), value.decode("latin-1")
        if key in _WITHOUT_PREFIX:
            environ[key] = text
            continue
        key = f"HTTP_{key}"
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    environ["wsgi.input"] = Body(await receive(), receive)
    return environ
