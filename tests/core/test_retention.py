import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest

from chat_core import ConversationId, Message, SyncRequest, ToConversation, ToUser, User
from chat_core.bodies import Body
from chat_core.errors import Invalid, NotFound, Unavailable
from chat_core.memory import MemoryLogRetention
from chat_core.ports.storage import LogReader
from chat_core.services.conversations import NewGroup
from chat_core.services.retention import BATCH, OldEntries
from chat_core.services.synchronising import SyncedConversation
from chat_core.testing.makers import at
from tests.support.engine import Engine, actor
from tests.support.waiting import settle

T = TypeVar("T")
DAY = timedelta(days=1)


async def finished(chat: Engine, work: Coroutine[Any, Any, T]) -> T:
    """What comes of it, while the clock goes on."""
    task = asyncio.ensure_future(work)
    while not task.done():
        await settle()
        chat.clock.advance(1)
    return await task


async def talk(chat: Engine, ann: User, bob: User, count: int) -> list[Message]:
    """That many messages, a day apart."""
    said = []
    for number in range(count):
        sent = await chat.messaging.send(
            actor(ann), ToUser(bob.id), Body(f"{number}"), f"c{number}"
        )
        said.append(sent.message)
        chat.clock.advance(DAY.total_seconds())
    return said


async def sync(chat: Engine, user: User, of: ConversationId, seq: int) -> SyncedConversation:
    answer = await chat.synchronising.sync(user.id, SyncRequest({of: seq}, others=False))
    (part,) = answer.conversations
    return part


async def test_what_is_older_than_it_may_be_goes_and_a_place_before_it_is_reset(
    chat: Engine, ann: User, bob: User
) -> None:
    said = await talk(chat, ann, bob, 5)
    between = said[0].conversation_id
    before = chat.retention.before(3 * DAY)
    assert await chat.retention.old(before) == OldEntries(2, 1)
    steps: list[int] = []
    gone = await finished(chat, chat.retention.expire(before, steps.append))

    assert (gone, steps) == (OldEntries(2, 1), [2])
    assert await chat.retention.old(before) == OldEntries(0, 0)
    kept = await chat.conversations.history(bob.id, between, before=None, after=0, limit=9)
    assert list(kept.items) == said[2:]
    for seq in (0, 1):
        part = await sync(chat, bob, between, seq)
        assert (part.reset, [each.seq for each in part.entries]) == (True, [3, 4, 5])
        assert (part.standing.first_seq, part.standing.last_seq) == (3, 5)
    for seq in (2, 4):
        part = await sync(chat, bob, between, seq)
        assert (part.reset, [each.seq for each in part.entries][:1]) == (False, [seq + 1])
    with pytest.raises(NotFound):
        await chat.messaging.edit(actor(ann), said[0].id, "new")
    with pytest.raises(NotFound):
        await chat.messaging.delete(actor(ann), said[1].id)
    again = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("0"), "c0")
    assert (again.duplicate, again.message.id, again.message.text) == (True, said[0].id, None)


async def test_of_an_empty_log_the_end_is_known_and_everything_before_it_is_reset(
    chat: Engine, ann: User, bob: User
) -> None:
    said = await talk(chat, ann, bob, 2)
    between = said[0].conversation_id
    await finished(chat, chat.retention.expire(chat.clock.now()))

    part = await sync(chat, bob, between, 2)
    assert (part.reset, part.has_more, list(part.entries)) == (False, False, [])
    part = await sync(chat, bob, between, 1)
    assert (part.reset, list(part.entries), part.standing.last_seq) == (True, [], 2)
    (overview,) = (await chat.conversations.list(bob.id, after=None, limit=9)).items
    assert (overview.last_message, overview.standing.unread_count) == (None, 0)
    assert (overview.standing.first_seq, overview.standing.last_seq) == (3, 2)


@dataclass
class StepsThatFail(MemoryLogRetention):
    """Notes how large each step is, and fails at one."""

    sizes: list[int]
    fails_at: int | None = None

    async def expire(self, fronts: Mapping[ConversationId, int], at: datetime) -> None:
        if self.fails_at == len(self.sizes):
            self.fails_at = None
            raise Unavailable
        logs = self.conversations.logs
        self.sizes.append(sum(end - logs[each].first_seq for each, end in fronts.items()))
        await super().expire(fronts, at)


