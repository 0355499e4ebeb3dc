from dataclasses import replace

import pytest

from chat_core import (
    ConversationId,
    Limit,
    Message,
    MessageId,
    MessageLimits,
    Role,
    ToConversation,
    ToUser,
    User,
)
from chat_core.bodies import Body
from chat_core.conversations import RoleChanged
from chat_core.errors import (
    Blocked,
    ClientIdConflict,
    Forbidden,
    Invalid,
    NotFound,
    Overloaded,
    RateLimited,
    RecipientNotFound,
)
from chat_core.events import MessageUpdated
from chat_core.services.conversations import NewGroup
from chat_core.services.messaging import ATTEMPTS
from chat_core.testing.makers import at
from tests.support.engine import ADDRESS, CONTENT_BYTES, PASSWORD, Engine, actor
from tests.support.stale import StaleLog


@pytest.fixture
async def said(chat: Engine, ann: User, bob: User) -> Message:
    """What Ann said to Bob."""
    return (await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), "c1")).message


@pytest.fixture
async def friends(chat: Engine, ann: User, bob: User, eve: User) -> ConversationId:
    """A group that Ann made, with Bob and Eve."""
    opened = await chat.conversations.create_group(
        actor(ann), NewGroup("Friends", [bob.id, eve.id])
    )
    return opened.overview.id


async def test_an_edit_is_a_new_entry_that_is_told_to_the_members(
    chat: Engine, ann: User, bob: User, said: Message
) -> None:
    chat.clock.advance(3)
    edited = await chat.messaging.edit(actor(ann, "phone"), said.id, "Hello")

    assert edited == replace(said, body=Body("Hello"), updated_seq=2, edited_at=at(3))
    told = chat.notifier.notifications[1]
    assert told.event == MessageUpdated(2, edited)
    assert (set(told.audience), str(told.cause)) == ({ann.id, bob.id}, "phone")


async def test_an_edit_keeps_what_a_newer_version_said_beside_the_text(
    chat: Engine, ann: User, bob: User
) -> None:
    body = Body("hello", {"replyToId": "m"})
    sent = await chat.messaging.send(actor(ann), ToUser(bob.id), body, None)
    edited = await chat.messaging.edit(actor(ann), sent.message.id, "Hello")

    assert edited.body == Body("Hello", {"replyToId": "m"})


async def test_a_deletion_takes_the_content_away_and_keeps_the_place(
    chat: Engine, ann: User, said: Message
) -> None:
    chat.clock.advance(3)
    deleted = await chat.messaging.delete(actor(ann), said.id)

    assert deleted == replace(said, body=None, updated_seq=2, deleted_at=at(3))
    assert chat.notifier.events()[1] == MessageUpdated(2, deleted)


async def test_nothing_new_to_say_adds_no_entry(chat: Engine, ann: User, said: Message) -> None:
    assert await chat.messaging.edit(actor(ann), said.id, "hello") == said
    deleted = await chat.messaging.delete(actor(ann), said.id)
    chat.clock.advance(3)
    assert await chat.messaging.delete(actor(ann), said.id) == deleted

    assert chat.sent() == 2


async def test_only_the_sender_edits_and_a_deleted_message_is_not_edited(
    chat: Engine, ann: User, bob: User, eve: User, said: Message
) -> None:
    for user, error in ((bob, Forbidden), (eve, NotFound)):
        with pytest.raises(error):
            await chat.messaging.edit(actor(user), said.id, "Hello")
        with pytest.raises(error):
            await chat.messaging.delete(actor(user), said.id)
    for content in ("", "x" * (CONTENT_BYTES + 1), "\0"):
        with pytest.raises(Invalid):
            await chat.messaging.edit(actor(ann), said.id, content)
    with pytest.raises(NotFound):
        await chat.messaging.edit(actor(ann), MessageId("unknown"), "Hello")
    with pytest.raises(NotFound):
        await chat.messaging.delete(actor(ann), MessageId("unknown"))
    await chat.messaging.delete(actor(ann), said.id)
    with pytest.raises(Invalid):
        await chat.messaging.edit(actor(ann), said.id, "Hello")

    assert chat.sent() == 2


async def test_an_admin_deletes_what_others_said(
    chat: Engine, ann: User, bob: User, eve: User, friends: ConversationId
) -> None:
    sent = await chat.messaging.send(actor(eve), ToConversation(friends), Body("spam"), None)
    with pytest.raises(Forbidden):
        await chat.messaging.delete(actor(bob), sent.message.id)
    await chat.conversations.change_role(actor(ann), friends, RoleChanged(bob.id, Role.ADMIN))

    assert (await chat.messaging.delete(actor(bob), sent.message.id)).text is None


