"""Presence: which live connections each user has. No I/O, no clock."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from chat_core.ids import ConnectionId, UserId


class PresenceChange(Enum):
    """What a connection that came or went changed for its user."""

    CAME_ONLINE = "came online"
    WENT_OFFLINE = "went offline"


@dataclass(frozen=True, slots=True)
class UserPresence:
    """Whether a user is here.

    `devices` counts live connections; `last_seen_at` is None for who was never here.
    """

    online: bool
    devices: int
    last_seen_at: datetime | None


@dataclass(slots=True)
class PresenceTracker:
    """The set of live connections of each user, never a bare count: reports may repeat."""

    _connections: dict[UserId, set[ConnectionId]] = field(default_factory=dict)

    def connected(self, user: UserId, connection: ConnectionId) -> PresenceChange | None:
        """Add a connection; again is a no-op. The first one of a user: they came online."""
        connections = self._connections.get(user)
        if connections is None:
            self._connections[user] = {connection}
            return PresenceChange.CAME_ONLINE
        connections.add(connection)
        return None

    def disconnected(self, user: UserId, connection: ConnectionId) -> PresenceChange | None:
        """Remove a connection; an unknown one is a no-op. The last one: they went offline."""
        connections = self._connections.get(user)
        if connections is None:
            return None
        connections.discard(connection)
        if connections:
            return None
        del self._connections[user]
        return PresenceChange.WENT_OFFLINE

    def devices(self, user: UserId) -> int:
        """How many live connections the user has."""
        return len(self._connections.get(user, ()))

    def is_online(self, user: UserId) -> bool:
        """Whether the user has a live connection."""
        return user in self._connections

    def online(self) -> AbstractSet[UserId]:
        """Who has a live connection now: a view, not a copy."""
        return self._connections.keys()
