"""The port that removes old entries from the logs."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chat_core.ids import ConversationId
from chat_core.pages import Page


@dataclass(frozen=True, slots=True)
class OldFront:
    """The old entries at the front of a log: from `first_seq` up to, but without, `end`."""

    conversation_id: ConversationId
    first_seq: int
    end: int


class LogRetention(Protocol):
    """Removes entries from the fronts of logs. No read shows a removed entry."""

    @abstractmethod
    async def old(
        self, before: datetime, *, after: ConversationId | None, limit: int
    ) -> Page[OldFront, ConversationId]:
        """Return the logs whose first entry is older than `before`, by conversation id.

        - Entries after a newer entry stay, however old they are.
        - It examines `limit` conversations, so a page may be shorter; on the last one `next` is
          None.
        - From page to page it finds each log once.
        """

    @abstractmethod
    async def expire(self, fronts: Mapping[ConversationId, int], at: datetime) -> None:
        """Remove from each log the entries below a place, which becomes its `first_seq`.

        - `first_seq` never decreases, and never passes the place after the last entry.
        - New entries still get the places after the last one.
        - `revision`, members, roles, title, receipts and the time of the latest activity stay.
        - A user who was removed before that place has an empty log, which ends where it did.
        - No read finds the removed messages, and they are not unread.
        - If an entry stays but its message was removed, the entry shows it as deleted at that time.
        - Client ids stay used for ever: a repeat gets the same message, as deleted at that time,
          and anything else is a conflict, for groups, too.
        - If the message of a revision was removed, the revision is `Stale`.
        - Followers get no call.
        - It ignores unknown conversations.
        """
