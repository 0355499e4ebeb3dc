"""No more is read of an HTTP connection than gets its answer.

uvicorn parses all that it has read, a quarter of a megabyte at one time, and keeps each request
until those before it are answered: ten thousand of the shortest, while nobody else gets a turn.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

from chat_core.limits import Limit, Pace
from chat_server.joined_writes import JoiningHttpProtocol

SLICE_BYTES = 1_024
"""Parsed at one time; the rest waits where it holds a request that has to wait for its answer."""

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 0.1, 2.0
"""For how long a connection is not read after a request was refused for its rate: twice as long
each time."""

FORGOTTEN_SECONDS = 10.0
"""After which such a refusal counts as the first one."""


class HeldFlow(FlowControl):
    """uvicorn's, which resumes reading whenever it has answered a request."""

    is_held = False

    def hold(self) -> None:
        """Read no more until `release`, even if uvicorn resumes."""
        self.is_held = True
        self.pause_reading()

    def pause_again(self) -> None:
        """Again: `connection_made` paused the connection, and uvloop reads it once all the same."""
        self._transport.pause_reading()

    def release(self) -> None:
        """Read again."""
        self.is_held = False
        self.resume_reading()

    def resume_reading(self) -> None:
        """See uvicorn."""
        if not self.is_held:
            super().resume_reading()


class PacedHttpProtocol(JoiningHttpProtocol):
    """uvicorn's HTTP, which takes requests in slices, at a pace, and rests after refusals.

    `pace` is for what counts in no rate, health checks and preflights for instance: past it the
    connection is not read for a while. None behind a proxy, whose connections carry the requests of
    many: they do not rest, either.
    """

    flow: HeldFlow

    def __init__(self, *, pace: Limit | None, **of_uvicorn: Any) -> None:  # noqa: ANN401
        super().__init__(**of_uvicorn)
        self._pace = None if pace is None else Pace(pace, self.loop.time())
        self._unread = b""
        self._refusals = 0
        """For their rate, in a row."""
        self._refused_at = 0.0
        self._resting: asyncio.TimerHandle | None = None
        self._is_taken_over = False
        """By the protocol of a websocket."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self.flow = HeldFlow(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._unread = b""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self.flow.is_held:  # it was read before
            self._unread += data
            self.flow.pause_again()
        elif len(data) <= SLICE_BYTES:
            self.parse(data)
        else:
            self._parse_slices(data)

    parse = JoiningHttpProtocol.data_received
    """Takes a part of what was read."""

    def response_completed(self) -> None:
        """An answer was written, and the next request of the pipeline has begun, if any."""
        if self.answers.too_many:
            self.answers.too_many = 0
            if self._pace is not None:
                self.rest(self._after_refusal())
        if self._unread and self._may_parse():
            self.loop.call_soon(self._parse_unread)

    def handle_websocket_upgrade(self) -> None:
        """See uvicorn."""
        self._is_taken_over = True
        super().handle_websocket_upgrade()

    def _may_parse(self) -> bool:
        is_over = self._is_taken_over or self.transport.is_closing()
        return not (is_over or self.pipeline or self._resting)

    def _parse_slices(self, data: bytes) -> None:
        at = 0
        while at < len(data) and self._may_parse():
            self.parse(data[at : at + SLICE_BYTES])
            at += SLICE_BYTES
        if at < len(data) and not self._is_taken_over:
            self._unread = data[at:]
            self.flow.hold()

    def _parse_unread(self) -> None:
        if self._may_parse():
            unread, self._unread = self._unread, b""
            self.flow.is_held = False
            self._parse_slices(unread)
            if not self.flow.is_held and not self._is_taken_over:
                self.flow.resume_reading()

    def request_began(self, now: float) -> None:
        """The first bytes of a request were read."""
        if self._pace is not None and (seconds := self._pace.spend(1, now)):
            self.count_pause()
            self.rest(seconds)

    def count_pause(self) -> None:
        """The connection is past its pace."""

    def _after_refusal(self) -> float:
        now = self.loop.time()
        if now - self._refused_at > FORGOTTEN_SECONDS:
            self._refusals = 0
        seconds: float = min(FIRST_REST_SECONDS * 2**self._refusals, LONGEST_REST_SECONDS)
        self._refusals = min(self._refusals + 1, 10)
        self._refused_at = now
        return seconds

    def rest(self, seconds: float) -> None:
        """Read nothing for so long."""
        if self._resting is not None:
            self._resting.cancel()
        self.flow.hold()
        self._resting = self.loop.call_later(seconds, self._rested)

    def _rested(self) -> None:
        self._resting = None
        if self._unread:
            self._parse_unread()
        else:
            self.flow.release()
