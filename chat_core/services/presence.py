"""Presence: who is online, and who hears of it."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from chat_core.errors import TooManyConnections, Unavailable
from chat_core.events import Event, PresenceChanged, UserUpdated
from chat_core.ids import ConnectionId, UserId
from chat_core.ports.notifications import Notifier
from chat_core.ports.storage import ConversationStore, UserDirectory
from chat_core.ports.system import Clock, Timer
from chat_core.presence import PresenceTracker, UserPresence
from chat_core.users import User

CONNECTIONS = "connections"
RETRY_SECONDS = 1.0
SEEN_EVERY_SECONDS = 60.0
"""How much of `last_seen_at` a crash can lose."""
PAUSE_SECONDS = 1.0
"""Between two announcements of the same user, however often that user comes and goes."""
USERS_AT_ONCE = 20
"""Whose peers are read together: a read of more would hold up the reads of others."""
AUDIENCE_AT_ONCE = 1000
"""How many users one step of the event loop notifies."""


@dataclass(slots=True)
class _Unannounced:
    """Who changed since the last announcement, with what was announced before that."""

    was_online: dict[UserId, bool] = field(default_factory=dict)
    left_at: dict[UserId, datetime] = field(default_factory=dict)
    renamed: set[UserId] = field(default_factory=set)
    announced_at: dict[UserId, float] = field(default_factory=dict)
    """By the monotonic clock, earliest first; those in their pause, and perhaps some more."""
    some: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once there is something to announce."""
    later: Timer | None = None
    """Sets `some` for changes that wait for the end of a pause."""

    def changed(self, user: UserId, now: float) -> None:
        """Have the user announced, now or after the pause."""
        if self.later is None or not self.is_paused(user, now):
            self.some.set()

    def all(self) -> Collection[UserId]:
        """Those who changed."""
        return {**self.was_online, **self.left_at, **dict.fromkeys(self.renamed)}

    def due(self, now: float) -> Collection[UserId]:
        """Those who changed, but for those who are in their pause."""
        while self.announced_at:
            first = next(iter(self.announced_at))
            if self.is_paused(first, now):
                break
            del self.announced_at[first]
        return [user for user in self.all() if not self.is_paused(user, now)]

    def announced(self, user: UserId, at: float) -> None:
        """The user's pause begins."""
        self.announced_at.pop(user, None)
        self.announced_at[user] = at

    def is_paused(self, user: UserId, now: float) -> bool:
        at = self.announced_at.get(user)
        return at is not None and now - at < PAUSE_SECONDS

    def wait(self, clock: Clock) -> None:
        """Look again after a pause: one timer for all, however many users and changes wait."""
        if self.later is None:
            self.later = clock.call_later(PAUSE_SECONDS, self._wake)

    def _wake(self) -> None:
        self.later = None
        self.some.set()


