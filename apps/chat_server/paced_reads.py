"""Reading HTTP connections no faster than their requests are answered.

uvicorn parses everything that it has read, up to a quarter of a megabyte at once, and keeps each
request until the previous ones are answered. That can be ten thousand short requests, while no
other connection gets a turn.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl

from chat_core.limits import Limit, Pace
from chat_server.joined_writes import JoiningHttpProtocol

SLICE_BYTES = 1_024
"""Bytes parsed at a time; the rest waits if they contain a request that must wait for its answer.
"""

FIRST_REST_SECONDS, LONGEST_REST_SECONDS = 0.1, 2.0
"""How long a connection is not read after a request was refused for its rate; the time doubles with
each refusal."""

FORGOTTEN_SECONDS = 10.0
"""Time after which a refusal counts as the first one again."""


class HeldFlow(FlowControl):
    """uvicorn's flow control, which would resume reading after each answer."""

    is_held = False

    def hold(self) -> None:
        """Read no more until `release`, even if uvicorn resumes."""
        self.is_held = True
        self.pause_reading()

    def pause_again(self) -> None:
        """Pause once more, because uvloop reads once if `connection_made` pauses the connection."""
        self._transport.pause_reading()

    def release(self) -> None:
        """Resume reading."""
        self.is_held = False
        self.resume_reading()

    def resume_reading(self) -> None:
        """See uvicorn."""
        if not self.is_held:
            super().resume_reading()


class PacedHttpProtocol(JoiningHttpProtocol):
    """uvicorn's HTTP protocol that reads requests in slices and limits their pace.

    `pace` limits requests without a rate limit, such as health checks and preflights; above it, and
    after a 429, the connection is not read for a while. Behind a proxy, `pace` is None and neither
    happens, because a connection carries the requests of many clients.
    """

    flow: HeldFlow

    def __init__(self, *, pace: Limit | None, **of_uvicorn: Any) -> None:  # noqa: ANN401
        super().__init__(**of_uvicorn)
        self._pace = None if pace is None else Pace(pace, self.loop.time())
        self._unread = b""
        self._refusals = 0
        """Number of consecutive refusals for a rate."""
        self._refused_at = 0.0
        self._resting: asyncio.TimerHandle | None = None
        self._is_taken_over = False
        """True once the websocket protocol has taken over the connection."""

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
        if self.flow.is_held:  # data that was read before the pause
            self._unread += data
            self.flow.pause_again()
        elif len(data) <= SLICE_BYTES:
            self.parse(data)
        else:
            self._parse_slices(data)

    parse = JoiningHttpProtocol.data_received
    """Parse a part of the data that was read."""

    def response_completed(self) -> None:
        """Continue after an answer; the next request of the pipeline, if any, has begun."""
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
        """Count a request whose first bytes were read."""
        if self._pace is not None and (seconds := self._pace.spend(1, now)):
            self.count_pause()
            self.rest(seconds)

    def count_pause(self) -> None:
        """Count a pause because the connection is above its pace."""

    def _after_refusal(self) -> float:
        now = self.loop.time()
        if now - self._refused_at > FORGOTTEN_SECONDS:
            self._refusals = 0
        seconds: float = min(FIRST_REST_SECONDS * 2**self._refusals, LONGEST_REST_SECONDS)
        self._refusals = min(self._refusals + 1, 10)
        self._refused_at = now
        return seconds

    def rest(self, seconds: float) -> None:
        """Stop reading for that many seconds."""
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
