"""Pages end early at about 256 KiB, whatever list it is, and each has an item."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chat_core import Page, ToConversation, ToUser, User
from chat_core.bodies import Body
from chat_core.services.conversations import NewGroup
from chat_core.testing.makers import user
from chat_core.wire_sizes import PAGE_BYTES, BoundedItems, text_size
from chat_wire import shapes
from chat_wire.codec import encode
from tests.support.engine import CONTENT_BYTES, Engine, actor

LONGEST = "\x01" * CONTENT_BYTES
"""On the wire six times as long."""


def fits(size: int) -> bool:
    return size <= PAGE_BYTES


async def pages(ask: Callable[..., Awaitable[Page[Any, Any]]]) -> list[Page[Any, Any]]:
    """Every page of a list."""
    found = [await ask(after=None)]
    while found[-1].next is not None:
        found.append(await ask(after=found[-1].next))
        assert found[-1].items
    return found


@pytest.mark.parametrize("after", [None, 0])
async def test_a_history_ends_early_and_goes_on_where_it_ended(
    chat: Engine, ann: User, bob: User, after: int | None
) -> None:
    for _ in range(30):
        sent = await chat.messaging.send(actor(ann), ToUser(bob.id), Body(LONGEST), None)
    before, seqs, parts = None, list[int](), 0
    while True:
        history = await chat.conversations.history(
            bob.id, sent.message.conversation_id, before=before, after=after, limit=200
        )
        size = len(encode(shapes.History.of(history, bob.id)))
        assert fits(size)
        assert size > PAGE_BYTES * 0.8 or not history.has_more
        parts += 1
        got = [each.seq for each in history.items]
        seqs = seqs + got if after is not None else got + seqs
        if not history.has_more:
            break
        before, after = (None, seqs[-1]) if after is not None else (seqs[0], None)
    assert seqs == list(range(1, 31))
    assert parts == 3


async def test_a_long_history_is_read_in_parts_and_comes_as_one(
    chat: Engine, ann: User, bob: User
) -> None:
    for number in range(130):
        sent = await chat.messaging.send(actor(ann), ToUser(bob.id), Body(f"{number}"), None)

    async def seqs(**asked: int) -> tuple[list[int], bool]:
        history = await chat.conversations.history(
            bob.id, sent.message.conversation_id, **{"limit": 120} | asked
        )
        return [each.seq for each in history.items], history.has_more

    assert await seqs() == (list(range(11, 131)), True)
    assert await seqs(before=121) == (list(range(1, 121)), False)
    assert await seqs(after=4) == (list(range(5, 125)), True)
    assert await seqs(after=10) == (list(range(11, 131)), False)
    assert await seqs(after=30) == (list(range(31, 131)), False)
    assert await seqs(limit=50) == (list(range(81, 131)), True)
    assert await seqs(limit=51) == (list(range(80, 131)), True)


async def test_a_list_of_conversations_ends_early_with_long_last_messages(
    chat: Engine, ann: User, bob: User
) -> None:
    made = []
    for number in range(25):
        opened = await chat.conversations.create_group(
            actor(ann), NewGroup(f"Group {number}", [bob.id])
        )
        made.append(opened.overview.id)
        chat.clock.advance(1)
        await chat.messaging.send(actor(ann), ToConversation(made[-1]), Body(LONGEST), None)

    found = await pages(partial(chat.conversations.list, bob.id, limit=200))
    assert [each.id for page in found for each in page.items] == made[::-1]
    sizes = [
        len(encode([shapes.Conversation.of(each, bob.id) for each in page.items])) for page in found
    ]
    assert all(map(fits, sizes))
    assert [len(page.items) for page in found] == [10, 10, 5]


async def test_a_list_is_read_in_parts_and_comes_as_one(chat: Engine, ann: User, bob: User) -> None:
    made = []
    for number in range(45):
        opened = await chat.conversations.create_group(
            actor(ann), NewGroup(f"Group {number}", [bob.id])
        )
        made.append(opened.overview.id)
        chat.clock.advance(1)

    for limit in (1, 19, 20, 21, 44, 45, 200):
        found = await pages(partial(chat.conversations.list, ann.id, limit=limit))
        assert [each.id for page in found for each in page.items] == made[::-1]
        assert {len(page.items) for page in found[:-1]} <= {limit}


async def long_names(chat: Engine, count: int) -> list[User]:
    """Users of a product whose names are very long."""
    users = []
    for number in range(count):
        long = replace(user(f"user{number:02}"), display_name="\x01" * 10_000)
        await chat.stores.users.add(long, "hash")
        users.append(long)
    return users


async def test_a_search_ends_early_with_long_names(chat: Engine, ann: User) -> None:
    users = await long_names(chat, 11)
    for prefix in ("", "user", "\x01"):
        found = await pages(partial(chat.accounts.search, prefix, asker_id=ann.id, limit=200))
        assert sorted(each.id for page in found for each in page.items) == sorted(
            each.id for each in users
        )
        assert [len(page.items) for page in found] == [4, 4, 3]


async def test_a_list_of_blocks_ends_early_with_long_names(chat: Engine, ann: User) -> None:
    users = await long_names(chat, 11)
    for each in users:
        await chat.blocking.block(ann.id, each.id)
    found = await pages(partial(chat.blocking.list, ann.id, limit=200))
    assert sorted(each.id for page in found for each in page.items) == sorted(
        each.id for each in users
    )
    assert [len(page.items) for page in found] == [4, 4, 3]


async def test_two_hundred_members_are_far_from_the_bound(ann: User) -> None:
    member = shapes.Member("x" * 64, "member", "2026-01-31T08:15:00.250Z")
    assert fits(len(encode([member] * 200)))


@pytest.mark.parametrize("text", ["", "hello", '"\\\n', "\x00\x1f\x7f", "ünï ☃ 😀", None])
def test_the_size_of_a_text_is_at_least_what_it_takes(text: str | None) -> None:
    assert text_size(text) >= (0 if text is None else len(encode(text)))


def test_the_first_item_fits_in_any_case() -> None:
    page = BoundedItems[str](len, room=10)
    assert not page.take(["x" * 11, "y"])
    assert page.items == ["x" * 11]
    exact = BoundedItems[str](len, room=10)
    assert exact.take(["x" * 5, "y" * 5])
    assert not exact.take(["z"])
    assert exact.items == ["x" * 5, "y" * 5]
