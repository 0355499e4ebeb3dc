"""Simulated devices of users, in the test's process: no socket, no wire."""

from collections.abc import Collection
from dataclasses import dataclass, field

from chat_core.bodies import Body
from chat_core.chat import Chat
from chat_core.errors import ChatError
from chat_core.events import Event, LogEvent
from chat_core.ids import ConnectionId, ConversationId, SessionId, UserId
from chat_core.memory import RecordingNotifier
from chat_core.messages import Message, Recipient
from chat_core.ports.notifications import Connections
from chat_core.services.synchronising import SyncPlace, SyncRequest
from chat_core.sessions import Actor
from chat_core.users import User


@dataclass(slots=True)
class ConnectedDevices(RecordingNotifier, Connections):
    """A notifier that keeps every notification, and passes it to the audience's devices."""

    _live: dict[ConnectionId, "Device"] = field(default_factory=dict)

    def notify(
        self, event: Event, audience: Collection[UserId], cause: ConnectionId | None = None
    ) -> None:
        """See `Notifier.notify`."""
        RecordingNotifier.notify(self, event, audience, cause)
        for connection_id, device in self._live.items():
            if device.user.id in audience and connection_id != cause:
                device.hear(event)

    def end(self, session_ids: Collection[SessionId], reason: ChatError) -> None:
        """See `Connections.end`."""
        for device in list(self._live.values()):
            if device.session_id in session_ids:
                device.ended_with = reason
                device.disconnect()

    def online(self, session_ids: Collection[SessionId]) -> Collection[SessionId]:
        """See `Connections.online`."""
        return {each.session_id for each in self._live.values()} & set(session_ids)

    def join(self, connection_id: ConnectionId, device: "Device") -> None:
        """Connect a device, so that it gets its user's notifications."""
        self._live[connection_id] = device

    def leave(self, connection_id: ConnectionId) -> None:
        """Disconnect a device."""
        self._live.pop(connection_id, None)


@dataclass(slots=True, eq=False)
class Device:
    """A device of a user, connected by `connect`. It behaves like a correct client."""

    chat: Chat
    connected: ConnectedDevices
    user: User
    session_id: SessionId
    pushes: list[Event] = field(default_factory=list)
    """All events that it was sent, in order."""
    seqs: dict[ConversationId, int] = field(default_factory=dict)
    """For each log, the place up to which it has all entries."""
    connection_id: ConnectionId | None = None
    ended_with: ChatError | None = None
    """The reason why its session was ended."""

    @property
    def actor(self) -> Actor:
        """Return its user as an actor on its connection, for calls of services."""
        return Actor(self.user.id, self.session_id, self.connection_id)

    def connect(self) -> None:
        """Open a connection, unless it has one. Raises `TooManyConnections`."""
        if self.connection_id is None:
            connection_id = ConnectionId(self.chat.ids.new_id())
            self.chat.presence.connected(self.user.id, connection_id)
            self.connection_id = connection_id
            self.connected.join(connection_id, self)

    def disconnect(self) -> None:
        """Lose the connection, so that no more events arrive. A second call does nothing."""
        if self.connection_id is not None:
            self.connected.leave(self.connection_id)
            self.chat.presence.disconnected(self.user.id, self.connection_id)
            self.connection_id = None

    async def send(self, to: Recipient, text: str, client_id: str | None = None) -> Message:
        """Send a message. Raises the errors of `Messaging.send`."""
        appended = await self.chat.messaging.send(self.actor, to, Body(text), client_id)
        self._take(appended.event)
        return appended.message

    async def sync(self) -> list[LogEvent]:
        """Sync with the server, and return the new entries by conversation and place."""
        missed: list[LogEvent] = []
        is_complete = False
        while not is_complete:
            is_complete = await self._sync(missed)
        return missed

    def hear(self, event: Event) -> None:
        """Receive an event."""
        self.pushes.append(event)
        if isinstance(event, LogEvent):
            self._take(event)

    def _take(self, entry: LogEvent) -> None:
        """Record the place of an entry, if no earlier one is missing."""
        if entry.seq == self.seqs.get(entry.conversation_id, 0) + 1:
            self.seqs[entry.conversation_id] = entry.seq

    async def _sync(self, missed: list[LogEvent]) -> bool:
        """Sync all conversations once, and return whether that was everything."""
        named, is_complete = dict(self.seqs), True
        place: SyncPlace | None = None
        while True:
            request = SyncRequest(named, others=True, after=place)
            answer = await self.chat.synchronising.sync(self.user.id, request)
            for part in answer.conversations:
                missed += part.entries
                last = part.entries[-1].seq if part.entries else part.standing.last_seq
                self.seqs[part.conversation_id] = last
                is_complete = is_complete and not part.has_more
            if answer.next is None:
                return is_complete
            place = answer.next
