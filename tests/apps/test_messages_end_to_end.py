"""Messages between real clients: who gets what, in which order, and what a repeat does."""

import asyncio
from typing import Any

import pytest

from tests.support.server import Api, ServerProcess, answered, refused
from tests.support.socket_clients import KINDS, SocketClients, caught_up, heard

every_kind = pytest.mark.parametrize("clients", KINDS, indirect=True)


@every_kind
async def test_a_message_reaches_every_device_of_both_and_nobody_else(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob, eve = await api.people("alice", "bob", "eve")
    sending = await clients.device(server.url, alice)
    others = [
        await clients.device(server.url, alice),
        await clients.device(server.url, bob),
        await clients.device(server.url, bob),
    ]
    stranger = await clients.device(server.url, eve)

    ack = await sending.call(
        "send_message", {"recipientId": bob.id, "content": "hi", "clientMessageId": "1"}
    )

    message = ack["message"]
    assert ack == {"ok": True, "message": message, "duplicate": False}
    assert (message["seq"], message["updatedSeq"], message["content"]) == (1, 1, "hi")
    assert (message["senderId"], message["recipientId"]) == (alice.id, bob.id)
    assert message["clientMessageId"] == "1"
    (own,) = await others[0].wait_for("new_message")
    assert own == message
    for device in others[1:]:
        (pushed,) = await device.wait_for("new_message")
        assert pushed == message | {"clientMessageId": None}
    for device, owner in ((sending, alice), (stranger, eve)):
        await caught_up(device, owner)
        assert heard(device, "new_message") == []


async def test_what_http_sends_reaches_every_device_of_both(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await api.people("alice", "bob")
    own, theirs = [await clients.device(server.url, person) for person in (alice, bob)]

    message = await api.send(alice, bob, "hi", clientMessageId="1")

    (seen,) = await own.wait_for("new_message")
    (pushed,) = await theirs.wait_for("new_message")
    assert seen == message
    assert pushed == message | {"clientMessageId": None}


@every_kind
async def test_fifty_pipelined_messages_keep_their_order(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await api.people("alice", "bob")
    sending, receiving = [await clients.device(server.url, person) for person in (alice, bob)]
    contents = [f"number {number}" for number in range(50)]

    acks = await asyncio.gather(
        *(
            sending.call("send_message", {"recipientId": bob.id, "content": content})
            for content in contents
        )
    )

    assert [ack["message"]["content"] for ack in acks] == contents
    assert [ack["message"]["seq"] for ack in acks] == list(range(1, 51))
    pushed = [(await receiving.wait_for("new_message"))[0] for _ in contents]
    assert [message["seq"] for message in pushed] == list(range(1, 51))
    assert [message["content"] for message in pushed] == contents
