"""Sending where all that a message is judged on is remembered: it has its place at once."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from chat_core import (
    ConversationId,
    Limit,
    MessageLimits,
    Messaging,
    Recipient,
    ToConversation,
    ToUser,
    User,
)
from chat_core.bodies import Body
from chat_core.conversations import Conversation, MemberDeleted, TitleChanged
from chat_core.errors import Blocked, NotFound, RateLimited, RecipientNotFound
from chat_core.memory import CachedBlocks, CachedConversations, CacheTellingLog, MemoryRateLimiter
from chat_core.ports.limits import RateLimiter
from chat_core.ports.log import Appended, Done, Draft, Stale, resolve
from chat_core.sessions import Actor
from chat_core.testing.makers import alter, create, group
from tests.support.engine import CONTENT_BYTES, Engine, actor
from tests.support.stale import StaleLog


@pytest.fixture
def cache(chat: Engine) -> CachedConversations:
    return CachedConversations(chat.stores.conversations)


@pytest.fixture
def messaging(chat: Engine, cache: CachedConversations) -> Messaging:
    """Remembers conversations, and who has blocked whom."""
    return replace(
        chat.messaging,
        conversations=cache,
        log=CacheTellingLog(chat.stores.log, cache),
        blocks=CachedBlocks(chat.stores.blocks, chat.clock),
    )


@pytest.fixture
async def between(messaging: Messaging, ann: User, bob: User) -> ConversationId:
    """The conversation of Ann and Bob, as they have just written to each other."""
    for sender, other in ((ann, bob), (bob, ann)):
        sent = await messaging.send(actor(sender), ToUser(other.id), Body("hello"), None)
    return sent.message.conversation_id


@pytest.fixture
async def friends(chat: Engine, messaging: Messaging, ann: User, bob: User) -> Conversation:
    """A group to which Ann has just written."""
    made = await create(chat.stores.log, group(ann, bob))
    await messaging.send(actor(ann), ToConversation(made.id), Body("hello"), None)
    return made


@dataclass(slots=True)
class Sending:
    """A message that was submitted."""

    waiting: Coroutine[Any, Any, None] | None
    outcome: "asyncio.Future[Appended]"

    @property
    def has_its_place(self) -> bool:
        return self.waiting is None

    async def sent(self) -> Appended:
        if self.waiting is not None:
            await self.waiting
        return await self.outcome


def submit(messaging: Messaging, by: Actor, to: Recipient, content: str = "again") -> Sending:
    outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
    waiting = messaging.submit(by, to, Body(content), None, partial(resolve, outcome))
    return Sending(waiting, outcome)


async def test_in_a_remembered_conversation_a_message_has_its_place_at_once(
    messaging: Messaging, ann: User, bob: User, between: ConversationId, friends: Conversation
) -> None:
    for seq, to in ((3, ToUser(bob.id)), (4, ToConversation(between))):
        sending = submit(messaging, actor(ann), to)
        assert sending.has_its_place
        assert (await sending.sent()).message.seq == seq
    sending = submit(messaging, actor(bob), ToConversation(friends.id))
    assert sending.has_its_place
    assert (await sending.sent()).message.conversation_id == friends.id


async def test_in_another_one_it_is_read_first(
    chat: Engine, messaging: Messaging, ann: User, bob: User, eve: User
) -> None:
    unread = await create(chat.stores.log, group(ann, bob))
    for to in (ToUser(eve.id), ToConversation(unread.id)):
        sending = submit(messaging, actor(ann), to)
        assert not sending.has_its_place
        await sending.sent()


async def test_a_remembered_conversation_is_still_none_for_others(
    messaging: Messaging, eve: User, between: ConversationId, friends: Conversation
) -> None:
    for each in (between, friends.id):
        sending = submit(messaging, actor(eve), ToConversation(each))
        assert not sending.has_its_place
        with pytest.raises(NotFound):
            await sending.sent()


async def test_as_long_as_it_is_not_known_that_nobody_is_blocked_it_is_asked_for(
    chat: Engine, messaging: Messaging, ann: User, bob: User, between: ConversationId
) -> None:
    blocks = CachedBlocks(chat.stores.blocks, chat.clock)
    messaging = replace(messaging, blocks=blocks)
    sending = submit(messaging, actor(ann), ToUser(bob.id))
    assert not sending.has_its_place
    await sending.sent()
    assert submit(messaging, actor(ann), ToUser(bob.id)).has_its_place

    await blocks.block(bob.id, ann.id, chat.clock.now())
    for _ in range(2):
        sending = submit(messaging, actor(ann), ToUser(bob.id))
        assert not sending.has_its_place
        with pytest.raises(Blocked):
            await sending.sent()


async def test_to_a_remembered_account_that_is_gone_nothing_is_sent(
    chat: Engine,
    messaging: Messaging,
    cache: CachedConversations,
    ann: User,
    bob: User,
    between: ConversationId,
) -> None:
    stored = await chat.stores.conversations.get(between)
    assert stored is not None
    await alter(messaging.log, stored, MemberDeleted(bob.id), by=bob)
    cache.forget(between, stored.members)
    assert await cache.direct(ann.id, bob.id)

    sending = submit(messaging, actor(ann), ToUser(bob.id))
    assert not sending.has_its_place
    with pytest.raises(RecipientNotFound):
        await sending.sent()


@dataclass(slots=True)
class HoldingLog(StaleLog):
    """Keeps drafts back until they are found stale."""

    held: list[Done] = field(default_factory=list)

    def submit(self, draft: Draft, done: Done) -> None:
        if self.asked < self.times:
            self.asked += 1
            self.held.append(done)
        else:
            self.log.submit(draft, done)


async def test_behind_one_that_was_judged_on_less_it_waits(
    chat: Engine, messaging: Messaging, cache: CachedConversations, ann: User, friends: Conversation
) -> None:
    log = HoldingLog(messaging.log, times=1)
    messaging = replace(messaging, log=log)
    phone, to = actor(ann, "phone"), ToConversation(friends.id)
    first = submit(messaging, phone, to, "one")
    await alter(chat.stores.log, friends, TitleChanged("New"))
    cache.forget(friends.id, friends.members)
    assert await cache.get(friends.id)

    second = submit(messaging, phone, to, "two")
    assert (first.has_its_place, second.has_its_place) == (True, False)
    assert submit(messaging, actor(ann, "laptop"), to).has_its_place
    both = asyncio.gather(first.sent(), second.sent())
    log.held[0](Stale())
    one, two = await both
    assert one.message.seq < two.message.seq


@dataclass(slots=True)
class AskingLimiter(RateLimiter):
    """Has to ask before it can count, as one does that processes share."""

    limiter: MemoryRateLimiter
    taken: list[tuple[Limit, str]] = field(default_factory=list)

    async def take(self, limit: Limit, key: str, count: int = 1) -> None:
        self.taken.append((limit, key))
        await self.limiter.take(limit, key, count)

    async def give_back(self, limit: Limit, key: str, count: int = 1) -> None:
        await self.limiter.give_back(limit, key, count)


async def test_where_counting_has_to_wait_the_message_waits_and_is_counted_once(
    chat: Engine, messaging: Messaging, ann: User, bob: User, between: ConversationId
) -> None:
    limiter, rate = AskingLimiter(MemoryRateLimiter(chat.clock)), Limit("one", 1, 3600)
    limits = MessageLimits(CONTENT_BYTES, rate)
    messaging = replace(messaging, limiter=limiter, limits=limits)
    sending = submit(messaging, actor(ann), ToUser(bob.id))
    assert not sending.has_its_place
    assert (await sending.sent()).message.seq == 3

    with pytest.raises(RateLimited):
        await submit(messaging, actor(ann), ToUser(bob.id)).sent()
    assert limiter.taken == [(rate, ann.id)] * 2
