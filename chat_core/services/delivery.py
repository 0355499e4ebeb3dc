"""Delivery: pass entries from the log to live connections."""

from dataclasses import dataclass

from chat_core.ports.log import Committed
from chat_core.ports.notifications import Notifier


@dataclass(frozen=True, slots=True)
class Delivery:
    """A follower of the log. It passes each committed entry to the notifier, once."""

    notifier: Notifier

    def __call__(self, committed: Committed) -> None:
        """Notify the members before and after the entry, except the connection that caused it."""
        self.notifier.notify(committed.event, committed.audience, committed.cause)
