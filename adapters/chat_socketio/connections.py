"""Live connections, and a private room for all connections of each user."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from chat_core.errors import ChatError
from chat_core.events import Event
from chat_core.ids import ConnectionId, SessionId, UserId
from chat_core.limits import TokenBucket
from chat_core.ports.notifications import Connections, Notifier
from chat_core.ports.system import Timer
from chat_core.sessions import Actor, Claims
from chat_socketio import packets
from chat_wire import events


class Transport(Protocol):
    """Carries the packets of one connection."""

    @abstractmethod
    def write(self, packet: str) -> None:
        """Queue a packet; never waits and never raises. A closed transport drops it."""

    @abstractmethod
    def close(self) -> None:
        """Send the queued packets and a disconnect, then end the transport. Idempotent."""


@dataclass(slots=True, eq=False)
class Connection:
    """One live socket, from its CONNECT to its end. `claims` are set after registration."""

    id: ConnectionId
    transport: Transport
    event_rate: TokenBucket
    end: Callable[[ChatError], None]
    """Tells the client the reason, and closes the connection."""
    claims: Claims | None = None
    actor: Actor | None = None
    """The user and session that act through this connection; set once, with the first claims."""
    failed_registrations: int = 0
    is_closed: bool = False
    deadline: Timer | None = None
    inbox: list[str] = field(default_factory=list)  # a deque takes a dozen times as much memory
    unanswered: int = 0
    """Number of events that have their place in the order but no outcome yet."""
    all_answered: "asyncio.Future[None] | None" = None
    """Completes when `unanswered` drops to 0. Set only while something waits for that."""
    worker: "asyncio.Task[None] | None" = None
    has_room: "asyncio.Future[None] | None" = None
    """Completes when the client may send more. Set only while something waits for that."""

    def described(self) -> dict[str, str]:
        """Return the ids for log lines about this connection."""
        if self.claims is None:
            return {"connection_id": self.id}
        return {"connection_id": self.id, "user_id": self.claims.user_id}


@dataclass(slots=True)
class Rooms(Notifier, Connections):
    """The registered connections of each user, in a private room that clients can't name."""

    pushes: int = 0
    """Number of pushes written so far."""
    _rooms: dict[UserId, dict[ConnectionId, Connection]] = field(default_factory=dict)
    _sessions: dict[SessionId, dict[ConnectionId, Connection]] = field(default_factory=dict)

    def join(self, claims: Claims, connection: Connection) -> None:
        """Add the connection to the user's room, so that it gets the user's pushes."""
        self._rooms.setdefault(claims.user_id, {})[connection.id] = connection
        self._sessions.setdefault(claims.session_id, {})[connection.id] = connection

    def leave(self, claims: Claims, connection: Connection) -> None:
        """Remove the connection from the room. Does nothing if it is not there."""
        _remove(self._rooms, claims.user_id, connection)
        _remove(self._sessions, claims.session_id, connection)

    def end(self, session_ids: Collection[SessionId], reason: ChatError) -> None:
        """See `Connections.end`."""
        for session_id in session_ids:
            for connection in list(self._sessions.get(session_id, {}).values()):
                connection.end(reason)

    def online(self, session_ids: Collection[SessionId]) -> Collection[SessionId]:
        """See `Connections.online`."""
        return {session_id for session_id in session_ids if session_id in self._sessions}

    def notify(
        self, event: Event, audience: Collection[UserId], cause: ConnectionId | None = None
    ) -> None:
        """See `Notifier.notify`. Encodes an event once for its sender and once for all others."""
        sender, packet = events.sees_more(event), ""
        for user_id in audience:
            room = self._rooms.get(user_id)
            if room is None or (len(room) == 1 and cause in room):
                continue
            if user_id == sender:
                text = _packet(events.push(event, sender))
            else:
                text = packet = packet or _packet(events.push(event))
            for connection in room.values():
                if connection.id != cause:
                    self.pushes += 1
                    connection.transport.write(text)


def _packet(push: events.Push) -> str:
    return packets.event(push.name, push.payload)


Key = TypeVar("Key")


def _remove(
    shelves: dict[Key, dict[ConnectionId, Connection]], key: Key, connection: Connection
) -> None:
    shelf = shelves.get(key, {})
    shelf.pop(connection.id, None)
    if not shelf:
        shelves.pop(key, None)
