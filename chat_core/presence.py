"""Presence: the live connections of each user. No I/O, no clock."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from chat_core.ids import ConnectionId, UserId


class PresenceChange(Enum):
    """The change that a new or closed connection makes for its user."""

    CAME_ONLINE = "came online"
    WENT_OFFLINE = "went offline"


@dataclass(frozen=True, slots=True)
class UserPresence:
    """Whether a user is online.

    `devices` counts live connections; `last_seen_at` is None for a user who was never online.
    """

    online: bool
    devices: int
    last_seen_at: datetime | None


@dataclass(slots=True)
class PresenceTracker:
    """The set of each user's live connections. It is not a count, because reports may repeat."""

    _connections: dict[UserId, set[ConnectionId]] = field(default_factory=dict)

    def connected(self, user: UserId, connection: ConnectionId) -> PresenceChange | None:
        """Add a connection. Return the change if it is the user's first one."""
        connections = self._connections.get(user)
        if connections is None:
            self._connections[user] = {connection}
            return PresenceChange.CAME_ONLINE
        connections.add(connection)
        return None

    def disconnected(self, user: UserId, connection: ConnectionId) -> PresenceChange | None:
        """Remove a connection, if it is known. Return the change if it was the user's last one."""
        connections = self._connections.get(user)
        if connections is None:
            return None
        connections.discard(connection)
        if connections:
            return None
        del self._connections[user]
        return PresenceChange.WENT_OFFLINE

    def devices(self, user: UserId) -> int:
        """Return the number of the user's live connections."""
        return len(self._connections.get(user, ()))

    def is_online(self, user: UserId) -> bool:
        """Return whether the user has a live connection."""
        return user in self._connections

    def online(self) -> AbstractSet[UserId]:
        """Return the users with live connections, as a view, not a copy."""
        return self._connections.keys()
