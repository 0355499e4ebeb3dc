"""Presence: track who is online, and notify their contacts."""

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
"""The largest error of `last_seen_at` after a crash, in seconds."""
PAUSE_SECONDS = 1.0
"""The shortest time between two announcements of the same user."""
USERS_AT_ONCE = 20
"""The number of users whose peers are read together. Larger reads would delay other reads."""
AUDIENCE_AT_ONCE = 1000
"""The number of users to notify in one step of the event loop."""


@dataclass(slots=True)
class _Unannounced:
    """The users who changed since the last announcement, with their state at that time."""

    was_online: dict[UserId, bool] = field(default_factory=dict)
    left_at: dict[UserId, datetime] = field(default_factory=dict)
    renamed: set[UserId] = field(default_factory=set)
    announced_at: dict[UserId, float] = field(default_factory=dict)
    """The monotonic times of recent announcements, earliest first. Some pauses may be over."""
    some: asyncio.Event = field(default_factory=asyncio.Event)
    """Set if there is something to announce."""
    later: Timer | None = None
    """A timer that sets `some` for changes that wait for the end of a pause."""

    def changed(self, user: UserId, now: float) -> None:
        """Schedule an announcement of the user, now or after the pause."""
        if self.later is None or not self.is_paused(user, now):
            self.some.set()

    def all(self) -> Collection[UserId]:
        """Return the users who changed."""
        return {**self.was_online, **self.left_at, **dict.fromkeys(self.renamed)}

    def due(self, now: float) -> Collection[UserId]:
        """Return the users who changed and are not in their pause."""
        while self.announced_at:
            first = next(iter(self.announced_at))
            if self.is_paused(first, now):
                break
            del self.announced_at[first]
        return [user for user in self.all() if not self.is_paused(user, now)]

    def announced(self, user: UserId, at: float) -> None:
        """Start the user's pause."""
        self.announced_at.pop(user, None)
        self.announced_at[user] = at

    def is_paused(self, user: UserId, now: float) -> bool:
        at = self.announced_at.get(user)
        return at is not None and now - at < PAUSE_SECONDS

    def wait(self, clock: Clock) -> None:
        """Check again after a pause, with one timer for all waiting users and changes."""
        if self.later is None:
            self.later = clock.call_later(PAUSE_SECONDS, self._wake)

    def _wake(self) -> None:
        self.later = None
        self.some.set()


@dataclass(frozen=True, slots=True)
class Presence:
    """Count connections, and announce users who come online, go offline or change their name.

    Counting is immediate and needs no store. `announce` makes the announcements. It reads the store
    once for several users, and if the store is unreachable, the announcements wait. `run` announces
    a user at once, and then again after `PAUSE_SECONDS` at the earliest, with the state at that
    time. If the user left and came back meanwhile, there is nothing to announce.
    """

    users: UserDirectory
    conversations: ConversationStore
    notifier: Notifier
    clock: Clock
    connections_per_user: int
    tracker: PresenceTracker = field(default_factory=PresenceTracker)
    refused: Counter[str] = field(default_factory=Counter)
    """The number of connections refused, by `CONNECTIONS`."""
    _unannounced: _Unannounced = field(default_factory=_Unannounced)

    def connected(self, user_id: UserId, connection_id: ConnectionId) -> int:
        """Count a live connection, return the user's count. Raises `TooManyConnections`.

        If the connection is already counted, nothing changes.
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
        """Stop counting a connection. If it is not counted, do nothing."""
        if self.tracker.disconnected(user_id, connection_id):
            self._unannounced.left_at[user_id] = self.clock.now()
            self._changed(user_id, was_online=True)

    def renamed(self, user_id: UserId) -> None:
        """Announce the new name to the user and everyone who shares a conversation.

        If the name changes several times in a pause, only the last one is announced.
        """
        self._unannounced.renamed.add(user_id)
        self._unannounced.changed(user_id, self.clock.monotonic())

    def of(self, user: User) -> UserPresence:
        """Return a user's presence, from the stored data and from what this process knows.

        A user who is online was last seen now.
        """
        devices = self.tracker.devices(user.id)
        if devices:
            return UserPresence(online=True, devices=devices, last_seen_at=self.clock.now())
        left_at = self._unannounced.left_at.get(user.id)
        seen = [at for at in (user.last_seen_at, left_at) if at is not None]
        return UserPresence(online=False, devices=0, last_seen_at=max(seen, default=None))

    async def run(self) -> None:
        """Announce changes, and store once a minute who is online, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._announce_for_ever())
            tasks.create_task(self._write_seen_for_ever())

    async def announce(self) -> None:
        """Announce every change so far, and store when users who left were last seen.

        Raises `Unavailable`. Then the remaining changes stay to be announced.
        """
        self._unannounced.some.clear()
        await self._announce_all(self._unannounced.all())

    async def _announce_due(self) -> None:
        """Do the same as `announce`, but leave out users who are in their pause."""
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
        """Store that all users online were seen now. Raises `Unavailable`."""
        now = self.clock.now()
        await self.users.saw(dict.fromkeys(self.tracker.online(), now))

    async def farewell(self) -> None:
        """Store all unsaved times when users were last seen, before the service stops.

        Raises `Unavailable` if it could not store them.
        """
        now = dict.fromkeys(self.tracker.online(), self.clock.now())
        await self.users.saw({**self._unannounced.left_at, **now})

    async def _announce(self, users: Collection[UserId], renamed: AbstractSet[UserId]) -> None:
        """Announce these users, and store when they were last seen."""
        state = self._unannounced
        left = {user: state.left_at[user] for user in users if user in state.left_at}
        if left:
            await self.users.saw(left)
        named = await self.users.get(renamed) if renamed else {}
        changed = [user for user in users if user in named or self._has_changed(user)]
        peers = await self.conversations.peers(changed) if changed else {}
        for user in users:
            if self._has_changed(user) and user not in peers:
                continue  # it changed after the read: the next round announces it
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
    """Yield the users in parts of that size, or as they are if one part is enough."""
    if len(users) <= size:
        yield users
        return
    rest = iter(users)
    while part := list(islice(rest, size)):
        yield part
