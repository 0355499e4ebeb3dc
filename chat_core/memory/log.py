"""The writer of the conversations in dictionaries."""

from dataclasses import dataclass, field, replace

from chat_core.conversations import (
    Conversation,
    ConversationKind,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    Role,
)
from chat_core.errors import ClientIdConflict
from chat_core.events import (
    ChangeKind,
    ConversationUpdated,
    LogEvent,
    MessageSent,
    MessageUpdated,
)
from chat_core.ids import (
    ClientConversationId,
    ClientMessageId,
    ConversationId,
    MessageId,
    UserId,
)
from chat_core.memory.conversations import MemoryConversations, Revised, Said, StoredLog
from chat_core.ports.log import (
    Appended,
    ChangeDraft,
    Committed,
    ConversationLog,
    CreationDraft,
    Done,
    Draft,
    Follower,
    MessageDraft,
    Outcome,
    RevisionDraft,
    Stale,
    tell,
)


@dataclass(frozen=True, slots=True)
class FirstSent:
    """What was sent first under a client id; no content once its sender's account is gone."""

    conversation_id: ConversationId
    message_id: MessageId
    content: str | None


@dataclass(slots=True)
class MemoryConversationLog(ConversationLog):
    """A commit is one step of the event loop."""

    conversations: MemoryConversations
    _sent: dict[tuple[UserId, ClientMessageId], FirstSent] = field(default_factory=dict)
    _created: dict[tuple[UserId, ClientConversationId], ConversationUpdated] = field(
        default_factory=dict
    )
    _followers: list[Follower] = field(default_factory=list)

    def submit(self, draft: Draft, done: Done) -> None:
        """See `ConversationLog.submit`."""
        outcome: Outcome
        try:
            outcome = self._append(draft)
        except (ClientIdConflict, Stale) as error:
            outcome = error
        done(outcome)

    def _append(self, draft: Draft) -> Appended:
        match draft:
            case MessageDraft():
                return self._send(draft)
            case RevisionDraft():
                return self._revise(draft)
            case CreationDraft():
                return self._create(draft)
            case ChangeDraft():
                return self._change(draft)

    async def repeated(self, draft: MessageDraft | CreationDraft) -> Appended | None:
        """See `ConversationLog.repeated`."""
        try:
            if isinstance(draft, CreationDraft):
                return self._repeated_creation(draft, _creation(draft))
            return self._repeat(draft)
        except ClientIdConflict:
            return None

    async def open_direct(self, conversation: Conversation) -> Conversation:
        """See `ConversationLog.open_direct`."""
        log = self._stored(conversation) or self._open(conversation)
        return log.conversation

    def follow(self, follower: Follower) -> None:
        """See `ConversationLog.follow`."""
        self._followers.append(follower)

    def _send(self, draft: MessageDraft) -> Appended:
        repeat = self._repeat(draft)
        if repeat is not None:
            return repeat
        log = self._stored(draft.conversation)
        if log is None and draft.conversation.kind is ConversationKind.DIRECT:
            log = self._open(draft.conversation)
        log = self._checked(log, draft.conversation)
        seq, sender = len(log.entries) + 1, draft.actor.user_id
        message = draft.stored(log.conversation.id, seq)
        log.messages[draft.id] = message
        if draft.client_id is not None:
            self._sent[sender, draft.client_id] = FirstSent(
                log.conversation.id, draft.id, draft.content
            )
        self._add(log, Said(draft.id), MessageSent(message), draft, log.conversation)
        log.move_receipt(sender, seq, seq)
        return Appended(MessageSent(message))

    def _revise(self, draft: RevisionDraft) -> Appended:
        log = self._checked(self._stored(draft.conversation), draft.conversation)
        message = log.messages[draft.message.id]
        if message.updated_seq != draft.message.updated_seq or message.seq < log.first_seq:
            raise Stale
        seq, is_deletion = len(log.entries) + 1, draft.content is None
        message = replace(message, updated_seq=seq, content=draft.content)
        if is_deletion:
            message = replace(message, deleted_at=draft.at)
        else:
            message = replace(message, edited_at=draft.at)
        log.messages[message.id] = message
        event = MessageUpdated(seq, message)
        entry = Revised(message.id, draft.at, is_deletion)
        self._add(log, entry, event, draft, log.conversation)
        return Appended(event)

    def _create(self, draft: CreationDraft) -> Appended:
        event = _creation(draft)
        repeat = self._repeated_creation(draft, event)
        if repeat is not None:
            return repeat
        if draft.client_id is not None:
            self._created[draft.actor.user_id, draft.client_id] = event
        log = self._open(draft.conversation)
        self._add(log, event, event, draft, draft.conversation)
        return Appended(event)

    def _repeated_creation(
        self, draft: CreationDraft, event: ConversationUpdated
    ) -> Appended | None:
        if draft.client_id is None:
            return None
        first = self._created.get((draft.actor.user_id, draft.client_id))
        if first is None:
            return None
        if created_as(first) != created_as(event):
            raise ClientIdConflict
        return Appended(first, duplicate=True)

    def _change(self, draft: ChangeDraft) -> Appended:
        log = self._checked(self._stored(draft.conversation), draft.conversation)
        before, seq = log.conversation, len(log.entries) + 1
        log.conversation = before.changed(draft.change, seq, draft.at)
        event = ConversationUpdated.of(before.id, seq, draft.actor.user_id, draft.change)
        match draft.change:
            case MemberAdded(user_id):
                log.removed_at.pop(user_id, None)
            case MemberRemoved(user_id):
                log.removed_at[user_id] = seq
            case MemberDeleted(user_id):
                if user_id not in log.conversation.members:
                    log.removed_at.setdefault(user_id, seq)
                _blank(log, user_id, seq, draft)
                self._forget_sent(log, user_id)
        self._add(log, event, event, draft, before)
        return Appended(event)

    def _repeat(self, draft: MessageDraft) -> Appended | None:
        if draft.client_id is None:
            return None
        first = self._sent.get((draft.actor.user_id, draft.client_id))
        if first is None:
            return None
        log = self._stored(draft.conversation)
        if log is None or log.conversation.id != first.conversation_id:
            raise ClientIdConflict
        if first.content not in {None, draft.content}:
            raise ClientIdConflict
        return Appended(MessageSent(log.messages[first.message_id]), duplicate=True)

    def _forget_sent(self, log: StoredLog, user_id: UserId) -> None:
        for key, first in self._sent.items():
            if key[0] == user_id and first.conversation_id == log.conversation.id:
                self._sent[key] = replace(first, content=None)

    def _stored(self, conversation: Conversation) -> StoredLog | None:
        log = self.conversations.logs.get(conversation.id)
        if log is None and conversation.kind is ConversationKind.DIRECT:
            stored = self.conversations.directs.get(frozenset(conversation.members))
            log = self.conversations.logs[stored] if stored else None
        return log

    def _open(self, conversation: Conversation) -> StoredLog:
        log = StoredLog(conversation, conversation.created_at)
        self.conversations.logs[conversation.id] = log
        if conversation.kind is ConversationKind.DIRECT:
            self.conversations.directs[frozenset(conversation.members)] = conversation.id
        return log

    def _checked(self, log: StoredLog | None, judged: Conversation) -> StoredLog:
        if log is None or log.conversation.revision != judged.revision:
            raise Stale
        return log

    def _add(
        self,
        log: StoredLog,
        entry: Said | Revised | ConversationUpdated,
        event: LogEvent,
        draft: Draft,
        before: Conversation,
    ) -> None:
        log.entries.append(entry)
        log.times.append(draft.at)
        log.active_at = draft.at
        audience = before.members.keys() | log.conversation.members.keys()
        committed = Committed(event, audience, draft.actor.connection_id)
        for follower in self._followers:
            tell(follower, committed)


def _creation(draft: CreationDraft) -> ConversationUpdated:
    group = draft.conversation
    return ConversationUpdated(
        group.id,
        1,
        ChangeKind.CREATED,
        draft.actor.user_id,
        title=group.title,
        members=tuple(group.members.values()),
    )


def created_as(event: ConversationUpdated) -> tuple[str | None, dict[UserId, Role]]:
    """What a group was created as: its title and its members' roles."""
    return event.title, {member.user_id: member.role for member in event.members or ()}


def _blank(log: StoredLog, user_id: UserId, seq: int, draft: ChangeDraft) -> None:
    for message in list(log.messages.values()):
        if message.sender_id == user_id and message.deleted_at is None:
            log.messages[message.id] = replace(
                message, updated_seq=seq, content=None, deleted_at=draft.at
            )
