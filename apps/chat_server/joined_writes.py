"""HTTP answers in one write, although uvicorn writes the head and the body separately.

Each write is a system call and a packet that wakes the client; two cost twice as much.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_JOINED = 65_536
"""Bytes that may wait for the end of the event loop's turn; above this, they are written at once.
"""

TOO_MANY = b"HTTP/1.1 429"


class JoiningHttpProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a transport that joins the writes of one event loop turn."""

    def __init__(self, *, wrote: Callable[[int], None], **of_uvicorn: Any) -> None:  # noqa: ANN401
        super().__init__(**of_uvicorn)
        self._wrote = wrote
        """Called with the number of bytes of each write."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self._direct = transport
        self.answers = JoinedWrites(transport, self.loop, self._wrote)
        self.transport = cast("asyncio.Transport", self.answers)

    def handle_websocket_upgrade(self) -> None:
        """See uvicorn; the websocket protocol takes over the transport."""
        self.transport = self._direct
        super().handle_websocket_upgrade()
        # Break the reference cycle with the parser, so that the garbage collector has no work.
        del self.parser


class JoinedWrites:
    """The part of a transport's interface that uvicorn uses for its answers."""

    def __init__(
        self,
        transport: asyncio.Transport,
        loop: asyncio.AbstractEventLoop,
        wrote: Callable[[int], None],
    ) -> None:
        self._transport = transport
        self._loop = loop
        self._wrote = wrote
        self._waiting: list[bytes] = []
        self._bytes = 0
        self.too_many = 0
        """Number of answers with status 429 since this was set to 0."""

    def write(self, data: bytes) -> None:
        """Write the data together with the other writes of this turn of the event loop."""
        if not self._waiting:
            self._loop.call_soon(self._flush)
        if data.startswith(TOO_MANY):
            self.too_many += 1
        self._waiting.append(data)
        self._bytes += len(data)
        if self._bytes >= MAX_JOINED:
            self._flush()

    def close(self) -> None:
        """Write the waiting data, and close the transport."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """See asyncio."""
        self._transport.abort()

    def is_closing(self) -> bool:
        """See asyncio."""
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        """See asyncio; includes the data that waits for the end of the turn."""
        return self._transport.get_write_buffer_size() + self._bytes

    def _flush(self) -> None:
        if self._waiting and not self._transport.is_closing():
            self._wrote(self._bytes)
            self._transport.write(b"".join(self._waiting))
        self._waiting.clear()
        self._bytes = 0
