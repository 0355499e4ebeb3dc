import asyncio
from dataclasses import dataclass, field

import pytest

from chat_core import Conversation, ConversationId, User, UserId
from chat_core.conversations import MemberAdded, MemberRemoved, Role, TitleChanged
from chat_core.log import Log
from chat_core.memory import (
    CachedBlocks,
    CachedConversations,
    CacheTellingLog,
    MemoryBlockStore,
    MemoryConversations,
    MemoryLogStore,
    MemoryUserStore,
)
from chat_core.memory.caching import BLOCK_SECONDS
from chat_core.ports.log import Stale
from chat_core.testing.blocks_contract import BlockStoreContract
from chat_core.testing.clock import ManualClock
from chat_core.testing.conversations_contract import ConversationStoreContract
from chat_core.testing.log_contract import ConversationLogContract
from chat_core.testing.makers import alter, at, create, direct, draft, group, stored_users


@dataclass(slots=True)
class SlowConversations(MemoryConversations):
    """Counts what it is asked; its answers wait, where they are told to."""

    asked: int = 0
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def get(self, conversation_id: ConversationId) -> Conversation | None:
        self.asked += 1
        found = await MemoryConversations.get(self, conversation_id)
        await self.may_answer.wait()
        return found

    async def direct(self, one: UserId, other: UserId) -> Conversation | None:
        self.asked += 1
        found = await MemoryConversations.direct(self, one, other)
        await self.may_answer.wait()
        return found


@dataclass(slots=True)
class CountingBlocks(MemoryBlockStore):
    asked: int = 0

    async def between(self, one: UserId, other: UserId) -> bool:
        self.asked += 1
        return await MemoryBlockStore.between(self, one, other)


@pytest.fixture
def users() -> MemoryUserStore:
    return MemoryUserStore()


@pytest.fixture
async def people(users: MemoryUserStore) -> list[User]:
    return await stored_users(users, "ann", "bob", "eve")


@pytest.fixture
def store() -> SlowConversations:
    store = SlowConversations()
    store.may_answer.set()
    return store


@pytest.fixture
def reader(store: SlowConversations) -> SlowConversations:
    return store


@pytest.fixture
def receipts(store: SlowConversations) -> SlowConversations:
    return store


@pytest.fixture
def conversations(store: SlowConversations) -> CachedConversations:
    return CachedConversations(store)


@pytest.fixture
def elsewhere(store: SlowConversations) -> Log:
    """The log as another process has it, which tells this one nothing."""
    return Log(MemoryLogStore(store))


@pytest.fixture
def log(store: SlowConversations, conversations: CachedConversations) -> CacheTellingLog:
    return CacheTellingLog(Log(MemoryLogStore(store)), conversations)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def counting() -> CountingBlocks:
    return CountingBlocks()


@pytest.fixture
def blocks(counting: CountingBlocks, clock: ManualClock) -> CachedBlocks:
    return CachedBlocks(counting, clock)


class TestCachedConversations(ConversationStoreContract):
    pass


class TestCacheTellingLog(ConversationLogContract):
    pass


class TestCachedBlocks(BlockStoreContract):
    pass


async def test_a_conversation_is_read_once(
    conversations: CachedConversations,
    store: SlowConversations,
    log: CacheTellingLog,
    people: list[User],
) -> None:
    ann, bob, _ = people
    talk, friends = direct(ann, bob), await create(log, group(ann, bob))
    await log.append(draft(talk, ann))
    for _ in range(3):
        assert await conversations.get(friends.id) == friends
        assert await conversations.direct(bob.id, ann.id) == talk
        assert await conversations.get(talk.id) == talk
    assert store.asked == 2


