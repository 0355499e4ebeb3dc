"""Checks of drafts: whether a draft may follow a log's head, and whether it is a repeat."""

from enum import Enum

from chat_core.bodies import digest_of, is_digest_of
from chat_core.conversations import ConversationKind, Role
from chat_core.errors import ClientIdConflict
from chat_core.events import ConversationUpdated, MessageSent
from chat_core.ids import UserId
from chat_core.log.heads import KnownHead
from chat_core.ports.log import Appended, CreationDraft, Draft, MessageDraft
from chat_core.ports.log_store import FirstSent


class Judgement(Enum):
    """What to do with a draft."""

    WRITE = "write"
    """The draft has the current revision, so it becomes a write after the head."""
    BEGIN = "begin"
    """The draft is the first entry of its conversation."""
    HOLD = "hold"
    """An earlier write that is not stored yet has changed the conversation."""
    READ_AGAIN = "read_again"
    """The draft's revision differs from the head's, and the head may be outdated."""
    REFUSE = "refuse"
    """The draft's revision is outdated, or its conversation is not stored."""


def judge(draft: Draft, head: KnownHead | None, since: int, now: int) -> Judgement:
    """Decide what to do in round `now` with a draft that arrived before round `since`.

    It refuses a draft only with a head read in round `since` or later. If there is no head, the
    caller has looked for one since then.
    """
    if head is None:
        return Judgement.BEGIN if _may_begin(draft) else Judgement.REFUSE
    if isinstance(draft, CreationDraft):
        return Judgement.BEGIN
    if head.conversation.revision == draft.conversation.revision:
        return _WRITE
    if head.moved == now:
        return Judgement.HOLD
    is_fresh = head.read >= since or head.moved >= since
    return Judgement.REFUSE if is_fresh else Judgement.READ_AGAIN


_WRITE = Judgement.WRITE
"""A module name: nearly every draft needs it, and an enum lookup takes five times as long."""


def _may_begin(draft: Draft) -> bool:
    is_direct = draft.conversation.kind is ConversationKind.DIRECT
    return isinstance(draft, CreationDraft) or (is_direct and isinstance(draft, MessageDraft))


def repeat_of_message(draft: MessageDraft, first: FirstSent) -> Appended | ClientIdConflict:
    """Return the outcome of a draft whose sender has used its client id for that message."""
    message = first.message
    # A direct conversation that was not stored yet may have got another id meanwhile.
    same_conversation = message.conversation_id == draft.conversation.id or (
        draft.conversation.kind is ConversationKind.DIRECT
        and draft.conversation.members.keys() == {message.sender_id, message.recipient_id}
    )
    if not same_conversation or not _says_the_same(draft, first):
        return ClientIdConflict()
    return Appended(MessageSent(message), duplicate=True)


def repeat_of_creation(
    draft: CreationDraft, first: ConversationUpdated
) -> Appended | ClientIdConflict:
    """Return the outcome of a draft whose creator has used its client id for that group."""
    group = draft.conversation
    roles = {member.user_id: member.role for member in group.members.values()}
    if (first.title, created_roles(first)) != (group.title, roles):
        return ClientIdConflict()
    return Appended(first, duplicate=True)


def created_roles(creation: ConversationUpdated) -> dict[UserId, Role]:
    """Return the members that a group was created with, and their roles."""
    return {member.user_id: member.role for member in creation.members or ()}


def _says_the_same(draft: MessageDraft, first: FirstSent) -> bool:
    if first.digest is not None:
        return is_digest_of(first.digest, draft.body)
    now = first.message.body
    return now is None or digest_of(now) == digest_of(draft.body)
