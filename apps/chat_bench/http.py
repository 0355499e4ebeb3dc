"""A minimal HTTP/1.1 client for load: persistent connections with one request at a time."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from typing import Self, cast
from urllib.parse import urlsplit

import httptools

CONNECT_SECONDS = 30.0

Answered = Callable[[int, bytes], None]
"""Function for the status and the body; status 0 means that the connection ended before the answer.
"""


class HttpConnection(asyncio.Protocol):
    """A connection for one request at a time."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._answered: Answered | None = None
        self._body: list[bytes] = []

    @classmethod
    async def open(cls, url: str) -> "HttpConnection":
        """Connect to the server. Raises `OSError` or `TimeoutError`."""
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        async with asyncio.timeout(CONNECT_SECONDS):
            _, connection = await asyncio.get_running_loop().create_connection(
                cls,
                parts.hostname or "localhost",
                parts.port or (443 if secure else 80),
                ssl=ssl.create_default_context() if secure else None,
            )
        return connection

    @property
    def is_open(self) -> bool:
        """Whether the connection can send a request."""
        return self._transport is not None

    def request(self, data: bytes, answered: Answered) -> None:
        """Send a whole request; call it only after the previous answer."""
        if self._transport is None:
            asyncio.get_running_loop().call_soon(answered, 0, b"")
            return
        self._answered = answered
        self._transport.write(data)

    def close(self) -> None:
        """Close the connection without calling the function that waits for an answer."""
        self._answered = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002  (the base class's signature)
        """See asyncio."""
        self._transport = None
        self._answer(0)

    def on_body(self, body: bytes) -> None:
        """See httptools."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """See httptools."""
        if not self._parser.should_keep_alive() and self._transport is not None:
            transport, self._transport = self._transport, None
            transport.close()
        self._answer(self._parser.get_status_code())

    def _answer(self, status: int) -> None:
        body, self._body = b"".join(self._body), []
        answered, self._answered = self._answered, None
        if answered is not None:
            answered(status, body)


class HttpPool:
    """A few connections to one server; requests wait while none is free."""

    def __init__(self, url: str, size: int) -> None:
        self._url = url
        self._size = size
        self._connections: list[HttpConnection] = []
        self._free: list[HttpConnection] = []
        self._waiting: deque[tuple[bytes, Answered]] = deque()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    async def open(self) -> None:
        """Open all connections. Raises `OSError` or `TimeoutError`."""
        for _ in range(self._size):
            self._connections.append(await HttpConnection.open(self._url))
        self._free = list(self._connections)

    def request(self, data: bytes, answered: Answered) -> None:
        """Send a whole request as soon as a connection is free."""
        if self._free:
            self._start(self._free.pop(), data, answered)
        else:
            self._waiting.append((data, answered))

    async def answer(self, data: bytes) -> tuple[int, bytes]:
        """Send a whole request, and return the status and the body of its answer."""
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()

        def answered(status: int, content: bytes) -> None:
            if not answer.done():
                answer.set_result((status, content))

        self.request(data, answered)
        return await answer

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections:
            connection.close()

    def _start(self, connection: HttpConnection, data: bytes, answered: Answered) -> None:
        def done(status: int, body: bytes) -> None:
            if self._waiting:
                self._start(connection, *self._waiting.popleft())
            else:
                self._free.append(connection)
            answered(status, body)

        connection.request(data, done)


class Caller:
    """Builds requests to one server for one account."""

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        self._base = parts.path.rstrip("/")
        bearer = "" if token is None else f"Authorization: Bearer {token}\r\n"
        self._headers = f"Host: {parts.netloc}\r\n{bearer}"

    def get(self, path: str) -> bytes:
        """Return the whole request."""
        return f"GET {self._base}{path} HTTP/1.1\r\n{self._headers}\r\n".encode()

    def post(self, path: str, body: bytes) -> bytes:
        """Return the whole request with a JSON body."""
        head = (
            f"POST {self._base}{path} HTTP/1.1\r\n{self._headers}"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body
