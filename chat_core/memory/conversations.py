"""Conversations and their logs in dictionaries."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from chat_core.conversations import (
    MAX_UNREAD,
    RECEIPTS_UP_TO,
    ActivityPlace,
    Conversation,
    ConversationKind,
    Overview,
    Receipt,
)
from chat_core.errors import ClientIdConflict
from chat_core.events import MessageSent
from chat_core.ids import ClientMessageId, ConversationId, UserId
from chat_core.messages import History, Message
from chat_core.pages import Page
from chat_core.ports.storage import (
    Appended,
    Committed,
    ConversationLog,
    ConversationStore,
    Follower,
    MessageDraft,
    Stale,
)


@dataclass(slots=True)
class _Log:
    """One conversation with its entries: the one at place `seq` is `entries[seq - 1]`."""

    conversation: Conversation
    entries: list[Message] = field(default_factory=list)
    delivered: dict[UserId, int] = field(default_factory=dict)
    read: dict[UserId, int] = field(default_factory=dict)

    @property
    def active_at(self) -> datetime:
        return self.entries[-1].created_at if self.entries else self.conversation.created_at


def _ignore(_: Committed) -> None:
    pass


@dataclass(slots=True)
class MemoryConversations(ConversationStore, ConversationLog):
    """Conversations that are gone when the process is. A commit is one step of the event loop."""

    _logs: dict[ConversationId, _Log] = field(default_factory=dict)
    _directs: dict[frozenset[UserId], ConversationId] = field(default_factory=dict)
    _sent: dict[tuple[UserId, ClientMessageId], Message] = field(default_factory=dict)
    _follower: Follower = _ignore

    async def append(self, draft: MessageDraft) -> Appended:
        """See `ConversationLog.append`."""
        log = self._log_of(draft.conversation)
        if draft.client_id is not None:
            first = self._sent.get((draft.actor.user_id, draft.client_id))
            if first is not None:
                if log is None or first.conversation_id != log.conversation.id:
                    raise ClientIdConflict
                if first.content != draft.content:
                    raise ClientIdConflict
                return Appended(first, duplicate=True)
        if log is None and draft.conversation.kind is ConversationKind.DIRECT:
            log = self._open(draft.conversation)
        elif log is None or log.conversation.revision != draft.conversation.revision:
            raise Stale
        message = self._store(log, draft)
        self._follower(
            Committed(MessageSent(message), log.conversation.members, draft.actor.connection_id)
        )
        return Appended(message, duplicate=False)

    def follow(self, follower: Follower) -> None:
        """See `ConversationLog.follow`."""
        self._follower = follower

    async def get(self, conversation_id: ConversationId) -> Conversation | None:
        """See `ConversationStore.get`."""
        log = self._logs.get(conversation_id)
        return log.conversation if log else None

    async def direct(self, one: UserId, other: UserId) -> Conversation | None:
        """See `ConversationStore.direct`."""
        conversation_id = self._directs.get(frozenset((one, other)))
        return self._logs[conversation_id].conversation if conversation_id else None

    async def overviews(
        self, user_id: UserId, *, after: ActivityPlace | None, limit: int
    ) -> Page[Overview, ActivityPlace]:
        """See `ConversationStore.overviews`."""
        overviews = [
            _overview(log, user_id)
            for log in self._logs.values()
            if user_id in log.conversation.members
        ]
        overviews.sort(key=_latest_first, reverse=True)
        if after is not None:
            start = (after.active_at, after.conversation_id)
            overviews = [overview for overview in overviews if _latest_first(overview) < start]
        found, more = overviews[:limit], len(overviews) > limit
        return Page(found, ActivityPlace(*_latest_first(found[-1])) if more else None)

    async def history(
        self, conversation_id: ConversationId, *, before: int | None, after: int | None, limit: int
    ) -> History:
        """See `ConversationStore.history`."""
        log = self._logs.get(conversation_id)
        messages = log.entries if log else []
        if after is not None:
            later = [message for message in messages if message.seq > after]
            return History(later[:limit], len(later) > limit)
        earlier = [message for message in messages if before is None or message.seq < before]
        return History(earlier[-limit:], len(earlier) > limit)

    async def peers(self, users: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """See `ConversationStore.peers`."""
        peers: dict[UserId, set[UserId]] = {user: set() for user in users}
        for log in self._logs.values():
            members = log.conversation.members
            for user in peers.keys() & members.keys():
                peers[user].update(members.keys() - {user})
        return peers

    def _log_of(self, conversation: Conversation) -> _Log | None:
        log = self._logs.get(conversation.id)
        if log is None and conversation.kind is ConversationKind.DIRECT:
            stored = self._directs.get(frozenset(conversation.members))
            log = self._logs[stored] if stored else None
        return log

    def _open(self, conversation: Conversation) -> _Log:
        log = self._logs[conversation.id] = _Log(conversation)
        self._directs[frozenset(conversation.members)] = conversation.id
        return log

    def _store(self, log: _Log, draft: MessageDraft) -> Message:
        seq = len(log.entries) + 1
        sender = draft.actor.user_id
        message = Message(
            id=draft.id,
            conversation_id=log.conversation.id,
            seq=seq,
            updated_seq=seq,
            sender_id=sender,
            recipient_id=log.conversation.other(sender),
            content=draft.content,
            client_message_id=draft.client_id,
            created_at=draft.at,
        )
        log.entries.append(message)
        log.delivered[sender] = log.read[sender] = seq
        if draft.client_id is not None:
            self._sent[sender, draft.client_id] = message
        return message


def _overview(log: _Log, user_id: UserId) -> Overview:
    members = log.conversation.members
    read_seq = log.read.get(user_id, 0)
    unread = sum(message.sender_id != user_id for message in log.entries[read_seq:])
    receipts = tuple(
        Receipt(member, log.delivered.get(member, 0), log.read.get(member, 0))
        for member in sorted(members)
    )
    return Overview(
        conversation=log.conversation,
        first_seq=1,
        last_seq=len(log.entries),
        last_message=log.entries[-1] if log.entries else None,
        read_seq=read_seq,
        unread_count=min(unread, MAX_UNREAD),
        receipts=receipts if len(members) <= RECEIPTS_UP_TO else (),
        active_at=log.active_at,
    )


def _latest_first(overview: Overview) -> tuple[datetime, ConversationId]:
    return overview.active_at, overview.conversation.id
