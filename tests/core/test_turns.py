import asyncio
from dataclasses import dataclass, field, replace
from functools import partial

from chat_core import Conversation, ConversationId, Messaging, ToConversation, User
from chat_core.bodies import Body
from chat_core.conversations import TitleChanged
from chat_core.ids import ConnectionId
from chat_core.memory import CachedConversations
from chat_core.messages import Recipient
from chat_core.ports.log import (
    Appended,
    ConversationLog,
    Done,
    Draft,
    MessageDraft,
    Stale,
    resolve,
)
from chat_core.services.turns import Turns, turn_of
from chat_core.sessions import Actor
from chat_core.testing.makers import alter, create, group
from tests.support.engine import Engine, actor
from tests.support.stale import StaleLog
from tests.support.waiting import settle


@dataclass(slots=True)
class HeldLog(StaleLog):
    """Keeps drafts back until they are let go, or found stale."""

    held: list[tuple[Draft, Done]] = field(default_factory=list)
    holds: bool = True

    def submit(self, draft: Draft, done: Done) -> None:
        if self.holds:
            self.held.append((draft, done))
        else:
            self.log.submit(draft, done)

    def find_stale(self) -> None:
        """What is held is refused; what comes now is not held."""
        self.holds = False
        for _, done in self.held:
            done(Stale())


def held_messaging(chat: Engine) -> tuple[Messaging, HeldLog]:
    log: ConversationLog = chat.stores.log
    held = HeldLog(log, times=0)
    return replace(chat.messaging, log=held), held


async def submit(
    messaging: Messaging, actor: Actor, to: Recipient, content: str
) -> "asyncio.Future[Appended]":
    """What comes of a message that has its place in the order now."""
    outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
    waiting = messaging.submit(actor, to, Body(content), None, partial(resolve, outcome))
    if waiting is not None:
        await waiting
    return outcome


async def said(chat: Engine, conversation_id: ConversationId) -> list[str | None]:
    history = await chat.stores.reader.history(conversation_id, before=None, after=0, limit=9)
    return [message.text for message in history.items]


async def test_what_is_judged_again_is_not_overtaken_by_what_was_sent_after_it(
    chat: Engine, ann: User, bob: User
) -> None:
    friends = await create(chat.stores.log, group(ann, bob))
    messaging, log = held_messaging(chat)
    phone, to = actor(ann, "phone"), ToConversation(friends.id)

    first = await submit(messaging, phone, to, "one")
    second = await submit(messaging, phone, to, "two")
    await alter(chat.stores.log, friends, TitleChanged("New"))
    third = asyncio.create_task(submit(messaging, phone, to, "three"))
    await settle()
    assert len(log.held) == 2
    log.find_stale()
    await asyncio.gather(first, second, await third)

    assert await said(chat, friends.id) == ["one", "two", "three"]


async def test_another_connection_does_not_wait(chat: Engine, ann: User, bob: User) -> None:
    friends = await create(chat.stores.log, group(ann, bob))
    messaging, log = held_messaging(chat)
    to = ToConversation(friends.id)

    first = await submit(messaging, actor(ann, "phone"), to, "one")
    await alter(chat.stores.log, friends, TitleChanged("New"))
    await submit(messaging, actor(ann, "laptop"), to, "two")
    await submit(messaging, actor(bob), to, "three")
    assert [
        draft.actor.connection_id for draft, _ in log.held if isinstance(draft, MessageDraft)
    ] == [ConnectionId("phone"), ConnectionId("laptop"), None]
    log.find_stale()
    await first


@dataclass(slots=True)
class SlowConversations(CachedConversations):
    """The next read waits until it is let go, where it is told to; those after it do not."""

    is_slow: bool = False
    may_answer: asyncio.Event = field(default_factory=asyncio.Event)

    async def get(self, conversation_id: ConversationId) -> Conversation | None:
        if self.is_slow:
            self.is_slow = False
            await self.may_answer.wait()
        return await self.store.get(conversation_id)


async def test_what_is_judged_again_keeps_its_order_however_long_each_judgement_takes(
    chat: Engine, ann: User, bob: User
) -> None:
    friends = await create(chat.stores.log, group(ann, bob))
    messaging, log = held_messaging(chat)
    conversations = SlowConversations(chat.stores.conversations)
    messaging = replace(messaging, conversations=conversations)
    phone, to = actor(ann, "phone"), ToConversation(friends.id)
    outcomes = [await submit(messaging, phone, to, content) for content in ("one", "two", "three")]

    conversations.is_slow = True
    log.find_stale()
    await settle()
    conversations.may_answer.set()
    await asyncio.gather(*outcomes)

    assert await said(chat, friends.id) == ["one", "two", "three"]


async def test_where_nothing_is_under_way_nothing_is_kept(
    chat: Engine, ann: User, bob: User
) -> None:
    turns = Turns()
    friends = await create(chat.stores.log, group(ann, bob))
    turn = turn_of(actor(ann), friends)
    for revision in (1, 2):
        assert turns.is_free(turn, revision)
        for _ in range(2):
            turns.take(turn, revision)
        assert turns.is_free(turn, revision)
        assert not turns.is_free(turn, revision + 1)
        turns.settled(turn)
        assert not turns.is_free(turn, revision + 1)
        turns.settled(turn)


async def test_behind_what_is_judged_again_nothing_takes_its_turn_at_once(
    chat: Engine, ann: User, bob: User
) -> None:
    turns, may_end = Turns(), asyncio.Event()
    turn = turn_of(actor(ann), await create(chat.stores.log, group(ann, bob)))

    async def judged_again() -> None:
        await may_end.wait()
        turns.settled(turn)

    assert [turns.take_at_once(turn, revision) for revision in (1, 1, 2)] == [True, True, False]
    turns.again(turn, judged_again())
    assert not turns.take_at_once(turn, 1)
    turns.settled(turn)
    assert not turns.take_at_once(turn, 1)
    may_end.set()
    await turns.wait(turn, 2)
    assert turns.take_at_once(turn, 2)
