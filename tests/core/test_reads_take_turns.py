"""Every call that reads a list is admitted by `FairQueue`, and reads in turns."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from chat_core import ConversationId, SyncRequest, ToUser, User, UserId
from chat_core.bodies import Body
from chat_core.errors import ChatError, RateLimited
from chat_core.services.conversations import NewGroup
from chat_core.services.fair_queue import CALLS_AT_ONCE, PATIENCE_SECONDS
from tests.support.engine import Engine, actor

Read = Callable[[Engine, UserId, ConversationId], Awaitable[object]]

READS: dict[str, Read] = {
    "conversations": lambda chat, user, _: chat.conversations.list(user),
    "one conversation": lambda chat, user, of: chat.conversations.get(user, of),
    "members": lambda chat, user, of: chat.conversations.members(user, of),
    "history": lambda chat, user, of: chat.conversations.history(user, of),
    "sync": lambda chat, user, of: chat.synchronising.sync(user, SyncRequest({of: 0}, others=True)),
    "search": lambda chat, user, _: chat.accounts.search("", asker_id=user, after=None, limit=9),
    "users by id": lambda chat, user, _: chat.accounts.get_many([user], asker_id=user),
    "blocks": lambda chat, user, _: chat.blocking.list(user, after=None, limit=9),
    "sessions": lambda chat, user, _: chat.sessions.list(user),
}
every_read = pytest.mark.parametrize("read", READS.values(), ids=READS.keys())


@pytest.fixture
async def friends(chat: Engine, ann: User, bob: User) -> ConversationId:
    await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
    opened = await chat.conversations.create_group(actor(ann), NewGroup("Friends", [bob.id]))
    return opened.overview.id


async def settled() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


@every_read
async def test_one_more_than_a_user_may_have_at_once_waits_and_is_refused(
    chat: Engine, ann: User, bob: User, friends: ConversationId, read: Read
) -> None:
    async with AsyncExitStack() as held:
        for _ in range(CALLS_AT_ONCE):
            await held.enter_async_context(chat.conversations.reads.call(ann.id))
        await read(chat, bob.id, friends)
        asked = asyncio.ensure_future(read(chat, ann.id, friends))
        await settled()
        assert not asked.done()
        chat.clock.advance(PATIENCE_SECONDS)
        with pytest.raises(RateLimited):
            await asked
    await read(chat, ann.id, friends)
    assert chat.conversations.reads.users == 0


@every_read
async def test_a_read_waits_for_its_users_turn(
    chat: Engine, ann: User, bob: User, friends: ConversationId, read: Read
) -> None:
    async with chat.conversations.reads.call(ann.id) as turn:
        async with turn:
            asked = asyncio.ensure_future(read(chat, ann.id, friends))
            await settled()
            assert not asked.done()
            await read(chat, bob.id, friends)
        await asked


@every_read
async def test_a_read_that_is_refused_or_cancelled_holds_nothing(
    chat: Engine, ann: User, friends: ConversationId, read: Read
) -> None:
    async with chat.conversations.reads.call(ann.id) as turn, turn:
        asked = asyncio.ensure_future(read(chat, ann.id, friends))
        await settled()
        asked.cancel()
        await asyncio.wait([asked])
    try:
        await read(chat, UserId("a stranger"), friends)
    except ChatError as error:
        assert error.code == "not_found"
    await read(chat, ann.id, friends)
    assert chat.conversations.reads.users == 0


async def test_what_changes_something_never_waits_for_reads(
    chat: Engine, ann: User, bob: User, friends: ConversationId
) -> None:
    async with chat.conversations.reads.call(ann.id) as turn, turn:
        await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
        await chat.conversations.change_title(actor(ann), friends, "Others")
        await chat.conversations.create_group(actor(ann), NewGroup("Others", []))
        await chat.receipts.mark_read(actor(ann), friends, 1)
