"""What was missed comes by `sync`, over real connections."""

import asyncio
from typing import Any

import pytest

from tests.support.server import Api, Person, ServerProcess, answered, refused
from tests.support.socket_clients import SocketClient, SocketClients, caught_up, heard

pytestmark = pytest.mark.mongodb


async def synced(client: SocketClient, conversation_id: str, seq: int, **more: Any) -> Any:
    """The one conversation that was asked for."""
    request = {"conversations": {conversation_id: seq}, "others": "none", **more}
    ack = await client.call("sync", request)
    assert ack["ok"], ack
    (part,) = ack["conversations"]
    return part


async def group_of(api: Api, owner: Person, *members: Person, title: str = "team") -> Any:
    """A new group."""
    body = {"kind": "group", "title": title, "memberIds": [member.id for member in members]}
    return answered(await api.post("/conversations", owner, body), 201)


async def edit(api: Api, person: Person, message: Any, content: str) -> Any:
    path = f"/messages/{message['id']}"
    return answered(
        await api.http.patch(path, json={"content": content}, headers=person.bearer), 200
    )


async def test_a_client_that_was_away_gets_exactly_what_it_missed_as_it_was_pushed_to_others(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    ann, bob, cyd = await api.people("ann", "bob", "cyd")
    group = await group_of(api, ann, bob, cyd)
    stayed, went = [await clients.device(server.url, person) for person in (cyd, bob)]
    await caught_up(went, bob)
    await went.close()

    path = f"/conversations/{group['id']}"
    first = answered(
        await api.post("/messages", ann, {"conversationId": group["id"], "content": "one"}), 201
    )
    await edit(api, ann, first, "ONE")
    answered(
        await api.http.patch(path, json={"title": "crew"}, headers=ann.bearer),
        200,
    )
    deleted = answered(
        await api.post("/messages", ann, {"conversationId": group["id"], "content": "two"}), 201
    )
    answered(await api.http.delete(f"/messages/{deleted['id']}", headers=ann.bearer), 200)
    await stayed.wait_for("message_updated", lambda update: update["seq"] == 6)

    back = await clients.device(server.url, bob)
    part = await synced(back, group["id"], 1)
    assert [(entry["seq"], entry["event"]) for entry in part["entries"]] == [
        (2, "new_message"),
        (3, "message_updated"),
        (4, "conversation_updated"),
        (5, "new_message"),
        (6, "message_updated"),
    ]
    assert (part["firstSeq"], part["lastSeq"], part["hasMore"], part["reset"]) == (
        1,
        6,
        False,
        False,
    )
    # A message is shown as it is now, at each of its places.
    data = [entry["data"] for entry in part["entries"]]
    assert data[0] == data[1]["message"]
    assert (data[0]["content"], data[0]["updatedSeq"]) == ("ONE", 3)
    assert data[3] == data[4]["message"]
    assert (data[3]["content"], data[3]["updatedSeq"]) == (None, 6)
    # The last push of each kind is the same as the entry.
    assert heard(stayed, "conversation_updated")[-1] == data[2]
    assert heard(stayed, "message_updated")[-1] == data[4]
    assert part["unreadCount"] == 1


async def test_a_seq_that_cannot_be_is_answered_with_a_reset(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    ann, bob = await api.people("ann", "bob")
    messages = [await api.send(ann, bob, f"{number}") for number in range(5)]
    conversation_id = messages[0]["conversationId"]
    client = await clients.device(server.url, bob)
    for seq in (6, 10**15, -1):
        part = await synced(client, conversation_id, seq, limit=2)
        assert part["reset"] is True
        assert part["hasMore"] is False
        assert [entry["seq"] for entry in part["entries"]] == [4, 5]
    at_the_end = await synced(client, conversation_id, 5)
    assert (at_the_end["reset"], at_the_end["entries"]) == (False, [])
    of_others = await synced(client, "no such conversation", 3)
    assert of_others["reset"] is True
    assert (of_others["entries"], of_others["firstSeq"], of_others["lastSeq"]) == ([], 1, 0)


async def test_a_long_absence_comes_in_pages_without_a_hole(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    ann, bob = await api.people("ann", "bob")
    sent = [await api.send(ann, bob, f"{number} " * 100) for number in range(60)]
    conversation_id = sent[0]["conversationId"]
    client = await clients.device(server.url, bob)
    seq, entries = 0, []
    while True:
        part = await synced(client, conversation_id, seq, limit=7)
        entries += part["entries"]
        seq = entries[-1]["seq"]
        if not part["hasMore"]:
            break
    assert [entry["data"]["id"] for entry in entries] == [message["id"] for message in sent]


async def test_someone_removed_gets_the_log_up_to_the_removal_and_nothing_after(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    ann, bob = await api.people("ann", "bob")
    group = await group_of(api, ann, bob)
    said = answered(
        await api.post("/messages", ann, {"conversationId": group["id"], "content": "secret"}), 201
    )
    client = await clients.device(server.url, bob)
    path = f"/conversations/{group['id']}/members/{bob.id}"
    assert (await api.http.delete(path, headers=ann.bearer)).status_code == 204
    await client.wait_for(
        "conversation_updated", lambda update: update["change"] == "member_removed"
    )
    await edit(api, ann, said, "changed afterwards")
    answered(
        await api.post("/messages", ann, {"conversationId": group["id"], "content": "later"}), 201
    )

    part = await synced(client, group["id"], 0)
    assert [entry["seq"] for entry in part["entries"]] == [1, 2, 3]
    assert part["entries"][1]["data"]["content"] is None
    assert part["entries"][1]["data"]["updatedSeq"] == 2
    assert (part["lastSeq"], part["hasMore"], part["reset"]) == (3, False, False)
    everything = await client.call("sync", {"conversations": {}})
    assert everything["conversations"] == []
    refused(
        await api.http.get(f"/conversations/{group['id']}", headers=bob.bearer), 404, "not_found"
    )
    assert not [m for m in heard(client, "new_message") if m["content"] == "later"]


async def test_a_hundred_senders_at_once_into_one_conversation_leave_no_hole(
    server: ServerProcess, api: Api
) -> None:
    people = await api.people(*(f"sender{number}" for number in range(20)))
    group = await group_of(api, people[0], *people[1:])

    async def send(number: int) -> Any:
        sender = people[number % len(people)]
        body = {"conversationId": group["id"], "content": f"message {number}"}
        return answered(await api.post("/messages", sender, body), 201)

    sent = await asyncio.gather(*(send(number) for number in range(100)))
    assert sorted(message["seq"] for message in sent) == list(range(2, 102))
    history = await api.history(people[3], group["id"])
    assert {message["id"] for message in history} == {message["id"] for message in sent}


async def test_receipts_rise_and_are_told(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    ann, bob = await api.people("ann", "bob")
    sent = [await api.send(ann, bob, f"{number}") for number in range(3)]
    conversation_id = sent[0]["conversationId"]
    sender, reader = [await clients.device(server.url, person) for person in (ann, bob)]
    mark = {"conversationId": conversation_id, "seq": 2}
    assert await reader.call("mark_delivered", mark) == {
        "ok": True,
        "deliveredSeq": 2,
        "readSeq": 0,
    }
    assert await reader.call("mark_read", mark | {"seq": 1}) == {
        "ok": True,
        "deliveredSeq": 2,
        "readSeq": 1,
    }
    assert await reader.call("mark_read", mark | {"seq": 99}) == {
        "ok": True,
        "deliveredSeq": 3,
        "readSeq": 3,
    }
    await caught_up(sender, ann)
    assert [(each["deliveredSeq"], each["readSeq"]) for each in heard(sender, "receipt")] == [
        (2, 0),
        (2, 1),
        (3, 3),
    ]
    assert heard(reader, "receipt") == []
    path = f"/conversations/{conversation_id}/read"
    back = await api.http.put(path, json={"seq": 1}, headers=bob.bearer)
    assert answered(back, 200) == {"readSeq": 3}


async def test_typing_is_told_to_others_and_ends_by_itself(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    ann, bob = await api.people("ann", "bob")
    conversation_id = (await api.send(ann, bob, "hi"))["conversationId"]
    typist, other_device, watcher = [
        await clients.device(server.url, person) for person in (ann, ann, bob)
    ]
    typing = {"conversationId": conversation_id, "typing": True}
    assert await typist.call("typing", typing) == {"ok": True}
    told = typing | {"userId": ann.id}
    assert await watcher.wait_for("typing") == [told]
    assert await watcher.wait_for("typing") == [told | {"typing": False}]
    await caught_up(other_device, ann)
    assert heard(other_device, "typing") == []
