"""Revocation: ended sessions are known in this process, so that no request has to ask a store."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chat_core.errors import SessionRevoked, Unavailable
from chat_core.ids import SessionId
from chat_core.ports.notifications import Connections
from chat_core.ports.storage import SessionStore
from chat_core.ports.system import Clock

ASK_SECONDS = 1.0
LATE_SECONDS = 2.0
"""Without an answer of the store for so long, other processes' log-outs may be missed."""
OVERLAP = timedelta(seconds=10)
"""How far back each question reaches: a commit may take a while after its time was read."""


@dataclass(slots=True)
class _Moment:
    """By both clocks: the wall clock, by which tokens expire, may jump."""

    wall: datetime
    monotonic: float

    @classmethod
    def now(cls, clock: Clock) -> "_Moment":
        return cls(clock.now(), clock.monotonic())

    def is_older(self, than: timedelta, now: "_Moment") -> bool:
        """Whether it is, by both."""
        ago = now.monotonic - self.monotonic
        return now.wall - self.wall > than and ago > than.total_seconds()

    def jumped(self, now: "_Moment") -> timedelta:
        """By how much the wall clock has moved otherwise than time since then."""
        return abs(now.wall - self.wall - timedelta(seconds=now.monotonic - self.monotonic))


@dataclass(slots=True)
class _Known:
    """The ended sessions whose access tokens may still live, and when the store last answered."""

    ended: dict[SessionId, _Moment] = field(default_factory=dict)
    asked_at: _Moment | None = None


@dataclass(frozen=True, slots=True)
class Revocations:
    """The sessions that ended within one access token's life. `load` before use, then `run`."""

    sessions: SessionStore
    connections: Connections
    clock: Clock
    token_life: timedelta
    _known: _Known = field(default_factory=_Known)

    def check(self, session_id: SessionId) -> None:
        """Raises `SessionRevoked` if the session has ended."""
        if session_id in self._known.ended:
            raise SessionRevoked

    async def end(self, session_ids: Collection[SessionId]) -> None:
        """End sessions: in the store, here, and on their live connections. Raises `Unavailable`."""
        await self.sessions.end(session_ids, self.clock.now())
        self.note(session_ids)

    def note(self, session_ids: Collection[SessionId]) -> None:
        """Know of sessions that have ended in the store, and close their live connections."""
        now = _Moment.now(self.clock)
        new = [session_id for session_id in session_ids if session_id not in self._known.ended]
        self._known.ended.update(dict.fromkeys(new, now))
        if new:
            self.connections.end(new, SessionRevoked())

    async def load(self) -> None:
        """Ask the store for every session whose tokens may still live. Raises `Unavailable`."""
        await self._ask(self.clock.now() - self.token_life - OVERLAP)

    async def run(self) -> None:
        """Ask every second for what other processes ended, until cancelled.

        After a jump of the clock that is everything once more: by which time they ended is not
        known any more.
        """
        while True:
            await self.clock.sleep(ASK_SECONDS)
            asked_at, now = self._known.asked_at, _Moment.now(self.clock)
            try:
                if asked_at is None or asked_at.jumped(now) > OVERLAP / 2:
                    await self.load()
                else:
                    await self._ask(asked_at.wall - OVERLAP)
            except Unavailable:
                continue
            self._forget()

    def is_late(self) -> bool:
        """Whether the store has not answered for too long."""
        return self.age() > LATE_SECONDS

    def age(self) -> float:
        """Seconds since the question that the store answered last."""
        asked_at = self._known.asked_at
        return 0.0 if asked_at is None else self.clock.monotonic() - asked_at.monotonic

    async def _ask(self, since: datetime) -> None:
        began = _Moment.now(self.clock)
        self.note(await self.sessions.ended_since(since))
        self._known.asked_at = began

    def _forget(self) -> None:
        kept, now = self.token_life + 2 * OVERLAP, _Moment.now(self.clock)
        for session_id, at in list(self._known.ended.items()):
            if at.is_older(kept, now):
                del self._known.ended[session_id]
