"""The fixtures that products test with."""

import pytest

from chat_core import (
    AccountServices,
    Chat,
    ChatLimits,
    ConversationUpdated,
    Limit,
    MessageLimits,
    MessageSent,
    NewAccount,
    NewGroup,
    PresenceChanged,
    ToConversation,
    ToUser,
)
from chat_core.errors import RateLimited, SessionRevoked, TooManyConnections
from chat_core.testing import ConnectedDevices, Device, ManualClock, plugin
from chat_core.testing.plugin import MakeDevice, MakeUser

clock, user, device = plugin.clock, plugin.user, plugin.device
chat, chat_stores, chat_users = plugin.chat, plugin.chat_stores, plugin.chat_users
chat_limits, chat_notifier = plugin.chat_limits, plugin.chat_notifier
chat_accounts = plugin.chat_accounts


def contents(pushed: Device) -> list[str | None]:
    return [event.message.text for event in pushed.pushes if isinstance(event, MessageSent)]


async def test_a_message_is_pushed_to_every_device_but_the_one_that_sent_it(
    user: MakeUser, device: MakeDevice
) -> None:
    ann, bob = await user("ann"), await user("bob")
    phone, laptop, other = device(ann), device(ann), device(bob)

    message = await phone.send(ToUser(bob.id), "hello")

    assert [contents(each) for each in (phone, laptop, other)] == [[], ["hello"], ["hello"]]
    assert phone.seqs == laptop.seqs == other.seqs == {message.conversation_id: 1}


async def test_a_device_that_was_away_catches_up(
    chat: Chat, user: MakeUser, device: MakeDevice
) -> None:
    ann, bob = await user("ann"), await user("bob")
    phone, other = device(ann), device(bob)
    first = await phone.send(ToUser(bob.id), "one")
    other.disconnect()
    await phone.send(ToUser(bob.id), "two")
    await chat.messaging.edit(phone.actor, first.id, "One")
    other.connect()
    assert contents(other) == ["one"]

    missed = await other.sync()

    assert [each.seq for each in missed] == [2, 3]
    assert other.seqs == phone.seqs | {first.conversation_id: 3}
    assert await other.sync() == []


async def test_a_push_after_a_gap_does_not_hide_the_gap(user: MakeUser, device: MakeDevice) -> None:
    ann, bob = await user("ann"), await user("bob")
    phone, other = device(ann), device(bob)
    other.disconnect()
    await phone.send(ToUser(bob.id), "one")
    other.connect()
    await phone.send(ToUser(bob.id), "two")

    assert contents(other) == ["two"]
    assert [each.seq for each in await other.sync()] == [1, 2]


async def test_a_device_gets_all_of_a_long_log_and_of_many(
    chat: Chat, user: MakeUser, device: MakeDevice
) -> None:
    ann, bob = await user("ann"), await user("bob")
    phone, other = device(ann), device(bob)
    first = await phone.send(ToUser(bob.id), "0")
    other.disconnect()
    for number in range(1, 150):
        await phone.send(ToUser(bob.id), str(number))
    for number in range(110):
        await chat.conversations.create_group(phone.actor, NewGroup(str(number), [bob.id]))

    missed = await other.sync()

    said = [each.message.text for each in missed if isinstance(each, MessageSent)]
    assert said == [str(number) for number in range(1, 150)]
    assert sum(isinstance(each, ConversationUpdated) for each in missed) == 110
    assert other.seqs[first.conversation_id] == 150
    assert len(other.seqs) == 111


async def test_who_comes_and_goes_is_announced_when_the_test_says_so(
    chat: Chat, clock: ManualClock, user: MakeUser, device: MakeDevice
) -> None:
    ann, bob = await user("ann"), await user("bob")
    phone, other = device(ann), device(bob)
    await phone.send(ToUser(bob.id), "hello")
    await chat.presence.announce()
    phone.pushes.clear()

    other.disconnect()
    left_at = clock.now()
    clock.advance(5)
    await chat.presence.announce()

    assert phone.pushes == [PresenceChanged(bob.id, online=False, last_seen_at=left_at)]


async def test_devices_count_as_connections(
    chat_limits: ChatLimits, user: MakeUser, device: MakeDevice
) -> None:
    ann = await user("ann")
    devices = [device(ann) for _ in range(chat_limits.connections_per_user)]

    with pytest.raises(TooManyConnections):
        device(ann)
    devices[0].disconnect()
    device(ann)


async def test_all_that_was_notified_is_recorded(
    chat_notifier: ConnectedDevices, chat: Chat, user: MakeUser, device: MakeDevice
) -> None:
    ann, bob = await user("ann"), await user("bob")
    phone = device(ann)
    group = await chat.conversations.create_group(phone.actor, NewGroup("Friends", [bob.id]))
    await phone.send(ToConversation(group.overview.id), "hello")

    recorded = chat_notifier.notifications
    assert [type(each.event) for each in recorded] == [ConversationUpdated, MessageSent]
    assert {each.audience for each in recorded} == {frozenset({ann.id, bob.id})}
    assert {each.cause for each in recorded} == {phone.connection_id}


async def test_a_session_that_ends_ends_its_devices(
    chat_accounts: AccountServices, chat: Chat, chat_notifier: ConnectedDevices
) -> None:
    new = NewAccount("ann", "correct horse")
    ann = await chat_accounts.accounts.sign_up(new, "192.0.2.1")
    login = await chat_accounts.sessions.log_in("ann", "correct horse", "phone", "192.0.2.1")
    claims = chat_accounts.sessions.verify(login.access.text)
    phone = Device(chat, chat_notifier, ann, claims.session_id)
    phone.connect()
    (listed,) = (await chat_accounts.sessions.list(ann.id)).items
    assert listed.online

    await chat_accounts.sessions.log_out(phone.actor)

    assert isinstance(phone.ended_with, SessionRevoked)
    assert phone.connection_id is None
    with pytest.raises(SessionRevoked):
        chat_accounts.sessions.verify(login.access.text)


class TestOtherLimits:
    """A product overrides a part, and the rest is made of it."""

    @pytest.fixture
    def chat_limits(self) -> ChatLimits:
        return ChatLimits(messages=MessageLimits(100, Limit("messages", burst=1, seconds=2)))

    async def test_a_rate_is_counted_by_the_clock(
        self, clock: ManualClock, user: MakeUser, device: MakeDevice
    ) -> None:
        phone, to = device(await user("ann")), ToUser((await user("bob")).id)
        await phone.send(to, "one")
        with pytest.raises(RateLimited):
            await phone.send(to, "two")
        clock.advance(2)
        await phone.send(to, "two")