async def test_what_was_read_is_known_without_waiting_until_it_changes(
    conversations: CachedConversations, log: CacheTellingLog, people: list[User]
) -> None:
    ann, bob, eve = people
    talk = (await log.append(draft(direct(ann, bob), ann))).message.conversation_id
    friends = await create(log, group(ann, bob))
    assert conversations.known(friends.id) is None
    assert conversations.known_direct(ann.id, bob.id) is None

    assert await conversations.get(friends.id) == conversations.known(friends.id)
    await conversations.direct(bob.id, ann.id)
    both = (conversations.known_direct(ann.id, bob.id), conversations.known_direct(bob.id, ann.id))
    assert [each and each.id for each in both] == [talk, talk]

    await alter(log, friends, MemberAdded(eve.id, Role.MEMBER))
    assert conversations.known(friends.id) is None


async def test_what_is_not_there_is_asked_for_again(
    conversations: CachedConversations, store: SlowConversations, people: list[User]
) -> None:
    ann, bob, _ = people
    for _ in range(2):
        assert await conversations.get(ConversationId("none")) is None
        assert await conversations.direct(ann.id, bob.id) is None
    assert store.asked == 4


async def test_a_change_from_here_is_seen_at_once(
    conversations: CachedConversations, log: CacheTellingLog, people: list[User]
) -> None:
    friends = await create(log, group(*people))
    for change in (
        TitleChanged("New"),
        MemberRemoved(people[2].id),
        MemberAdded(people[2].id, Role.ADMIN),
    ):
        assert await conversations.get(friends.id) == friends
        friends = await alter(log, friends, change)
    assert await conversations.get(friends.id) == friends


async def test_a_change_from_elsewhere_is_seen_once_a_draft_was_stale(
    conversations: CachedConversations,
    log: CacheTellingLog,
    elsewhere: Log,
    people: list[User],
) -> None:
    friends = await create(log, group(*people))
    known = await conversations.get(friends.id)
    changed = await alter(elsewhere, friends, TitleChanged("New"))

    assert await conversations.get(friends.id) == known == friends
    with pytest.raises(Stale):
        await log.append(draft(friends, people[0]))
    assert await conversations.get(friends.id) == changed


async def test_what_was_read_before_a_change_and_answered_after_it_is_not_kept(
    conversations: CachedConversations,
    store: SlowConversations,
    log: CacheTellingLog,
    people: list[User],
) -> None:
    friends = await create(log, group(*people))
    store.may_answer.clear()
    reading = asyncio.create_task(conversations.get(friends.id))
    while not store.asked:  # noqa: ASYNC110 - the task above
        await asyncio.sleep(0)
    changed = await alter(log, friends, TitleChanged("New"))
    store.may_answer.set()

    assert await reading == friends
    assert await conversations.get(friends.id) == changed


async def test_as_many_are_kept_as_there_is_room_for(
    conversations: CachedConversations,
    store: SlowConversations,
    log: CacheTellingLog,
    people: list[User],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("chat_core.memory.caching.MOST_MEMBERS", 6)
    groups = [await create(log, group(*people)) for _ in range(3)]
    for each in [*groups, groups[2], groups[1], groups[0], groups[2]]:
        assert await conversations.get(each.id) == each
    # The first was dropped for the third, and the second for the first.
    assert store.asked == 4


async def test_a_block_is_asked_for_again_after_a_while(
    blocks: CachedBlocks, counting: CountingBlocks, clock: ManualClock
) -> None:
    ann, bob = UserId("ann"), UserId("bob")
    assert blocks.known_between(ann, bob) is None
    for _ in range(3):
        assert not await blocks.between(ann, bob)
        assert not await blocks.between(bob, ann)
    assert counting.asked == 1
    assert blocks.known_between(bob, ann) is False

    await counting.block(bob, ann, at(0))  # by another process
    assert not await blocks.between(ann, bob)
    clock.advance(BLOCK_SECONDS)
    assert blocks.known_between(ann, bob) is None
    assert await blocks.between(ann, bob)
    assert counting.asked == 2


async def test_a_block_from_here_is_known_at_once(blocks: CachedBlocks) -> None:
    ann, bob = UserId("ann"), UserId("bob")
    for change, blocked in (
        (blocks.block(ann, bob, at(0)), True),
        (blocks.unblock(ann, bob), False),
    ):
        await change
        assert await blocks.between(bob, ann) is blocked
