"""What another process allows is allowed here at once, though what is remembered says no."""

from dataclasses import replace

import pytest

from chat_core import Conversation, ConversationId, Messaging, ToConversation, ToUser, User
from chat_core.bodies import Body
from chat_core.conversations import MemberAdded, MemberRemoved, Role, RoleChanged
from chat_core.errors import Blocked, Forbidden, NotFound
from chat_core.memory import CachedBlocks, CachedConversations, RecordingNotifier
from chat_core.services.receipts import Receipts, Typing
from chat_core.testing.makers import alter, create, group, say
from tests.support.engine import Engine, actor


@pytest.fixture
def cache(chat: Engine) -> CachedConversations:
    """What this process remembers; the log of `chat` is another's, and tells it nothing."""
    return CachedConversations(chat.stores.conversations)


@pytest.fixture
def messaging(chat: Engine, cache: CachedConversations) -> Messaging:
    blocks = CachedBlocks(chat.stores.blocks, chat.clock)
    return replace(chat.messaging, conversations=cache, blocks=blocks)


@pytest.fixture
async def friends(
    chat: Engine, cache: CachedConversations, ann: User, bob: User, eve: User
) -> Conversation:
    """A group of Ann and Bob, remembered without Eve, who was added since."""
    made = await create(chat.stores.log, group(ann, bob))
    assert await cache.get(made.id) == made
    return await alter(chat.stores.log, made, MemberAdded(eve.id, Role.MEMBER))


def remembered(cache: CachedConversations, conversation_id: ConversationId) -> int | None:
    """The revision that is remembered."""
    known = cache.known(conversation_id)
    return None if known is None else known.revision


async def test_a_new_member_may_send(
    messaging: Messaging, cache: CachedConversations, eve: User, friends: Conversation
) -> None:
    sent = await messaging.send(actor(eve), ToConversation(friends.id), Body("hello"), None)
    assert sent.message.seq == 3
    assert remembered(cache, friends.id) == friends.revision


async def test_a_new_member_may_edit_and_delete_what_they_said_elsewhere(
    chat: Engine,
    messaging: Messaging,
    eve: User,
    friends: Conversation,
) -> None:
    (said,) = await say(chat.stores.log, friends, eve, "helo")
    assert (await messaging.edit(actor(eve), said.id, "hello")).text == "hello"
    assert (await messaging.delete(actor(eve), said.id)).deleted_at


async def test_a_new_admin_may_delete_what_others_said(
    chat: Engine,
    messaging: Messaging,
    cache: CachedConversations,
    ann: User,
    bob: User,
    friends: Conversation,
) -> None:
    (said,) = await say(chat.stores.log, friends, ann, "hello")
    assert await cache.fresh(friends.id) == friends
    await alter(chat.stores.log, friends, RoleChanged(bob.id, Role.ADMIN))
    assert (await messaging.delete(actor(bob), said.id)).deleted_at


async def test_a_new_member_may_mark(
    chat: Engine, cache: CachedConversations, eve: User, friends: Conversation
) -> None:
    receipts = Receipts(cache, chat.stores.receipts, RecordingNotifier())
    receipt = await receipts.mark_read(actor(eve), friends.id, 2)
    assert (receipt.user_id, receipt.read_seq) == (eve.id, 2)


async def test_a_new_member_may_type(
    chat: Engine, cache: CachedConversations, ann: User, eve: User, friends: Conversation
) -> None:
    notifier, messaging = RecordingNotifier(), chat.messaging
    typing = Typing(cache, notifier, chat.clock, messaging.limiter, messaging.limits.rate)
    await typing.set(actor(eve), friends.id, typing=True)
    (told,) = notifier.notifications
    assert ann.id in told.audience


async def test_an_unblock_elsewhere_lets_send_at_once(
    chat: Engine, messaging: Messaging, ann: User, bob: User
) -> None:
    await messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
    await messaging.blocks.block(bob.id, ann.id, chat.clock.now())
    with pytest.raises(Blocked):
        await messaging.send(actor(ann), ToUser(bob.id), Body("again"), None)
    await chat.stores.blocks.unblock(bob.id, ann.id)
    assert (await messaging.send(actor(ann), ToUser(bob.id), Body("again"), None)).message.seq == 2


async def test_what_is_still_forbidden_is_refused(
    chat: Engine,
    messaging: Messaging,
    cache: CachedConversations,
    ann: User,
    bob: User,
    eve: User,
    friends: Conversation,
) -> None:
    (said,) = await say(chat.stores.log, friends, ann, "hello")
    with pytest.raises(Forbidden):
        await messaging.delete(actor(bob), said.id)
    without = await alter(chat.stores.log, friends, MemberRemoved(eve.id))
    assert await cache.fresh(friends.id) == without
    with pytest.raises(NotFound):
        await messaging.send(actor(eve), ToConversation(friends.id), Body("hello"), None)
    with pytest.raises(NotFound):
        await messaging.edit(actor(eve), said.id, "Hello")
    with pytest.raises(NotFound):
        await Receipts(cache, chat.stores.receipts, RecordingNotifier()).mark_read(
            actor(eve), friends.id, 1
        )
