import asyncio
from dataclasses import dataclass, field, replace

from chat_core import ConversationId, Messaging, ToConversation, User
from chat_core.conversations import TitleChanged
from chat_core.ids import ConnectionId
from chat_core.ports.log import Appended, ConversationLog, Draft, MessageDraft, Stale
from chat_core.testing.makers import alter, create, group
from tests.support.engine import Engine, actor
from tests.support.stale import StaleLog
from tests.support.waiting import settle


@dataclass(slots=True)
class HeldLog(StaleLog):
    """Keeps drafts back until they are let go, or found stale."""

    held: list[tuple[Draft, "asyncio.Future[Appended]"]] = field(default_factory=list)
    holds: bool = True

    def submit(self, draft: Draft) -> "asyncio.Future[Appended]":
        if not self.holds:
            return self.log.submit(draft)
        outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self.held.append((draft, outcome))
        return outcome

    def find_stale(self) -> None:
        """What is held is refused; what comes now is not held."""
        self.holds = False
        for _, outcome in self.held:
            outcome.set_exception(Stale())


def held_messaging(chat: Engine) -> tuple[Messaging, HeldLog]:
    log: ConversationLog = chat.stores.log
    held = HeldLog(log, times=0)
    return replace(chat.messaging, log=held), held


async def said(chat: Engine, conversation_id: ConversationId) -> list[str | None]:
    history = await chat.stores.reader.history(conversation_id, before=None, after=0, limit=9)
    return [message.content for message in history.items]


async def test_what_is_judged_again_is_not_overtaken_by_what_was_sent_after_it(
    chat: Engine, ann: User, bob: User
) -> None:
    friends = await create(chat.stores.log, group(ann, bob))
    messaging, log = held_messaging(chat)
    phone, to = actor(ann, "phone"), ToConversation(friends.id)

    first = await messaging.submit(phone, to, "one", None)
    second = await messaging.submit(phone, to, "two", None)
    await alter(chat.stores.log, friends, TitleChanged("New"))
    third = asyncio.create_task(messaging.submit(phone, to, "three", None))
    await settle()
    assert len(log.held) == 2
    log.find_stale()
    await asyncio.gather(first, second, await third)

    assert await said(chat, friends.id) == ["one", "two", "three"]


async def test_another_connection_does_not_wait(chat: Engine, ann: User, bob: User) -> None:
    friends = await create(chat.stores.log, group(ann, bob))
    messaging, log = held_messaging(chat)
    to = ToConversation(friends.id)

    first = await messaging.submit(actor(ann, "phone"), to, "one", None)
    await alter(chat.stores.log, friends, TitleChanged("New"))
    await messaging.submit(actor(ann, "laptop"), to, "two", None)
    await messaging.submit(actor(bob), to, "three", None)
    assert [
        draft.actor.connection_id for draft, _ in log.held if isinstance(draft, MessageDraft)
    ] == [ConnectionId("phone"), ConnectionId("laptop"), None]
    log.find_stale()
    await first


async def test_a_sender_who_gave_up_is_not_judged_again(chat: Engine, ann: User, bob: User) -> None:
    friends = await create(chat.stores.log, group(ann, bob))
    messaging, log = held_messaging(chat)
    phone, to = actor(ann, "phone"), ToConversation(friends.id)

    (await messaging.submit(phone, to, "one", None)).cancel()
    await alter(chat.stores.log, friends, TitleChanged("New"))
    log.find_stale()
    await messaging.send(phone, to, "two", None)

    assert await said(chat, friends.id) == ["two"]
