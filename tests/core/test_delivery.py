from chat_core import ConnectionId, Delivery, MessageSent, ToUser, User
from chat_core.bodies import Body
from chat_core.memory import RecordingNotifier
from chat_core.memory.notifications import Notification
from tests.support.engine import Engine, actor


async def test_each_message_is_told_once_to_the_members_without_its_cause(
    chat: Engine, ann: User, bob: User
) -> None:
    first = await chat.messaging.send(actor(ann, "phone"), ToUser(bob.id), Body("one"), None)
    second = await chat.messaging.send(actor(bob), ToUser(ann.id), Body("two"), None)

    members = frozenset({ann.id, bob.id})
    assert chat.notifier.notifications == [
        Notification(MessageSent(first.message), members, ConnectionId("phone")),
        Notification(MessageSent(second.message), members, None),
    ]
    seqs = [each.seq for each in chat.notifier.events() if isinstance(each, MessageSent)]
    assert seqs == [1, 2]


async def test_a_message_is_told_before_its_sender_is_answered(
    chat: Engine, ann: User, bob: User
) -> None:
    told = RecordingNotifier()
    chat.stores.log.follow(Delivery(told))
    for number in range(1, 4):
        await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
        assert len(told.notifications) == number
