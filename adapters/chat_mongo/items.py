"""Drafts on their way into the database, and what follows from one."""

from collections.abc import Collection
from dataclasses import dataclass

from chat_core.conversations import ConversationKind, MemberAdded
from chat_core.events import ConversationUpdated
from chat_core.ids import UserId
from chat_core.ports.log import Appended, ChangeDraft, Done, Draft, MessageDraft, Outcome, tell
from chat_mongo.heads import Head


@dataclass(frozen=True, slots=True)
class Attempt:
    """An entry that was sent to the database, whose answer is awaited or got lost."""

    entry_id: str
    head: Head
    appended: Appended


@dataclass(slots=True, eq=False)
class Item:
    """A draft, and the caller who is told what came of it."""

    draft: Draft
    done: Done
    is_settled: bool = False
    """Whether nothing more is to be done for it."""
    attempt: Attempt | None = None
    _is_told: bool = False

    def answer(self, outcome: Outcome) -> None:
        """It is settled: tell the caller."""
        self.is_settled = True
        self._tell(outcome)

    def reject(self, error: Exception) -> None:
        """Tell the caller, whatever becomes of the draft; one who was told hears no more."""
        self._tell(error)

    def _tell(self, outcome: Outcome) -> None:
        if not self._is_told:
            self._is_told = True
            tell(self.done, outcome)


def may_open(draft: Draft) -> bool:
    """Whether it may be the first message of a direct conversation, which it stores then."""
    is_direct = draft.conversation.kind is ConversationKind.DIRECT
    return is_direct and isinstance(draft, MessageDraft)


def head_after(draft: Draft, appended: Appended) -> Head:
    """Where the log ends once that is stored."""
    event = appended.event
    changes = isinstance(event, ConversationUpdated)
    revision = event.seq if changes else draft.conversation.revision
    return Head(event.conversation_id, event.seq, revision)


def audience_of(draft: Draft) -> Collection[UserId]:
    """The members before the entry and after it."""
    members = draft.conversation.members.keys()
    if isinstance(draft, ChangeDraft) and isinstance(draft.change, MemberAdded):
        return members | {draft.change.user_id}
    return members
