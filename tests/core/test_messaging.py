from contextlib import suppress
from dataclasses import replace

import pytest

from chat_core import (
    ConversationId,
    Limit,
    Message,
    MessageLimits,
    MessageSent,
    Recipient,
    ToConversation,
    ToUser,
    User,
    UserId,
)
from chat_core.bodies import Body
from chat_core.errors import (
    Blocked,
    ChatError,
    ClientIdConflict,
    Invalid,
    NotFound,
    Overloaded,
    RateLimited,
    RecipientNotFound,
    Unavailable,
)
from chat_core.ports.log import (
    Appended,
    CreationDraft,
    Done,
    Draft,
    MessageDraft,
)
from chat_core.services.messaging import ATTEMPTS
from chat_core.testing.makers import at
from tests.support.engine import CONTENT_BYTES, Engine, actor
from tests.support.stale import StaleLog


async def stored(chat: Engine, conversation_id: ConversationId) -> list[Message]:
    history = await chat.stores.reader.history(conversation_id, before=None, after=0, limit=200)
    return list(history.items)


async def test_the_first_message_to_a_user_makes_their_conversation(
    chat: Engine, ann: User, bob: User
) -> None:
    chat.clock.advance(3)
    sent = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), "c1")

    assert sent == Appended(
        MessageSent(
            Message(
                id=sent.message.id,
                conversation_id=sent.message.conversation_id,
                seq=1,
                updated_seq=1,
                sender_id=ann.id,
                recipient_id=bob.id,
                body=Body("hello"),
                client_message_id=sent.message.client_message_id,
                created_at=at(3),
            )
        ),
        duplicate=False,
    )
    assert sent.message.client_message_id == "c1"
    made = await chat.stores.conversations.get(sent.message.conversation_id)
    assert made is not None
    assert made.members.keys() == {ann.id, bob.id}
    assert made.created_at == at(3)


async def test_an_answer_by_user_or_by_conversation_takes_the_next_place(
    chat: Engine, ann: User, bob: User
) -> None:
    first = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("one"), None)
    between = first.message.conversation_id
    second = await chat.messaging.send(actor(bob), ToUser(ann.id), Body("two"), None)
    third = await chat.messaging.send(actor(ann), ToConversation(between), Body("three"), None)

    assert await stored(chat, between) == [first.message, second.message, third.message]
    assert [message.recipient_id for message in await stored(chat, between)] == [
        bob.id,
        ann.id,
        bob.id,
    ]


@pytest.mark.parametrize(
    ("content", "client_id", "field"),
    [
        ("", "c1", "content"),
        ("a\0", "c1", "content"),
        ("\ud800", "c1", "content"),
        ("x" * (CONTENT_BYTES + 1), "c1", "content"),
        ("\u20ac" * (CONTENT_BYTES // 3 + 1), "c1", "content"),
        ("hello", "", "clientMessageId"),
        ("hello", "x" * 65, "clientMessageId"),
        ("hello", "\0", "clientMessageId"),
    ],
)
async def test_a_message_that_is_not_valid_is_neither_stored_nor_counted(
    chat: Engine, ann: User, bob: User, content: str, client_id: str, field: str
) -> None:
    messaging = replace(chat.messaging, limits=MessageLimits(CONTENT_BYTES, Limit("one", 1, 3600)))
    for _ in range(2):
        with pytest.raises(Invalid) as caught:
            await messaging.send(actor(ann), ToUser(bob.id), Body(content), client_id)
        assert [each.field for each in caught.value.errors] == [field]

    assert await chat.stores.conversations.direct(ann.id, bob.id) is None
    await messaging.send(actor(ann), ToUser(bob.id), Body("hello"), "c1")


async def test_a_message_of_the_greatest_size_is_stored(chat: Engine, ann: User, bob: User) -> None:
    content = "\U0001f600" * (CONTENT_BYTES // 4)
    sent = await chat.messaging.send(actor(ann), ToUser(bob.id), Body(content), "x" * 64)

    assert sent.message.text == content


async def test_a_message_to_oneself_is_invalid(chat: Engine, ann: User) -> None:
    with pytest.raises(Invalid) as caught:
        await chat.messaging.send(actor(ann), ToUser(ann.id), Body("hello"), None)
    assert [each.field for each in caught.value.errors] == ["recipientId"]


async def test_an_unknown_recipient_is_not_found(chat: Engine, ann: User) -> None:
    with pytest.raises(RecipientNotFound):
        await chat.messaging.send(actor(ann), ToUser(UserId("unknown")), Body("hello"), None)


async def test_a_conversation_of_others_is_not_found_just_as_an_unknown_one(
    chat: Engine, ann: User, bob: User, eve: User
) -> None:
    sent = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
    refused = []
    for conversation_id in (sent.message.conversation_id, ConversationId("unknown")):
        with pytest.raises(NotFound) as caught:
            await chat.messaging.send(
                actor(eve), ToConversation(conversation_id), Body("psst"), None
            )
        refused.append((type(caught.value), caught.value.detail))

    assert refused[0] == refused[1]
    assert await stored(chat, sent.message.conversation_id) == [sent.message]
    assert chat.sent() == 1


async def test_each_user_may_send_so_many_and_no_more(chat: Engine, ann: User, bob: User) -> None:
    messaging = replace(chat.messaging, limits=MessageLimits(CONTENT_BYTES, Limit("two", 2, 1)))
    for number in range(2):
        await messaging.send(actor(ann, f"phone {number}"), ToUser(bob.id), Body("hello"), None)

    with pytest.raises(RateLimited) as caught:
        await messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
    assert caught.value.retry_after == pytest.approx(0.5)
    await messaging.send(actor(bob), ToUser(ann.id), Body("hello"), None)
    chat.clock.advance(0.5)
    await messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)


async def test_a_repeat_is_answered_with_the_first_message_and_notifies_no_one(
    chat: Engine, ann: User, bob: User
) -> None:
    first = await chat.messaging.send(actor(ann, "phone"), ToUser(bob.id), Body("hello"), "c1")
    between = first.message.conversation_id
    await chat.messaging.send(actor(bob), ToUser(ann.id), Body("hi"), "c1")
    chat.clock.advance(3600)
    to: list[Recipient] = [ToUser(bob.id), ToConversation(between)]
    for each in to:
        again = await chat.messaging.send(actor(ann, "laptop"), each, Body("hello"), "c1")
        assert again == Appended(MessageSent(first.message), duplicate=True)

    assert len(await stored(chat, between)) == 2
    assert chat.sent() == 2


async def test_a_client_id_that_was_used_for_something_else_is_a_conflict(
    chat: Engine, ann: User, bob: User, eve: User
) -> None:
    first = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), "c1")

    with pytest.raises(ClientIdConflict):
        await chat.messaging.send(actor(ann), ToUser(bob.id), Body("Hello"), "c1")
    with pytest.raises(ClientIdConflict):
        await chat.messaging.send(actor(ann), ToUser(eve.id), Body("hello"), "c1")
    assert await stored(chat, first.message.conversation_id) == [first.message]
    assert await chat.stores.conversations.direct(ann.id, eve.id) is None
    assert chat.sent() == 1


