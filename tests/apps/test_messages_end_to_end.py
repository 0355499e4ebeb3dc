"""Messages between real clients: who gets what, in which order, and what a repeat does."""

import asyncio
from typing import Any

import pytest

from tests.support.server import Api, ServerProcess, answered, refused
from tests.support.socket_clients import KINDS, SocketClients, caught_up, heard

pytestmark = pytest.mark.mongodb

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


async def test_of_twenty_sends_at_once_with_one_client_id_one_is_stored(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await api.people("alice", "bob")
    devices = [await clients.device(server.url, alice) for _ in range(2)]
    receiving = await clients.device(server.url, bob)
    body = {"recipientId": bob.id, "content": "once", "clientMessageId": "the same"}

    by_socket, by_http = await asyncio.gather(
        asyncio.gather(*(devices[number % 2].call("send_message", body) for number in range(10))),
        asyncio.gather(*(api.post("/messages", alice, body) for _ in range(10))),
    )

    stored = [ack["message"] for ack in by_socket] + [answer.json() for answer in by_http]
    assert stored == [stored[0]] * 20
    firsts = [not ack["duplicate"] for ack in by_socket]
    firsts += [answer.status_code == 201 for answer in by_http]
    assert sorted(answer.status_code for answer in by_http)[:-1] == [200] * 9
    assert sum(firsts) == 1
    assert await api.history(alice, stored[0]["conversationId"]) == [stored[0]]
    await api.send(alice, bob, "after")
    await receiving.wait_for("new_message", lambda message: message["content"] == "after")
    assert [message["content"] for message in heard(receiving, "new_message")] == ["once", "after"]


@pytest.mark.parametrize("clients", ["py-websocket"], indirect=True)
async def test_a_client_id_that_was_used_for_something_else_is_a_conflict(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob, carol = await api.people("alice", "bob", "carol")
    device = await clients.device(server.url, alice)
    first = await api.send(alice, bob, "first", clientMessageId="1")
    others: list[dict[str, str]] = [
        {"recipientId": bob.id, "content": "second", "clientMessageId": "1"},
        {"recipientId": carol.id, "content": "first", "clientMessageId": "1"},
    ]
    for body in others:
        refused(await api.post("/messages", alice, body), 409, "client_id_conflict")
        ack = await device.call("send_message", body)
        assert (ack["ok"], ack["error"]["code"]) == (False, "client_id_conflict")

    assert await api.history(bob, first["conversationId"]) == [first | {"clientMessageId": None}]
    theirs = await api.post("/messages", bob, {**others[1], "recipientId": alice.id})
    assert answered(theirs, 201)["seq"] == 2


async def test_a_repeat_over_the_other_transport_answers_with_the_first_message(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await api.people("alice", "bob")
    device, receiving = [await clients.device(server.url, person) for person in (alice, bob)]
    first = await api.send(alice, bob, "hi", clientMessageId="1")
    conversation = {"conversationId": first["conversationId"]}
    repeats: list[dict[str, str]] = [{"recipientId": bob.id}, conversation]
    for to in repeats:
        body = to | {"content": "hi", "clientMessageId": "1"}
        ack = await device.call("send_message", body)
        assert ack == {"ok": True, "message": first, "duplicate": True}
        assert answered(await api.post("/messages", alice, body), 200) == first

    await caught_up(receiving, bob)
    assert len(heard(receiving, "new_message")) == 1


async def test_two_first_messages_at_once_make_one_conversation(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    for _ in range(5):
        alice, bob = await api.people("alice", "bob")
        one = await clients.device(server.url, alice)
        body = {"recipientId": alice.id, "content": "from bob"}
        ack, answer = await asyncio.gather(
            one.call("send_message", {"recipientId": bob.id, "content": "from alice"}),
            api.post("/messages", bob, body),
        )

        messages = [ack["message"], answered(answer, 201)]
        assert sorted(message["seq"] for message in messages) == [1, 2]
        for person in (alice, bob):
            (conversation,) = (await api.get("/conversations", person))["items"]
            assert {message["conversationId"] for message in messages} == {conversation["id"]}
            assert conversation["lastSeq"] == 2


async def test_who_claims_to_be_someone_else_is_refused_and_gets_nothing_of_theirs(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob, eve = await api.people("alice", "bob", "eve")
    forging = await clients.connect(server.url)
    claim = {"token": eve.token, "userId": alice.id}
    assert (await forging.call("register_user", claim))["error"]["code"] == "token_invalid"
    ack = await forging.call("register_user", {"token": eve.token})
    assert ack["userId"] == eve.id
    claims: list[dict[str, Any]] = [
        {"senderId": alice.id},
        {"userId": alice.id},
        {"sessionId": alice.session_id},
        {"from": alice.id},
    ]
    for claim in claims:
        body = {"recipientId": bob.id, "content": "I am Alice", **claim}
        refused(await api.post("/messages", eve, body), 422, "invalid")
        refusal = (await forging.call("send_message", body))["error"]
        (field,) = claim
        assert (refusal["code"], refusal["errors"][0]["field"]) == ("invalid", field)

    message = await api.send(alice, bob, "hi")
    intruding = {"conversationId": message["conversationId"], "content": "me too"}
    refused(await api.post("/messages", eve, intruding), 404, "not_found")
    assert (await forging.call("send_message", intruding))["error"]["code"] == "not_found"
    path = f"/conversations/{message['conversationId']}/messages"
    refused(await api.http.get(path, headers=eve.bearer), 404, "not_found")
    await caught_up(forging, eve)
    assert heard(forging, "new_message") == []
    assert await api.history(bob, message["conversationId"]) == [message]


@pytest.mark.parametrize("clients", ["py-websocket"], indirect=True)
async def test_what_can_not_be_sent_is_refused_alike_over_http_and_socket(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await api.people("alice", "bob")
    device = await clients.device(server.url, alice)
    bodies: list[tuple[Any, str]] = [
        ({"recipientId": bob.id}, "invalid"),
        ({"content": "hi"}, "invalid"),
        ({"recipientId": bob.id, "conversationId": "c", "content": "hi"}, "invalid"),
        ({"recipientId": alice.id, "content": "hi"}, "invalid"),
        ({"recipientId": "nobody", "content": "hi"}, "recipient_not_found"),
        ({"conversationId": "none", "content": "hi"}, "not_found"),
        ({"recipientId": bob.id, "content": ""}, "invalid"),
        ({"recipientId": bob.id, "content": 17}, "invalid"),
        ({"recipientId": bob.id, "content": None}, "invalid"),
        ({"recipientId": {"$gt": ""}, "content": "hi"}, "invalid"),
        ({"recipientId": bob.id, "content": "a\0b"}, "invalid"),
        ({"recipientId": bob.id, "content": "é" * 2049}, "invalid"),
        ({"recipientId": bob.id, "content": "hi", "clientMessageId": ""}, "invalid"),
        ({"recipientId": bob.id, "content": "hi", "clientMessageId": "x" * 65}, "invalid"),
        ([], "invalid"),
        ("hi", "invalid"),
    ]
    for body, code in bodies:
        answer = (await api.post("/messages", alice, body)).json()
        ack = await device.call("send_message", body)
        assert (answer["code"], ack["ok"], ack["error"]["code"]) == (code, False, code), body
        assert answer["status"] == ack["error"]["status"], body
        assert answer.get("errors") == ack["error"].get("errors"), body

    assert (await api.get("/conversations", bob))["items"] == []
    longest = await api.send(alice, bob, "é" * 2048)
    assert longest["content"] == "é" * 2048


async def test_content_arrives_byte_for_byte(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await api.people("alice", "bob")
    device, receiving = [await clients.device(server.url, person) for person in (alice, bob)]
    contents = [
        " \t\n",
        "e\u0301 \u00e9",
        "\u202e<b>&amp;</b>",
        '"\\\x1e\x01',
        "\U0001f9d1\u200d\U0001f680",
    ]
    for content in contents:
        ack = await device.call("send_message", {"recipientId": bob.id, "content": content})
        assert ack["message"]["content"] == content
        (pushed,) = await receiving.wait_for("new_message")
        assert pushed["content"] == content

    stored = await api.history(bob, pushed["conversationId"])
    assert [message["content"] for message in stored] == contents