async def test_edits_and_deletions_count_as_messages(
    chat: Engine, ann: User, said: Message
) -> None:
    limits = MessageLimits(CONTENT_BYTES, Limit("three", 3, 1))
    messaging = replace(chat.messaging, limits=limits)
    await messaging.edit(actor(ann), said.id, "1")
    await messaging.edit(actor(ann), said.id, "2")
    await messaging.delete(actor(ann), said.id)
    with pytest.raises(RateLimited):
        await messaging.delete(actor(ann), said.id)
    with pytest.raises(RateLimited):
        await messaging.edit(actor(ann), said.id, "3")


async def test_a_message_that_changed_meanwhile_is_judged_again_and_given_up_in_the_end(
    chat: Engine, ann: User, said: Message
) -> None:
    slow = replace(chat.messaging, log=StaleLog(chat.stores.log, ATTEMPTS - 1))
    assert (await slow.edit(actor(ann), said.id, "Hello")).text == "Hello"
    slow = replace(chat.messaging, log=StaleLog(chat.stores.log, ATTEMPTS))
    with pytest.raises(Overloaded):
        await slow.edit(actor(ann), said.id, "HELLO")
    slow = replace(chat.messaging, log=StaleLog(chat.stores.log, ATTEMPTS))
    with pytest.raises(Overloaded):
        await slow.delete(actor(ann), said.id)
    slow = replace(chat.messaging, log=StaleLog(chat.stores.log, ATTEMPTS - 1))
    assert (await slow.delete(actor(ann), said.id)).text is None


# repeats, whatever has changed since


async def test_a_repeat_is_answered_to_whoever_was_removed_since(
    chat: Engine, ann: User, bob: User, friends: ConversationId
) -> None:
    to = ToConversation(friends)
    sent = await chat.messaging.send(actor(bob), to, Body("hello"), "c1")
    await chat.conversations.remove_member(actor(ann), friends, bob.id)

    again = await chat.messaging.send(actor(bob), to, Body("hello"), "c1")
    assert (again.message, again.duplicate) == (sent.message, True)
    for content, client_id in (("Hello", "c1"), ("hello", "c2"), ("hello", None)):
        with pytest.raises(NotFound):
            await chat.messaging.send(actor(bob), to, Body(content), client_id)


async def test_a_repeat_is_answered_to_whoever_was_blocked_since(
    chat: Engine, ann: User, bob: User, said: Message
) -> None:
    await chat.blocking.block(bob.id, ann.id)

    again = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), "c1")
    assert (again.message, again.duplicate) == (said, True)
    for sender, recipient in ((ann, bob), (bob, ann)):
        with pytest.raises(Blocked):
            await chat.messaging.send(actor(sender), ToUser(recipient.id), Body("hello"), "c2")
    with pytest.raises(Blocked):
        await chat.messaging.send(actor(ann), ToUser(bob.id), Body("Hello"), "c1")


async def test_a_repeat_is_answered_though_the_recipients_account_is_gone(
    chat: Engine, ann: User, bob: User, said: Message
) -> None:
    await chat.erasure.delete_own(actor(bob), PASSWORD, ADDRESS)

    again = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), "c1")
    assert (again.message, again.duplicate) == (said, True)
    with pytest.raises(RecipientNotFound):
        await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), "c2")


async def test_a_repeat_of_an_edited_message_is_the_message_as_it_is_now(
    chat: Engine, ann: User, bob: User, said: Message
) -> None:
    edited = await chat.messaging.edit(actor(ann), said.id, "Hello")

    again = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), "c1")
    assert (again.message, again.duplicate) == (edited, True)
    with pytest.raises(ClientIdConflict):
        await chat.messaging.send(actor(ann), ToUser(bob.id), Body("Hello"), "c1")


async def test_a_block_leaves_groups_and_what_was_said_alone(
    chat: Engine, ann: User, bob: User, said: Message, friends: ConversationId
) -> None:
    await chat.blocking.block(bob.id, ann.id)
    await chat.messaging.send(actor(ann), ToConversation(friends), Body("hello"), None)
    history = await chat.conversations.history(
        bob.id, said.conversation_id, before=None, after=None, limit=9
    )
    assert list(history.items) == [said]

    await chat.blocking.unblock(bob.id, ann.id)
    await chat.messaging.send(actor(ann), ToUser(bob.id), Body("again"), None)