async def test_it_goes_in_small_steps_and_what_was_interrupted_goes_on(
    chat: Engine, ann: User, bob: User, eve: User
) -> None:
    store = chat.stores.retention
    assert isinstance(store, MemoryLogRetention)
    long = await chat.conversations.create_group(actor(ann), NewGroup("Long", [bob.id]))
    for number in range(2 * BATCH + 10):
        to = ToConversation(long.overview.id)
        await chat.messaging.send(actor(ann), to, Body(f"{number}"), None)
    for other in (bob, eve):
        await chat.messaging.send(actor(ann), ToUser(other.id), Body("hello"), None)
    chat.clock.advance(1)
    stumbling = StepsThatFail(store.conversations, [], fails_at=1)
    retention = replace(chat.retention, retention=stumbling)
    before = chat.clock.now()
    with pytest.raises(Unavailable):
        await finished(chat, retention.expire(before))
    left = await retention.old(before)
    gone = await finished(chat, retention.expire(before))

    assert gone == left == OldEntries(BATCH + 13, 1)
    assert stumbling.sizes == [BATCH, BATCH, 13]


async def test_between_two_steps_others_can_write(chat: Engine, ann: User, bob: User) -> None:
    for number in range(BATCH + 1):
        await chat.messaging.send(actor(ann), ToUser(bob.id), Body(f"{number}"), None)
    chat.clock.advance(1)
    steps: list[int] = []
    work = asyncio.ensure_future(chat.retention.expire(chat.clock.now(), steps.append))
    await settle()

    assert steps == []  # it rests after the first
    chat.clock.advance(1)
    await settle()
    assert (steps, work.done()) == ([BATCH], False)
    chat.clock.advance(1)
    await work
    assert steps == [BATCH, 1]


@pytest.mark.parametrize("age", [timedelta(), -DAY, timedelta.max])
def test_an_age_that_makes_no_sense_is_refused(chat: Engine, age: timedelta) -> None:
    with pytest.raises(Invalid) as caught:
        chat.retention.before(age)
    assert [each.field for each in caught.value.errors] == ["age"]


async def test_however_many_conversations_there_are_all_are_looked_at(
    chat: Engine, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_core.services.retention.PAGE", 2)
    for number in range(5):
        other = await chat.user(f"other{number}")
        for content in ("one", "two"):
            await chat.messaging.send(actor(ann), ToUser(other.id), Body(content), None)
    chat.clock.advance(1)
    before = chat.clock.now()

    assert await chat.retention.old(before) == OldEntries(10, 5)
    assert await finished(chat, chat.retention.expire(before)) == OldEntries(10, 5)
    assert await chat.retention.old(before) == OldEntries(0, 0)


@dataclass(slots=True)
class ReaderOvertaken:
    """Entries expire right before they are read, once."""

    reader: LogReader
    retention: MemoryLogRetention
    fronts: dict[ConversationId, int]

    def __getattr__(self, name: str) -> object:
        return getattr(self.reader, name)

    async def entries(self, *given: object, **named: object) -> object:
        await self.retention.expire(self.fronts, at(0))
        return await self.reader.entries(*given, **named)  # type: ignore[arg-type]


@pytest.mark.parametrize("front", [3, 6])
async def test_what_expires_while_sync_reads_is_a_reset_and_no_hole(
    chat: Engine, ann: User, bob: User, front: int
) -> None:
    between = (await talk(chat, ann, bob, 5))[0].conversation_id
    store = chat.stores.retention
    assert isinstance(store, MemoryLogRetention)
    overtaken: Any = ReaderOvertaken(chat.stores.reader, store, {between: front})
    synchronising = replace(chat.synchronising, reader=overtaken)
    answer = await synchronising.sync(bob.id, SyncRequest({between: 1}, others=False))

    (part,) = answer.conversations
    assert (part.reset, part.standing.first_seq, part.has_more) == (True, front, False)
    assert [each.seq for each in part.entries] == list(range(front, 6))
