"""Revocation: cache ended sessions in this process, so that no request has to query the store."""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chat_core.errors import AccountDisabled, ChatError, SessionRevoked, Unavailable
from chat_core.ids import SessionId, UserId
from chat_core.ports.notifications import Connections
from chat_core.ports.security import SecurityEvents
from chat_core.ports.storage import SessionStore, UserStore
from chat_core.ports.system import Clock
from chat_core.security_events import SecurityEvent, SecurityEventKind

ASK_SECONDS = 1.0
LATE_SECONDS = 2.0
"""If the store is silent for this long, log-outs in other processes may be missed."""
OVERLAP = timedelta(seconds=10)
"""How far back each query reaches, because a commit may come some time after its timestamp."""
LOOKED_UP = 1000
"""The number of users to read at once, if the sessions of very many have ended."""


@dataclass(slots=True)
class _Moment:
    """A time on both clocks, because tokens expire by the wall clock, which may jump."""

    wall: datetime
    monotonic: float

    @classmethod
    def now(cls, clock: Clock) -> "_Moment":
        return cls(clock.now(), clock.monotonic())

    def is_older(self, than: timedelta, now: "_Moment") -> bool:
        """Return whether it is older by both clocks."""
        ago = now.monotonic - self.monotonic
        return now.wall - self.wall > than and ago > than.total_seconds()

    def jumped(self, now: "_Moment") -> timedelta:
        """Return how much the wall clock has deviated from elapsed time since then."""
        return abs(now.wall - self.wall - timedelta(seconds=now.monotonic - self.monotonic))


@dataclass(frozen=True, slots=True)
class _End:
    at: _Moment
    reason: type[ChatError]
    """The error for requests with the session's tokens."""


@dataclass(slots=True)
class _Known:
    """Ended sessions with access tokens that may be valid, and the last query with an answer."""

    ended: dict[SessionId, _End] = field(default_factory=dict)
    asked_at: _Moment | None = None


@dataclass(frozen=True, slots=True)
class Revocations:
    """The sessions that ended within an access token's life. Call `load` before use, then `run`."""

    sessions: SessionStore
    users: UserStore
    connections: Connections
    clock: Clock
    token_life: timedelta
    security_events: SecurityEvents
    _known: _Known = field(default_factory=_Known)

    def check(self, session_id: SessionId) -> None:
        """Raise `SessionRevoked` or `AccountDisabled` if the session has ended."""
        end = self._known.ended.get(session_id)
        if end is not None:
            raise end.reason

    async def end(
        self,
        ended: Mapping[SessionId, UserId],
        reason: type[ChatError] = SessionRevoked,
        *,
        address: str | None = None,
    ) -> None:
        """End each session of its user in the store, in this process, and on live connections.

        `address` is the address of the request, if there was one. Raises `Unavailable`.
        """
        await self.sessions.end(ended, self.clock.now())
        self.note(ended, reason)
        for session_id, user_id in ended.items():
            self.security_events.record(
                SecurityEvent(SecurityEventKind.SESSION_ENDED, user_id, session_id, address)
            )

    def note(
        self, session_ids: Collection[SessionId], reason: type[ChatError] = SessionRevoked
    ) -> None:
        """Cache sessions that have ended in the store, and close their live connections."""
        end = _End(_Moment.now(self.clock), reason)
        new = self._unknown(session_ids)
        self._known.ended.update(dict.fromkeys(new, end))
        if new:
            self.connections.end(new, reason())

    async def load(self) -> None:
        """Query every ended session whose tokens may be valid. Raises `Unavailable`."""
        await self._ask(self.clock.now() - self.token_life - OVERLAP)

    async def run(self) -> None:
        """Query every second which sessions other processes have ended, until cancelled.

        If the clock has jumped, load all of them again, because their times may be from before
        the jump.
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
        """Return whether the store has not answered for too long."""
        return self.age() > LATE_SECONDS

    def age(self) -> float:
        """Return the seconds since the last query that the store answered."""
        asked_at = self._known.asked_at
        return 0.0 if asked_at is None else self.clock.monotonic() - asked_at.monotonic

    async def _ask(self, since: datetime) -> None:
        began = _Moment.now(self.clock)
        ended = await self.sessions.ended_since(since)
        new = self._unknown(ended)
        if new:
            disabled = await self._disabled({ended[session_id] for session_id in new})
            with_account = [each for each in new if ended[each] in disabled]
            self.note(with_account, AccountDisabled)
            self.note(new)  # except those that the line above has noted
        self._known.asked_at = began

    def _unknown(self, session_ids: Collection[SessionId]) -> Collection[SessionId]:
        return [session_id for session_id in session_ids if session_id not in self._known.ended]

    async def _disabled(self, user_ids: AbstractSet[UserId]) -> AbstractSet[UserId]:
        """Return those of the users who are disabled."""
        ids, found = list(user_ids), set[UserId]()
        for begin in range(0, len(ids), LOOKED_UP):
            users = await self.users.get(ids[begin : begin + LOOKED_UP])
            found |= {each.id for each in users.values() if each.disabled_at is not None}
        return found

    def _forget(self) -> None:
        kept, now = self.token_life + 2 * OVERLAP, _Moment.now(self.clock)
        for session_id, end in list(self._known.ended.items()):
            if end.at.is_older(kept, now):
                del self._known.ended[session_id]
