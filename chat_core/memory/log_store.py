"""A store of logs in dictionaries."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from chat_core.bodies import Body, digest_of
from chat_core.conversations import Conversation, ConversationKind
from chat_core.events import ConversationUpdated
from chat_core.ids import ConversationId, MessageId, UserId
from chat_core.measures import Commits
from chat_core.memory.conversations import MemoryConversations, Revised, Said, StoredLog
from chat_core.ports.log_store import (
    ChangeWrite,
    CreatedKey,
    CreationWrite,
    FirstSent,
    Head,
    LogStore,
    MessageWrite,
    RevisionWrite,
    SentKey,
    Verdict,
    Verdicts,
    Write,
)


@dataclass(frozen=True, slots=True)
class _Sent:
    """The first message with a client id. Its body is None if the sender is erased."""

    conversation_id: ConversationId
    message_id: MessageId
    body: Body | None


@dataclass(slots=True)
class MemoryLogStore(LogStore):
    """A log store that writes to `conversations`. A commit is one step of the event loop."""

    conversations: MemoryConversations
    commits: Commits = field(default_factory=Commits)
    _sent: dict[SentKey, _Sent] = field(default_factory=dict)
    _created: dict[CreatedKey, ConversationUpdated] = field(default_factory=dict)

    async def heads(self, wanted: Sequence[Conversation]) -> Sequence[Head | None]:
        """See `LogStore.heads`."""
        logs = [self._log(conversation) for conversation in wanted]
        return [None if log is None else Head(log.conversation, len(log.entries)) for log in logs]

    async def commit(self, writes: Sequence[Write]) -> Verdicts:
        """See `LogStore.commit`."""
        verdicts: list[Verdict] = []
        behind: set[ConversationId] = set()
        for write in writes:
            moved = write.conversation_id in behind
            verdicts.append(Verdict.MOVED if moved else self._write(write))
            if verdicts[-1] is Verdict.STORED:
                self.conversations.stored.append((write.conversation_id, write.event.seq))
            else:
                behind.add(write.conversation_id)
        return Verdicts(verdicts, time.monotonic())

    async def first_sent(self, wanted: Collection[SentKey]) -> Mapping[SentKey, FirstSent]:
        """See `LogStore.first_sent`."""
        return {key: self._first(self._sent[key]) for key in wanted if key in self._sent}

    async def first_created(
        self, wanted: Collection[CreatedKey]
    ) -> Mapping[CreatedKey, ConversationUpdated]:
        """See `LogStore.first_created`."""
        return {key: self._created[key] for key in wanted if key in self._created}

    async def open_direct(self, conversation: Conversation) -> Conversation:
        """See `LogStore.open_direct`."""
        log = self._log(conversation) or self._open(conversation)
        return log.conversation

    async def close(self) -> None:
        """See `LogStore.close`."""

    def _write(self, write: Write) -> Verdict:
        match write:
            case MessageWrite():
                return self._add_message(write)
            case RevisionWrite():
                return self._revise(write)
            case CreationWrite():
                return self._create(write)
            case ChangeWrite():
                return self._change(write)

    def _add_message(self, write: MessageWrite) -> Verdict:
        message = write.event.message
        client_id = message.client_message_id
        if client_id is not None and (message.sender_id, client_id) in self._sent:
            return Verdict.TAKEN
        if write.opens is None:
            log = self._log_before(write)
        else:
            log = self._open(write.opens) if self._log(write.opens) is None else None
        if log is None:
            return Verdict.MOVED
        if client_id is not None:
            sent = _Sent(message.conversation_id, message.id, message.body)
            self._sent[message.sender_id, client_id] = sent
        log.messages[message.id] = message
        log.add(Said(message.id), message.created_at)
        log.move_receipt(message.sender_id, message.seq, message.seq)
        return Verdict.STORED

    def _revise(self, write: RevisionWrite) -> Verdict:
        log = self._log_before(write)
        if log is None:
            return Verdict.MOVED
        message, revised = log.messages[write.before.id], write.event.message
        if message.updated_seq != write.before.updated_seq or message.seq < log.first_seq:
            return Verdict.CHANGED
        log.messages[revised.id] = revised
        log.add(Revised(revised.id), write.at)
        return Verdict.STORED

    def _create(self, write: CreationWrite) -> Verdict:
        if write.client_id is not None:
            key = (write.event.actor_id, write.client_id)
            if key in self._created:
                return Verdict.TAKEN
            self._created[key] = write.event
        self._open(write.conversation).add(write.event, write.at)
        return Verdict.STORED

    def _change(self, write: ChangeWrite) -> Verdict:
        log = self._log_before(write)
        if log is None:
            return Verdict.MOVED
        log.conversation = write.after
        if write.member is not None:
            log.removed_at.pop(write.member.user_id, None)
        if write.removed is not None:
            log.removed_at.setdefault(write.removed, write.seq)
        if write.erased is not None:
            self._erase(log, write.erased, write)
        log.add(write.event, write.at)
        return Verdict.STORED

    def _erase(self, log: StoredLog, user_id: UserId, write: ChangeWrite) -> None:
        for message in list(log.messages.values()):
            if message.sender_id == user_id and message.deleted_at is None:
                log.messages[message.id] = replace(
                    message, updated_seq=write.seq, body=None, deleted_at=write.at
                )
        for key, sent in self._sent.items():
            if key[0] == user_id and sent.conversation_id == write.conversation_id:
                self._sent[key] = replace(sent, body=None)

    def _first(self, sent: _Sent) -> FirstSent:
        message = self.conversations.logs[sent.conversation_id].messages[sent.message_id]
        return FirstSent(message, None if sent.body is None else digest_of(sent.body))

    def _log(self, conversation: Conversation) -> StoredLog | None:
        log = self.conversations.logs.get(conversation.id)
        if log is None and conversation.kind is ConversationKind.DIRECT:
            stored = self.conversations.directs.get(frozenset(conversation.members))
            log = self.conversations.logs[stored] if stored else None
        return log

    def _log_before(self, write: MessageWrite | RevisionWrite | ChangeWrite) -> StoredLog | None:
        """Return the log, if its last entry and its revision are those that the write expects."""
        log = self.conversations.logs.get(write.conversation_id)
        if log is None:
            return None
        follows = len(log.entries) + 1 == write.event.seq
        return log if follows and log.conversation.revision == write.revision else None

    def _open(self, conversation: Conversation) -> StoredLog:
        log = StoredLog(conversation, conversation.created_at)
        self.conversations.logs[conversation.id] = log
        if conversation.kind is ConversationKind.DIRECT:
            self.conversations.directs[frozenset(conversation.members)] = conversation.id
        return log