@pytest.mark.parametrize("times", [1, ATTEMPTS - 1])
async def test_a_conversation_that_changed_meanwhile_is_judged_again(
    chat: Engine, ann: User, bob: User, times: int
) -> None:
    log = StaleLog(chat.stores.log, times)
    messaging = replace(chat.messaging, log=log)
    sent = await messaging.send(actor(ann), ToUser(bob.id), Body("hello"), "c1")

    assert (sent.message.seq, sent.duplicate, log.asked) == (1, False, times + 1)
    assert await stored(chat, sent.message.conversation_id) == [sent.message]


async def test_a_conversation_that_changes_too_fast_is_given_up(
    chat: Engine, ann: User, bob: User
) -> None:
    log = StaleLog(chat.stores.log, ATTEMPTS)
    with pytest.raises(Overloaded):
        await replace(chat.messaging, log=log).send(actor(ann), ToUser(bob.id), Body("hello"), "c1")

    assert log.asked == ATTEMPTS
    assert await chat.stores.conversations.direct(ann.id, bob.id) is None
    assert chat.sent() == 0


class UnreachableLog(StaleLog):
    """Its store does not answer."""

    def submit(self, draft: Draft, done: Done) -> None:
        done(Unavailable())

    async def repeated(self, draft: MessageDraft | CreationDraft) -> Appended | None:
        raise AssertionError("the caller waits a second time")


async def test_a_store_that_does_not_answer_is_not_asked_for_a_repeat(
    chat: Engine, ann: User, bob: User
) -> None:
    log = UnreachableLog(chat.stores.log, 0)
    with pytest.raises(Unavailable):
        await replace(chat.messaging, log=log).send(actor(ann), ToUser(bob.id), Body("hello"), "c1")


async def test_what_came_of_messages_is_counted(
    chat: Engine, ann: User, bob: User, eve: User
) -> None:
    for content in ("hello", "hello", "hello", "Hello"):
        with suppress(ClientIdConflict):
            await chat.messaging.send(actor(ann), ToUser(bob.id), Body(content), "c1")
    await chat.messaging.send(actor(bob), ToUser(ann.id), Body("hi"), None)
    for to in (ToUser(UserId("unknown")), ToConversation(ConversationId("unknown"))):
        with pytest.raises(ChatError):
            await chat.messaging.send(actor(ann), to, Body("hello"), None)
    with pytest.raises(Invalid):
        await chat.messaging.send(actor(ann), ToUser(bob.id), Body(""), None)
    await chat.blocking.block(bob.id, eve.id)
    with pytest.raises(Blocked):
        await chat.messaging.send(actor(eve), ToUser(bob.id), Body("hello"), None)

    sent = chat.messaging.sent
    assert (sent.stored, sent.duplicate) == (2, 2)
    assert sent.refused == {"conflict": 1, "not_found": 2, "invalid": 1, "forbidden": 1}


async def test_a_mistake_of_the_program_is_counted_as_one(
    chat: Engine, ann: User, bob: User
) -> None:
    class BrokenLog(StaleLog):
        def submit(self, draft: Draft, done: Done) -> None:
            raise ZeroDivisionError

    broken = replace(chat.messaging, log=BrokenLog(chat.stores.log, 0))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            await broken.send(actor(ann), ToUser(bob.id), Body("hello"), None)

    assert broken.sent.refused == {"internal": 2}