@dataclass(frozen=True, slots=True)
class Presence:
    """Count connections, and announce who came, who went and who has another name.

    Counting is immediate and needs no store. `announce` makes the announcements: changes of some
    users at once are one read of the store, and while that is out of reach they wait. `run`
    announces a user at once, and then again after `PAUSE_SECONDS` at the earliest, as is so then: a
    user who left and came back in between did not change.
    """

    users: UserDirectory
    conversations: ConversationStore
    notifier: Notifier
    clock: Clock
    connections_per_user: int
    tracker: PresenceTracker = field(default_factory=PresenceTracker)
    refused: Counter[str] = field(default_factory=Counter)
    """How many connections were, by `CONNECTIONS`."""
    _unannounced: _Unannounced = field(default_factory=_Unannounced)

    def connected(self, user_id: UserId, connection_id: ConnectionId) -> int:
        """Count a live connection: the user's number of them. Raises `TooManyConnections`.

        One that is counted already is a no-op.
        """
        change = self.tracker.connected(user_id, connection_id)
        devices = self.tracker.devices(user_id)
        if devices > self.connections_per_user:
            self.tracker.disconnected(user_id, connection_id)
            self.refused[CONNECTIONS] += 1
            raise TooManyConnections(retry_after=RETRY_SECONDS)
        if change:
            self._changed(user_id, was_online=False)
        return devices

    def disconnected(self, user_id: UserId, connection_id: ConnectionId) -> None:
        """Count a connection no longer; one that is not counted is a no-op."""
        if self.tracker.disconnected(user_id, connection_id):
            self._unannounced.left_at[user_id] = self.clock.now()
            self._changed(user_id, was_online=True)

    def renamed(self, user_id: UserId) -> None:
        """A user has another name, to be announced to the user and to all who share a conversation.

        Who has several new ones in a pause is announced under the last.
        """
        self._unannounced.renamed.add(user_id)
        self._unannounced.changed(user_id, self.clock.monotonic())

    def of(self, user: User) -> UserPresence:
        """The presence of a user as stored, with what is known here: who is online is seen now."""
        devices = self.tracker.devices(user.id)
        if devices:
            return UserPresence(online=True, devices=devices, last_seen_at=self.clock.now())
        left_at = self._unannounced.left_at.get(user.id)
        seen = [at for at in (user.last_seen_at, left_at) if at is not None]
        return UserPresence(online=False, devices=0, last_seen_at=max(seen, default=None))

    async def run(self) -> None:
        """Announce changes, and once a minute write who is here, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._announce_for_ever())
            tasks.create_task(self._write_seen_for_ever())

    async def announce(self) -> None:
        """Tell of every change up to now, and store when those who left were last seen.

        Raises `Unavailable`; what was not told stays to be told.
        """
        self._unannounced.some.clear()
        await self._announce_all(self._unannounced.all())

    async def _announce_due(self) -> None:
        """As `announce`, but who was announced less than `PAUSE_SECONDS` ago has to wait."""
        state = self._unannounced
        state.some.clear()
        due = state.due(self.clock.monotonic())
        if len(due) < len(state.all()):
            state.wait(self.clock)
        await self._announce_all(due)

    async def _announce_all(self, due: Collection[UserId]) -> None:
        state = self._unannounced
        for users in _slices(due, USERS_AT_ONCE):
            renamed = state.renamed.intersection(users)
            state.renamed -= renamed
            try:
                await self._announce(users, renamed)
            except Unavailable:
                state.renamed |= renamed
                raise

    async def write_seen(self) -> None:
        """Store that everyone who is here was seen now. Raises `Unavailable`."""
        now = self.clock.now()
        await self.users.saw(dict.fromkeys(self.tracker.online(), now))

    async def farewell(self) -> None:
        """Store what is not stored yet of when users were last seen, before the service stops.

        Raises `Unavailable`: it could not be stored.
        """
        now = dict.fromkeys(self.tracker.online(), self.clock.now())
        await self.users.saw({**self._unannounced.left_at, **now})

    async def _announce(self, users: Collection[UserId], renamed: AbstractSet[UserId]) -> None:
        """Tell of these users, and store when they were last seen."""
        state = self._unannounced
        left = {user: state.left_at[user] for user in users if user in state.left_at}
        if left:
            await self.users.saw(left)
        named = await self.users.get(renamed) if renamed else {}
        changed = [user for user in users if user in named or self._has_changed(user)]
        peers = await self.conversations.peers(changed) if changed else {}
        for user in users:
            if self._has_changed(user) and user not in peers:
                continue  # since the store was read: the next round tells
            state.announced(user, self.clock.monotonic())
            has_changed = self._has_changed(user)
            state.was_online.pop(user, None)
            if has_changed:
                await self._tell(self._change_of(user), peers[user])
            if user in named:
                updated = UserUpdated(named[user], self.of(named[user]))
                await self._tell(updated, {user, *peers[user]})
        for user, at in left.items():
            if state.left_at.get(user) == at:
                del state.left_at[user]

    async def _tell(self, event: Event, audience: Collection[UserId]) -> None:
        for some in _slices(audience, AUDIENCE_AT_ONCE):
            self.notifier.notify(event, some)
            if len(some) == AUDIENCE_AT_ONCE:
                await asyncio.sleep(0)

    def _has_changed(self, user_id: UserId) -> bool:
        was_online = self._unannounced.was_online.get(user_id)
        return was_online is not None and was_online is not self._online(user_id)

    def _online(self, user_id: UserId) -> bool:
        return self.tracker.is_online(user_id)

    def _changed(self, user_id: UserId, *, was_online: bool) -> None:
        self._unannounced.was_online.setdefault(user_id, was_online)
        self._unannounced.changed(user_id, self.clock.monotonic())

    def _change_of(self, user_id: UserId) -> PresenceChanged:
        now = self.clock.now()
        online = self._online(user_id)
        left_at = self._unannounced.left_at.get(user_id, now)
        return PresenceChanged(user_id, online, now if online else left_at)

    async def _announce_for_ever(self) -> None:
        while True:
            await self._unannounced.some.wait()
            try:
                await self._announce_due()
            except Unavailable:
                await self.clock.sleep(RETRY_SECONDS)
                self._unannounced.some.set()

    async def _write_seen_for_ever(self) -> None:
        while True:
            await self.clock.sleep(SEEN_EVERY_SECONDS)
            try:
                await self.write_seen()
            except Unavailable:
                continue


def _slices(users: Collection[UserId], size: int) -> Iterator[Collection[UserId]]:
    """The users in parts of that size; as they are where they fit in one."""
    if len(users) <= size:
        yield users
        return
    rest = iter(users)
    while part := list(islice(rest, size)):
        yield part
