"""The port by which old entries leave the logs."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chat_core.ids import ConversationId
from chat_core.pages import Page


@dataclass(frozen=True, slots=True)
class OldFront:
    """A log that begins with old entries: those from `first_seq` on, up to but without `end`."""

    conversation_id: ConversationId
    first_seq: int
    end: int


class LogRetention(Protocol):
    """Takes entries from the fronts of logs. What a log has no more, no read of it shows."""

    @abstractmethod
    async def old(
        self, before: datetime, *, after: ConversationId | None, limit: int
    ) -> Page[OldFront, ConversationId]:
        """The logs that begin with entries of before that moment, by conversation id.

        - What follows an entry that is not older stays, whatever its time.
        - `limit` conversations are looked at, so a page may hold fewer; `next` is None on the last.
        - From page to page each log is found once.
        """

    @abstractmethod
    async def expire(self, fronts: Mapping[ConversationId, int], at: datetime) -> None:
        """Take from each of these logs the entries below a place, which is its `first_seq` then.

        - `first_seq` never goes back, and never past the place after the last one.
        - The places of what is appended later follow the last one, as before.
        - `revision`, members, roles, title, receipts and the time of the latest activity stay.
        - Who was removed before that place has an empty log, which ends where it did.
        - Messages that went are found by no read, and are not unread.
        - An entry that is kept, of a message that went, shows it as deleted at that time.
        - A client id of before is known for ever: its repeat is answered with that message, as
          deleted at that time, and anything else under it is a conflict, for groups, too.
        - The revision of a message that went is `Stale`.
        - The follower is told nothing.
        - Unknown conversations are ignored.
        """
