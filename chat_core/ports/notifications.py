"""The port to live connections."""

from abc import abstractmethod
from collections.abc import Collection
from typing import Protocol

from chat_core.errors import ChatError
from chat_core.events import Event
from chat_core.ids import ConnectionId, SessionId, UserId


class Notifier(Protocol):
    """Tells live connections what happened, at most once: whoever is not there will sync."""

    @abstractmethod
    def notify(
        self, event: Event, audience: Collection[UserId], cause: ConnectionId | None = None
    ) -> None:
        """Queue the event for every live connection of the audience.

        - The connection that caused it is left out.
        - Each connection gets the events in the order of the calls.
        - Only queues: never waits and never raises.
        """


class Connections(Protocol):
    """The live connections, by the session that each belongs to."""

    @abstractmethod
    def end(self, session_ids: Collection[SessionId], reason: ChatError) -> None:
        """Tell the connections of these sessions why, and close them; no others.

        - Sessions without a connection are ignored.
        - Only queues: never waits and never raises.
        """

    @abstractmethod
    def online(self, session_ids: Collection[SessionId]) -> Collection[SessionId]:
        """Those of the sessions that have a live connection."""
