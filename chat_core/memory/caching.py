"""Caches in front of stores, for the data that each send reads.

Another process may change a cached conversation. The log notices, because it checks the revision of
each draft, and `Stale` makes the cache read again. So use a cache only if the log or a store checks
again, and plain stores for everything else.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Generic, TypeVar

from chat_core.conversations import ActivityPlace, Conversation, Overview
from chat_core.events import ChangeKind, ConversationUpdated
from chat_core.ids import ConversationId, UserId
from chat_core.pages import Page
from chat_core.ports.log import (
    Appended,
    Committed,
    ConversationLog,
    CreationDraft,
    Done,
    Draft,
    Follower,
    MessageDraft,
    Outcome,
    Stale,
)
from chat_core.ports.storage import BlockStore, ConversationStore
from chat_core.ports.system import Clock

Key = TypeVar("Key")
Value = TypeVar("Value")

Pair = tuple[UserId, UserId]

MOST_MEMBERS = 500_000
"""The most members of all cached conversations, at about 200 bytes each."""
MOST_PAIRS = 100_000
BLOCK_SECONDS = 60.0
"""The longest time that a block made by another process may stay unnoticed."""


@dataclass(slots=True)
class _Loading(Generic[Key]):
    """Reads in progress. If the data changes meanwhile, the result must not be cached."""

    _begun: dict[Key, object] = field(default_factory=dict)

    def begin(self, key: Key) -> object:
        token = self._begun[key] = object()
        return token

    def is_fresh(self, key: Key, token: object) -> bool:
        """End the read, and return whether nothing has changed since it began."""
        if self._begun.get(key) is not token:
            return False
        del self._begun[key]
        return True

    def changed(self, key: Key) -> None:
        self._begun.pop(key, None)


@dataclass(slots=True)
class CachedConversations(ConversationStore):
    """A cache of the most recently loaded conversations. All other reads go to the store."""

    store: ConversationStore
    _known: dict[ConversationId, Conversation] = field(default_factory=dict)
    _pairs: dict[Pair, ConversationId] = field(default_factory=dict)
    _loading: _Loading[ConversationId | Pair] = field(default_factory=_Loading)
    _members: int = 0

    async def get(self, conversation_id: ConversationId) -> Conversation | None:
        """See `ConversationStore.get`."""
        known = self.known(conversation_id)
        if known is not None:
            return known
        token = self._loading.begin(conversation_id)
        found = await self.store.get(conversation_id)
        if self._loading.is_fresh(conversation_id, token) and found is not None:
            self._remember(found)
        return found

    async def direct(self, one: UserId, other: UserId) -> Conversation | None:
        """See `ConversationStore.direct`."""
        known = self.known_direct(one, other)
        if known is not None:
            return known
        pair = _pair(one, other)
        token = self._loading.begin(pair)
        found = await self.store.direct(one, other)
        if self._loading.is_fresh(pair, token) and found is not None:
            self._remember(found)
            self._pairs[pair] = found.id
        return found

    def known(self, conversation_id: ConversationId) -> Conversation | None:
        """See `ConversationStore.known`."""
        return self._known.get(conversation_id)

    def known_direct(self, one: UserId, other: UserId) -> Conversation | None:
        """See `ConversationStore.known_direct`."""
        known = self._pairs.get(_pair(one, other))
        return None if known is None else self._known[known]

    async def fresh(self, conversation_id: ConversationId) -> Conversation | None:
        """See `ConversationStore.fresh`."""
        self._loading.changed(conversation_id)
        self._drop(conversation_id)
        return await self.get(conversation_id)

    async def overview(self, user_id: UserId, conversation_id: ConversationId) -> Overview | None:
        """See `ConversationStore.overview`."""
        return await self.store.overview(user_id, conversation_id)

    async def latest(
        self, user_id: UserId, *, after: ActivityPlace | None, limit: int
    ) -> Page[ActivityPlace, ActivityPlace]:
        """See `ConversationStore.latest`."""
        return await self.store.latest(user_id, after=after, limit=limit)

    async def overviews(
        self, user_id: UserId, conversation_ids: Sequence[ConversationId]
    ) -> Sequence[Overview]:
        """See `ConversationStore.overviews`."""
        return await self.store.overviews(user_id, conversation_ids)

    async def left_behind(self, user_id: UserId) -> Collection[ConversationId]:
        """See `ConversationStore.left_behind`."""
        return await self.store.left_behind(user_id)

    async def peers(self, users: Collection[UserId]) -> Mapping[UserId, Collection[UserId]]:
        """See `ConversationStore.peers`."""
        return await self.store.peers(users)

    def forget(self, conversation_id: ConversationId, members: Collection[UserId]) -> None:
        """Remove a conversation from the cache, because it may have changed."""
        self._loading.changed(conversation_id)
        self._drop(conversation_id)
        if len(members) == 2:  # noqa: PLR2004 - it may be a direct one
            pair = _pair(*members)
            self._loading.changed(pair)
            self._drop(self._pairs.get(pair, conversation_id))

    def _remember(self, conversation: Conversation) -> None:
        self._drop(conversation.id)
        self._known[conversation.id] = conversation
        self._members += len(conversation.members)
        while self._members > MOST_MEMBERS:
            self._drop(next(iter(self._known)))

    def _drop(self, conversation_id: ConversationId) -> None:
        dropped = self._known.pop(conversation_id, None)
        if dropped is not None:
            self._members -= len(dropped.members)
            if len(dropped.members) == 2:  # noqa: PLR2004
                self._pairs.pop(_pair(*dropped.members), None)


@dataclass(slots=True)
class CachedBlocks(BlockStore):
    """A cache of blocks, with a time limit. Blocks made here take effect at once."""

    store: BlockStore
    clock: Clock
    _known: dict[Pair, tuple[bool, float]] = field(default_factory=dict)
    _loading: _Loading[Pair] = field(default_factory=_Loading)

    async def between(self, one: UserId, other: UserId) -> bool:
        """See `BlockStore.between`."""
        known = self.known_between(one, other)
        if known is not None:
            return known
        pair, now = _pair(one, other), self.clock.monotonic()
        token = self._loading.begin(pair)
        blocked = await self.store.between(one, other)
        if self._loading.is_fresh(pair, token):
            self._known.pop(pair, None)
            self._known[pair] = blocked, now + BLOCK_SECONDS
            if len(self._known) > MOST_PAIRS:
                del self._known[next(iter(self._known))]
        return blocked

    def known_between(self, one: UserId, other: UserId) -> bool | None:
        """See `BlockStore.known_between`."""
        known = self._known.get(_pair(one, other))
        if known is None or self.clock.monotonic() >= known[1]:
            return None
        return known[0]

    async def fresh_between(self, one: UserId, other: UserId) -> bool:
        """See `BlockStore.fresh_between`."""
        self._forget(one, other)
        return await self.between(one, other)

    async def block(self, user_id: UserId, other_id: UserId, at: datetime) -> None:
        """See `BlockStore.block`."""
        try:
            await self.store.block(user_id, other_id, at)
        finally:
            self._forget(user_id, other_id)

    async def unblock(self, user_id: UserId, other_id: UserId) -> None:
        """See `BlockStore.unblock`."""
        try:
            await self.store.unblock(user_id, other_id)
        finally:
            self._forget(user_id, other_id)

    async def blocked_by(
        self, user_id: UserId, *, after: UserId | None, limit: int
    ) -> Page[UserId, UserId]:
        """See `BlockStore.blocked_by`."""
        return await self.store.blocked_by(user_id, after=after, limit=limit)

    def _forget(self, one: UserId, other: UserId) -> None:
        pair = _pair(one, other)
        self._known.pop(pair, None)
        self._loading.changed(pair)


@dataclass(slots=True)
class CacheTellingLog(ConversationLog):
    """A log that updates the cache after each change, before any other follower runs."""

    log: ConversationLog
    cache: CachedConversations

    def __post_init__(self) -> None:
        self.log.follow(self._forget)

    def submit(self, draft: Draft, done: Done) -> None:
        """See `ConversationLog.submit`."""
        self.log.submit(draft, partial(self._look, draft.conversation, done))

    async def repeated(self, draft: MessageDraft | CreationDraft) -> Appended | None:
        """See `ConversationLog.repeated`."""
        return await self.log.repeated(draft)

    async def open_direct(self, conversation: Conversation) -> Conversation:
        """See `ConversationLog.open_direct`."""
        return await self.log.open_direct(conversation)

    def follow(self, follower: Follower) -> None:
        """See `ConversationLog.follow`."""
        self.log.follow(follower)

    def _forget(self, committed: Committed) -> None:
        event = committed.event
        if isinstance(event, ConversationUpdated):
            # Only this change affects a direct conversation. All groups are cached by id.
            may_be_direct = event.change is ChangeKind.MEMBER_DELETED
            self.cache.forget(event.conversation_id, committed.audience if may_be_direct else ())

    def _look(self, judged: Conversation, done: Done, outcome: Outcome) -> None:
        if isinstance(outcome, Stale):
            self.cache.forget(judged.id, judged.members)
        done(outcome)


def _pair(one: UserId, other: UserId) -> Pair:
    """Return two users in a fixed order."""
    return (one, other) if one < other else (other, one)
