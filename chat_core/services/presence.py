"""Presence: who is online, and who hears of it."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from chat_core.errors import TooManyConnections, Unavailable
from chat_core.events import PresenceChanged
from chat_core.ids import ConnectionId, UserId
from chat_core.ports.notifications import Notifier
from chat_core.ports.storage import ConversationStore, UserDirectory
from chat_core.ports.system import Clock
from chat_core.presence import PresenceTracker, UserPresence
from chat_core.users import User

RETRY_SECONDS = 1.0
SEEN_EVERY_SECONDS = 60.0
"""How much of `last_seen_at` a crash can lose."""


@dataclass(slots=True)
class _Unannounced:
    """Who changed since the last announcement, with what was announced before that."""

    was_online: dict[UserId, bool] = field(default_factory=dict)
    left_at: dict[UserId, datetime] = field(default_factory=dict)
    some: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Presence:
    """Count connections, and announce who came and who went.

    Counting is immediate and needs no store. `announce` makes the announcements: many changes at
    once are one read of the store, and while that is out of reach they wait. Someone who left and
    came back in between did not change.
    """

    users: UserDirectory
    conversations: ConversationStore
    notifier: Notifier
    clock: Clock
    connections_per_user: int
    tracker: PresenceTracker = field(default_factory=PresenceTracker)
    _unannounced: _Unannounced = field(default_factory=_Unannounced)

    def connected(self, user_id: UserId, connection_id: ConnectionId) -> int:
        """Count a live connection: the user's number of them. Raises `TooManyConnections`.

        One that is counted already is a no-op.
        """
        change = self.tracker.connected(user_id, connection_id)
        devices = self.tracker.devices(user_id)
        if devices > self.connections_per_user:
            self.tracker.disconnected(user_id, connection_id)
            raise TooManyConnections(retry_after=RETRY_SECONDS)
        if change:
            self._changed(user_id, was_online=False)
        return devices

    def disconnected(self, user_id: UserId, connection_id: ConnectionId) -> None:
        """Count a connection no longer; one that is not counted is a no-op."""
        if self.tracker.disconnected(user_id, connection_id):
            self._unannounced.left_at[user_id] = self.clock.now()
            self._changed(user_id, was_online=True)

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
        state = self._unannounced
        state.some.clear()
        left = dict(state.left_at)
        if left:
            await self.users.saw(left)
        changed = [user for user, was in state.was_online.items() if was is not self._online(user)]
        peers = await self.conversations.peers(changed) if changed else {}
        for user, was_online in list(state.was_online.items()):
            if self._online(user) is was_online:
                del state.was_online[user]
            elif user in peers:
                del state.was_online[user]
                self.notifier.notify(self._change_of(user), peers[user])
            # Else it changed while the store was read, and the next round tells.
        for user, at in left.items():
            if state.left_at.get(user) == at:
                del state.left_at[user]

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

    def _online(self, user_id: UserId) -> bool:
        return self.tracker.is_online(user_id)

    def _changed(self, user_id: UserId, *, was_online: bool) -> None:
        self._unannounced.was_online.setdefault(user_id, was_online)
        self._unannounced.some.set()

    def _change_of(self, user_id: UserId) -> PresenceChanged:
        now = self.clock.now()
        online = self._online(user_id)
        left_at = self._unannounced.left_at.get(user_id, now)
        return PresenceChanged(user_id, online, now if online else left_at)

    async def _announce_for_ever(self) -> None:
        while True:
            await self._unannounced.some.wait()
            try:
                await self.announce()
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
