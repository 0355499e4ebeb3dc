"""The port to live connections."""

from abc import abstractmethod
from collections.abc import Collection
from typing import Protocol

from chat_core.errors import ChatError
from chat_core.events import Event
from chat_core.ids import ConnectionId, SessionId, UserId


class Notifier(Protocol):
    """Sends events to live connections, at most once. Clients get missed entries by `sync`."""

    @abstractmethod
    def notify(
        self, event: Event, audience: Collection[UserId], cause: ConnectionId | None = None
    ) -> None:
        """Queue the event for every live connection of the audience.

        - The connection that caused the event does not get it.
        - Each connection gets the events in the order of the calls.
        - It only queues: it never waits and never raises.
        """


class Connections(Protocol):
    """The live connections, by session."""

    @abstractmethod
    def end(self, session_ids: Collection[SessionId], reason: ChatError) -> None:
        """Tell the connections of these sessions the reason, and close them; no others.

        - It ignores sessions without a connection.
        - It only queues: it never waits and never raises.
        """

    @abstractmethod
    def online(self, session_ids: Collection[SessionId]) -> Collection[SessionId]:
        """Return those of the sessions that have a live connection."""
