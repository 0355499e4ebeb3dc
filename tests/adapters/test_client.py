"""The client library, against the server's own dispatcher."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, cast

import pytest

import chat_client.client
from chat_client import ChatClient, Disconnected, InProcessWire, Refused
from chat_core import UserId
from chat_core.conversations import MemberAdded, Role
from chat_core.services.conversations import NewGroup
from chat_core.testing.clock import ManualClock
from chat_core.testing.ids import CountedIds
from tests.support.simulation import (
    PASSWORD,
    Device,
    Gate,
    Gated,
    Server,
    history_of,
    new_device,
)
from tests.support.stores import Stores, memory_stores
from tests.support.waiting import settle, until


@pytest.fixture
async def stores() -> AsyncIterator[Stores]:
    async with memory_stores() as stores:
        yield stores


@pytest.fixture
def server(stores: Stores) -> Server:
    return Server(stores, ManualClock(), CountedIds(), Gate())


async def started(server: Server, username: str) -> Device:
    """A device of someone new, connected."""
    await server.sign_up(username)
    device = await new_device(server, f"{username}'s device", username, CountedIds())
    await device.client.start(device.token)
    return device


async def test_both_sides_show_the_same_history(server: Server) -> None:
    ann, bob = await started(server, "ann"), await started(server, "bob")
    for sender, recipient, content in ((ann, bob, "hi"), (bob, ann, "hello"), (ann, bob, "so")):
        sent = await sender.client.send(content, recipient_id=recipient.user_id)
    for device in (ann, bob):
        shown = history_of(device, sent["conversationId"])
        assert [message["content"] for message in shown] == ["hi", "hello", "so"]


async def test_a_message_waits_in_the_outbox_and_is_sent_once_after_the_next_start(
    server: Server,
) -> None:
    ann, bob = await started(server, "ann"), await started(server, "bob")
    ann.lose_connection()
    sending = asyncio.create_task(ann.client.send("later", recipient_id=bob.user_id))
    await settle()
    assert [each["content"] for each in ann.client.outbox] == ["later"]
    await ann.client.start(ann.token)
    message = await sending
    assert ann.client.outbox == []
    assert [each["id"] for each in history_of(bob, message["conversationId"])] == [message["id"]]


async def test_a_lost_ack_is_made_good_by_the_same_client_id(server: Server) -> None:
    ann, bob = await started(server, "ann"), await started(server, "bob")
    ann.wire.hold(held=True)
    sending = asyncio.create_task(ann.client.send("once", recipient_id=bob.user_id))
    await until(lambda: server.told)
    ann.lose_connection()
    ann.wire.hold(held=False)
    await ann.client.start(ann.token)
    message = await sending
    assert len(server.told) == 1
    assert [each["id"] for each in history_of(bob, message["conversationId"])] == [message["id"]]


async def test_what_is_refused_for_now_is_sent_again_and_what_is_refused_is_not(
    server: Server,
) -> None:
    await server.sign_up("bob")
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    ann = await started(server, "ann")
    client = ChatClient(InProcessWire(server.dispatcher), sleep=sleep)
    await client.start(ann.token)
    bob = await new_device(server, "bob's", "bob", CountedIds())
    server.faulty_log.fails_before = 2
    message = await client.send("patience", recipient_id=bob.user_id)
    assert message["seq"] == 1
    assert len(waited) == 2
    with pytest.raises(Refused) as refused:
        await client.send("hm", recipient_id=ann.user_id)
    assert refused.value.code == "invalid"
    assert client.outbox == []


async def test_whoever_is_added_to_an_old_group_begins_with_its_latest_entries(
    server: Server,
) -> None:
    ann, bob = await started(server, "ann"), await started(server, "bob")
    opened = await server.conversations.create_group(ann.actor, NewGroup("team", []))
    group = opened.overview.id
    for number in range(150):
        await ann.client.send(f"{number}", conversation_id=group)
    added = MemberAdded(bob.user_id, Role.MEMBER)
    await server.conversations.add_member(ann.actor, group, added)
    await until(lambda: group in bob.client.state.conversations)
    await bob.client.caught_up()
    shown = bob.client.state.conversations[group]
    assert (shown.base, shown.seq) == (52, 152)
    assert len(shown.history()) == 99


async def test_more_conversations_than_one_request_names_are_all_caught_up(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat_client.client, "SYNC_NAMED", 2)
    ann = await started(server, "ann")
    friends = [await started(server, f"friend{number}") for number in range(7)]
    for friend in friends[:5]:
        await friend.client.send("before", recipient_id=ann.user_id)
    ann.lose_connection()
    for friend in friends:
        await friend.client.send("while away", recipient_id=ann.user_id)
    await ann.client.start(ann.token)
    await ann.client.caught_up()
    told = [
        [message["content"] for message in state.history()]
        for state in ann.client.state.conversations.values()
    ]
    assert sorted(told) == sorted([["before", "while away"]] * 5 + [["while away"]] * 2)


async def test_a_deleted_account_is_blanked_as_the_server_blanks_it(
    server: Server, stores: Stores
) -> None:
    ann, bob = await started(server, "ann"), await started(server, "bob")
    sent = [await ann.client.send(text, recipient_id=bob.user_id) for text in ("one", "two")]
    await server.messaging.delete(ann.actor, sent[0]["id"])
    await server.erasure.delete_own(ann.actor, PASSWORD, "192.0.2.1")
    shown = history_of(bob, sent[0]["conversationId"])
    stored = (
        await stores.reader.history(sent[0]["conversationId"], before=None, after=None, limit=9)
    ).items
    assert [(each["content"], each["updatedSeq"]) for each in shown] == [
        (each.text, each.updated_seq) for each in stored
    ]
    assert ann.client.ended_with is not None
    assert not ann.client.is_connected


@pytest.mark.parametrize("arguments", ["", ",null", ',"text"', ",[1]", ',null,{"seq":1}'])
async def test_a_push_that_carries_no_object_is_ignored(server: Server, arguments: str) -> None:
    ann = await started(server, "ann")
    heard: list[str] = []
    wire = InProcessWire(server.dispatcher)
    client = ChatClient(wire, on_event=lambda event, _: heard.append(event))
    await client.start(ann.token)
    heard.clear()
    assert wire.link is not None
    wire.link.write(f'2["unheard_of"{arguments}]')
    wire.link.write('2["unheard_of",{},"more"]')
    assert heard == ["unheard_of"]


async def test_a_call_on_a_wire_that_is_down_says_so(server: Server) -> None:
    ann = await started(server, "ann")
    ann.lose_connection()
    with pytest.raises(Disconnected):
        await ann.client.mark_read("somewhere", 1)


async def test_a_log_out_outruns_a_registration_that_is_still_under_way(stores: Stores) -> None:
    gate = Gate()
    slow = replace(stores, sessions=cast("Any", Gated(stores.sessions, gate)))
    server = Server(slow, ManualClock(), CountedIds(), Gate())
    user_id = await server.sign_up("ann")
    device = await new_device(server, "phone", "ann", CountedIds())
    gate.is_open = False
    starting = asyncio.create_task(device.client.start(device.token, device="tablet"))
    await until(lambda: gate.waiting)
    server.revocations.note([device.session_id])
    gate.open()
    with pytest.raises(Refused) as refused:
        await starting
    assert refused.value.code == "session_revoked"
    assert server.presence.tracker.devices(UserId(user_id)) == 0
