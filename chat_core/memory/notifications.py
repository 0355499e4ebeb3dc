"""A notifier that records its calls."""

from collections.abc import Collection
from dataclasses import dataclass, field

from chat_core.events import Event
from chat_core.ids import ConnectionId, UserId
from chat_core.ports.notifications import Notifier


@dataclass(frozen=True, slots=True)
class Notification:
    """One call of `notify`."""

    event: Event
    audience: frozenset[UserId]
    cause: ConnectionId | None


@dataclass(slots=True)
class RecordingNotifier(Notifier):
    """A notifier that keeps every notification in order, for tests."""

    notifications: list[Notification] = field(default_factory=list)

    def notify(
        self, event: Event, audience: Collection[UserId], cause: ConnectionId | None = None
    ) -> None:
        """See `Notifier.notify`."""
        self.notifications.append(Notification(event, frozenset(audience), cause))

    def events(self) -> list[Event]:
        """Return only the events."""
        return [notification.event for notification in self.notifications]
