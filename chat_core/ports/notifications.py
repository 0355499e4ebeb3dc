"""The port to live connections."""

from abc import abstractmethod
from collections.abc import Collection
from typing import Protocol

from chat_core.events import Event
from chat_core.ids import ConnectionId, UserId


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
