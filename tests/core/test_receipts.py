from dataclasses import replace

import pytest

from chat_core import ConversationId, Limit, Message, ToUser, User
from chat_core.bodies import Body
from chat_core.conversations import RECEIPTS_UP_TO, Receipt
from chat_core.errors import Invalid, NotFound
from chat_core.events import ReceiptMoved, TypingChanged
from chat_core.memory import MemoryRateLimiter
from chat_core.memory.notifications import Notification
from chat_core.services.conversations import NewGroup
from chat_core.services.receipts import TYPING_SECONDS
from tests.support.engine import Engine, actor


@pytest.fixture
async def between(chat: Engine, ann: User, bob: User) -> ConversationId:
    """Five messages of Ann's to Bob, and nothing told of them."""
    sent: list[Message] = [
        (await chat.messaging.send(actor(ann), ToUser(bob.id), Body(f"{n}"), None)).message
        for n in range(5)
    ]
    chat.notifier.notifications.clear()
    return sent[0].conversation_id


async def test_a_receipt_is_told_to_all_but_the_connection_that_it_came_from(
    chat: Engine, ann: User, bob: User, between: ConversationId
) -> None:
    delivered = await chat.receipts.mark_delivered(actor(bob, "phone"), between, 4)
    read = await chat.receipts.mark_read(actor(bob), between, 2)

    assert (delivered, read) == (Receipt(bob.id, 4, 0), Receipt(bob.id, 4, 2))
    assert chat.notifier.notifications == [
        Notification(
            ReceiptMoved(between, bob.id, 4, 0),
            frozenset({ann.id, bob.id}),
            actor(bob, "phone").connection_id,
        ),
        Notification(ReceiptMoved(between, bob.id, 4, 2), frozenset({ann.id, bob.id}), None),
    ]


async def test_what_moves_nothing_is_answered_and_not_told(
    chat: Engine, bob: User, between: ConversationId
) -> None:
    await chat.receipts.mark_read(actor(bob), between, 3)
    for seq in (0, 2, 3):
        assert await chat.receipts.mark_read(actor(bob), between, seq) == Receipt(bob.id, 3, 3)
        assert await chat.receipts.mark_delivered(actor(bob), between, seq) == Receipt(bob.id, 3, 3)

    assert chat.sent() == 1


async def test_past_the_end_counts_as_the_end(
    chat: Engine, bob: User, between: ConversationId
) -> None:
    assert await chat.receipts.mark_read(actor(bob), between, 2**63 - 1) == Receipt(bob.id, 5, 5)
    overview = await chat.conversations.get(bob.id, between)
    assert (overview.standing.read_seq, overview.standing.unread_count) == (5, 0)


@pytest.mark.parametrize("seq", [-1, -(2**63)])
async def test_a_place_that_cannot_be_is_invalid(
    chat: Engine, bob: User, between: ConversationId, seq: int
) -> None:
    for mark in (chat.receipts.mark_read, chat.receipts.mark_delivered):
        with pytest.raises(Invalid) as caught:
            await mark(actor(bob), between, seq)
        assert [each.field for each in caught.value.errors] == ["seq"]


async def test_whoever_is_no_member_has_nothing_to_mark_or_type(
    chat: Engine, ann: User, eve: User, between: ConversationId
) -> None:
    for user, conversation_id in ((eve, between), (ann, ConversationId("unknown"))):
        with pytest.raises(NotFound):
            await chat.receipts.mark_read(actor(user), conversation_id, 1)
        with pytest.raises(NotFound):
            await chat.typing.set(actor(user), conversation_id, typing=True)
    assert chat.sent() == 0


@pytest.mark.parametrize("members", [RECEIPTS_UP_TO, RECEIPTS_UP_TO + 1])
async def test_in_a_large_group_receipts_are_told_to_ones_own_devices_only(
    chat: Engine, ann: User, members: int
) -> None:
    others = [(await chat.user(f"user{n}")).id for n in range(members - 1)]
    opened = await chat.conversations.create_group(actor(ann), NewGroup("Many", others))
    await chat.receipts.mark_read(actor(ann), opened.overview.id, 1)

    told = chat.notifier.notifications[-1]
    assert isinstance(told.event, ReceiptMoved)
    assert told.audience == ({ann.id, *others} if members <= RECEIPTS_UP_TO else {ann.id})


# typing


def typed(chat: Engine) -> list[bool]:
    return [event.typing for event in chat.notifier.events() if isinstance(event, TypingChanged)]


async def test_the_others_are_told_who_types_and_who_stopped(
    chat: Engine, ann: User, bob: User, between: ConversationId
) -> None:
    await chat.typing.set(actor(ann, "phone"), between, typing=True)
    await chat.typing.set(actor(ann, "laptop"), between, typing=False)

    others = frozenset({bob.id})
    assert chat.notifier.notifications == [
        Notification(TypingChanged(between, ann.id, typing=True), others, None),
        Notification(TypingChanged(between, ann.id, typing=False), others, None),
    ]
    chat.clock.advance(2 * TYPING_SECONDS)
    assert chat.sent() == 2


async def test_typing_ends_by_itself_without_a_renewal(
    chat: Engine, ann: User, between: ConversationId
) -> None:
    await chat.typing.set(actor(ann), between, typing=True)
    chat.clock.advance(TYPING_SECONDS - 0.001)
    assert typed(chat) == [True]
    chat.clock.advance(0.001)
    assert typed(chat) == [True, False]
    await chat.typing.set(actor(ann), between, typing=True)
    assert typed(chat) == [True, False, True]


async def test_a_renewal_is_not_told_and_puts_the_end_off(
    chat: Engine, ann: User, between: ConversationId
) -> None:
    for _ in range(3):
        await chat.typing.set(actor(ann), between, typing=True)
        chat.clock.advance(TYPING_SECONDS - 0.001)
    assert typed(chat) == [True]
    chat.clock.advance(0.001)
    assert typed(chat) == [True, False]


async def test_to_stop_what_was_not_begun_is_not_told(
    chat: Engine, ann: User, bob: User, between: ConversationId
) -> None:
    await chat.typing.set(actor(bob), between, typing=True)
    for _ in range(2):
        await chat.typing.set(actor(ann), between, typing=False)

    assert typed(chat) == [True]
    assert chat.clock.waiting == 1


async def test_past_the_rate_nobody_is_shown_to_type_and_what_was_shown_ends(
    chat: Engine, ann: User, bob: User, between: ConversationId
) -> None:
    rate = Limit("typing", 2, 10)
    typing = replace(chat.typing, limiter=MemoryRateLimiter(chat.clock), rate=rate)
    for _ in range(5):
        for now in (True, True, False, False):
            await typing.set(actor(ann), between, typing=now)
    began = TypingChanged(between, ann.id, typing=True)
    ended = TypingChanged(between, ann.id, typing=False)
    assert chat.notifier.events() == [began, ended] * 2

    await typing.set(actor(bob), between, typing=True)
    chat.clock.advance(5)
    for now in (True, True, False):
        await typing.set(actor(ann), between, typing=now)
    assert chat.notifier.events()[5:] == [began, ended]
