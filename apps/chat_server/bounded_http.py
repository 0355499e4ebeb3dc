"""Limits on HTTP connections that uvicorn does not have.

uvicorn accepts any number of connections, waits forever for the rest of a request and for a client
to read its answer, and keeps all headers that it receives.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any, Protocol

import uuid_utils

from chat_core.errors import ChatError, Malformed, TooLarge
from chat_core.limits import Limit
from chat_server.connection_bound import ConnectionBound
from chat_server.paced_reads import PacedHttpProtocol
from chat_wire import encode
from chat_wire.http_headers import DATA_NOT_KEPT, PROBLEM
from chat_wire.problems import problem

PATIENCE_SECONDS = 20.0
"""Timeout for receiving a whole request, from the connection or from its first byte, and for a
client that reads nothing of its answer."""

HEAD_BYTES = 65_536
"""Maximum size of a request's first line and headers."""

MAX_HEADERS = 256
"""Maximum number of headers if a request's head arrives in several parts, because each costs
memory.
"""

CONNECTION = b"connection"


class Outbound(Protocol):
    """Tracks unsent bytes for all clients; HTTP answers and sockets share it."""

    @abstractmethod
    def wrote(self, size: int) -> None:
        """Count bytes that were written."""

    @abstractmethod
    def count_cut_off(self) -> None:
        """Count a client that was cut off because it did not read its data."""


class BoundedHttpProtocol(PacedHttpProtocol):
    """uvicorn's HTTP protocol with limits; call `end_late` every second."""

    def __init__(
        self,
        *,
        bound: ConnectionBound,
        pace: Limit,
        outbound: Outbound,
        **of_uvicorn: Any,  # noqa: ANN401
    ) -> None:
        own_pace = pace if bound.counts_addresses else None
        super().__init__(pace=own_pace, wrote=outbound.wrote, **of_uvicorn)
        self._bound = bound
        self._address: str | None = None
        """The address that the connection counts for, or None if it does not count."""
        self._outbound = outbound
        self._due: float | None = None
        """Deadline for the request that is expected."""
        self._stuck_since: float | None = None
        """Time since which the client has read nothing of an answer."""
        self._head_bytes: int | None = None
        """Bytes received of a request whose headers are not complete."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        now = self.loop.time()
        self._due = now + PATIENCE_SECONDS
        self._address = self._bound.opened(self.client[0] if self.client else None)
        try:
            self._bound.check(len(self.connections), self._address)
        except ChatError as error:
            self._refuse(error)
        else:
            if seconds := self._bound.pause(self._address, now):
                self.rest(seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._uncount()
        super().connection_lost(exc)

    def parse(self, data: bytes) -> None:
        """See `PacedHttpProtocol`."""
        if self.transport.is_closing():
            return
        if self._head_bytes is not None:
            self._head_bytes += len(data)
        super().parse(data)
        if self._head_bytes is not None and (
            self._head_bytes > HEAD_BYTES or len(self.headers) > MAX_HEADERS
        ):
            self._refuse(TooLarge("The request headers are too large"))

    def on_message_begin(self) -> None:
        """See uvicorn."""
        super().on_message_begin()
        self._head_bytes = 0
        now = self.loop.time()
        self._due = now + PATIENCE_SECONDS
        self.request_began(now)

    def on_headers_complete(self) -> None:
        """See uvicorn."""
        self._head_bytes = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """See uvicorn."""
        self._due = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Do what uvicorn does, but without its timer.

        `end_if_late` ends the wait for the next request instead. A timer for each answer costs as
        much as parsing the request, and any input, even a blank line, stops it.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self._due is None and self.cycle.response_complete:
            self._due = self.loop.time() + self.timeout_keep_alive
        self.response_completed()

    def pause_writing(self) -> None:
        """See asyncio."""
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """See asyncio."""
        self._stuck_since = None
        super().resume_writing()

    def count_pause(self) -> None:
        """See `PacedHttpProtocol`."""
        self._bound.pauses += 1

    def handle_websocket_upgrade(self) -> None:
        """See uvicorn; the websocket protocol accepts only this form of `Connection`."""
        others = [each for each in self.headers if each[0] != CONNECTION]
        self.scope["headers"] = [*others, (CONNECTION, b"Upgrade")]
        self._uncount()  # from here on, the socket session counts instead
        super().handle_websocket_upgrade()

    def _get_upgrade(self) -> bytes | None:
        """See uvicorn, which reads only the last `Connection` header."""
        options = b",".join(value for name, value in self.headers if name == CONNECTION)
        if b"upgrade" not in {each.strip().lower() for each in options.split(b",")}:
            return None
        return next((value.lower() for name, value in self.headers if name == b"upgrade"), None)

    def untaken_bytes(self) -> int:
        """Return the number of answer bytes that the client has not read yet."""
        return self.transport.get_write_buffer_size()

    def cut_off(self) -> None:
        """End the connection of a client that does not read its answers.

        Calling it again has no effect.
        """
        if not self.transport.is_closing():
            self._outbound.count_cut_off()
        self.transport.abort()

    def end_if_late(self, now: float) -> None:
        """Close the connection if the service has waited for the client too long."""
        if self._stuck_since is not None and now > self._stuck_since + PATIENCE_SECONDS:
            self.transport.abort()
        elif self._due is not None and now > self._due:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's message
        """See uvicorn."""
        self._refuse(Malformed("The request is not valid HTTP"))

    def _uncount(self) -> None:
        address, self._address = self._address, None
        if address is not None:
            self._bound.closed(address)

    def _refuse(self, error: ChatError) -> None:
        """Answer with the error instead of the application, and close the connection."""
        shown = problem(error)
        body = encode(shown)
        head = [
            f"HTTP/1.1 {shown.status} {HTTPStatus(shown.status).phrase}",
            *(f"{name.decode()}: {value.decode()}" for name, value in (PROBLEM, *DATA_NOT_KEPT)),
            f"content-length: {len(body)}",
            f"x-request-id: {uuid_utils.uuid4().hex}",
            "connection: close",
        ]
        if isinstance(shown.retry_after, int):
            head.append(f"retry-after: {shown.retry_after}")
        self.transport.write("\r\n".join([*head, "", ""]).encode() + body)
        self.transport.close()


def speaking_http(connections: Iterable[object]) -> Sequence[BoundedHttpProtocol]:
    """Return the connections that speak HTTP."""
    return [each for each in connections if isinstance(each, BoundedHttpProtocol)]


def end_late(connections: Iterable[object], now: float) -> None:
    """Close the HTTP connections that have made the server wait too long.

    `now` is the time of their event loop.
    """
    for each in speaking_http(connections):
        each.end_if_late(now)
