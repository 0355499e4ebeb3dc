"""Groups: made once, changed by whom their roles allow, and told to members before and after."""

from typing import Any

import pytest

from tests.support.server import Api, Person, ServerProcess, answered, refused
from tests.support.socket_clients import SocketClients, caught_up, heard

pytestmark = pytest.mark.mongodb


async def create(api: Api, owner: Person, *members: Person, **more: Any) -> Any:
    body = {"kind": "group", "title": "team", "memberIds": [each.id for each in members], **more}
    return await api.post("/conversations", owner, body)


async def test_a_group_is_made_once_under_a_client_id(api: Api) -> None:
    ann, bob = await api.people("ann", "bob")
    first = answered(await create(api, ann, bob, clientConversationId="c1"), 201)
    assert answered(await create(api, ann, bob, clientConversationId="c1"), 200) == first
    refused(
        await create(api, ann, bob, clientConversationId="c1", title="other"),
        409,
        "client_id_conflict",
    )
    assert first["kind"] == "group"
    assert (first["firstSeq"], first["lastSeq"], first["lastMessage"]) == (1, 1, None)
    assert {each["userId"]: each["role"] for each in first["members"]} == {
        ann.id: "owner",
        bob.id: "member",
    }


async def test_a_direct_conversation_is_opened_empty_and_once(api: Api) -> None:
    ann, bob = await api.people("ann", "bob")
    body = {"kind": "direct", "userId": bob.id}
    first = answered(await api.post("/conversations", ann, body), 201)
    assert (first["firstSeq"], first["lastSeq"]) == (1, 0)
    again = await api.post("/conversations", bob, {"kind": "direct", "userId": ann.id})
    assert answered(again, 200)["id"] == first["id"]
    assert (await api.send(ann, bob, "hi"))["conversationId"] == first["id"]
    for wrong in (
        {"kind": "direct"},
        {"kind": "direct", "userId": ann.id},
        {"kind": "direct", "userId": bob.id, "title": "x"},
        {"kind": "group", "title": "x"},
        {"kind": "group", "title": "", "memberIds": []},
    ):
        refused(await api.post("/conversations", ann, wrong), 422, "invalid")
    nobody = {"kind": "direct", "userId": "nobody"}
    refused(await api.post("/conversations", ann, nobody), 404, "recipient_not_found")


async def test_a_list_shows_twenty_members_oneself_first_and_one_conversation_all(
    api: Api,
) -> None:
    owner, *others = await api.people(*(f"member{number}" for number in range(22)))
    group = answered(await create(api, owner, *others), 201)
    last = max(others, key=lambda each: each.id)
    by_id = sorted(each.id for each in (owner, *others))
    expected = [last.id, *(each for each in by_id if each != last.id)]

    (listed,) = (await api.get("/conversations", last))["items"]
    whole = await api.get(f"/conversations/{group['id']}", last)
    assert [each["userId"] for each in listed["members"]] == expected[:20]
    assert [each["userId"] for each in whole["members"]] == expected
    assert [each["memberCount"] for each in (group, listed, whole)] == [22] * 3
    assert listed == {**whole, "members": whole["members"][:20]}


async def test_members_are_listed_page_by_page_for_members_only(api: Api) -> None:
    owner, *others, stranger = await api.people("ann", "bob", "eve", "joe")
    group = answered(await create(api, owner, *others), 201)
    path = f"/conversations/{group['id']}/members"

    first = await api.get(path, owner, limit=2)
    second = await api.get(path, owner, limit=2, cursor=first["nextCursor"])
    assert second["nextCursor"] is None
    members = first["items"] + second["items"]
    assert [each["userId"] for each in members] == sorted(each.id for each in (owner, *others))
    assert {each["userId"]: each["role"] for each in members}[owner.id] == "owner"
    whole = await api.get(f"/conversations/{group['id']}", owner)
    assert sorted(members, key=str) == sorted(whole["members"], key=str)
    refused(await api.http.get(path, headers=stranger.bearer), 404, "not_found")
    refused(await api.http.get(path, headers=owner.bearer, params={"limit": 0}), 422, "invalid")


async def test_roles_decide_who_may_change_what(api: Api) -> None:
    owner, admin, member, guest = await api.people("owner", "admin", "member", "guest")
    group = answered(await create(api, owner, admin, member), 201)
    path = f"/conversations/{group['id']}"

    async def role(by: Person, of: Person, role: str) -> Any:
        where = f"{path}/members/{of.id}"
        return await api.http.patch(where, json={"role": role}, headers=by.bearer)

    async def add(by: Person, whom: Person, **more: str) -> Any:
        return await api.post(f"{path}/members", by, {"userId": whom.id, **more})

    async def remove(by: Person, whom: Person) -> Any:
        return await api.http.delete(f"{path}/members/{whom.id}", headers=by.bearer)

    answered(await role(owner, admin, "admin"), 200)
    refused(await role(admin, member, "admin"), 403, "forbidden")
    refused(await add(member, guest), 403, "forbidden")
    refused(await add(admin, guest, role="admin"), 403, "forbidden")
    answered(await add(admin, guest), 201)
    refused(await add(admin, guest), 409, "already_member")
    refused(await remove(admin, owner), 403, "forbidden")
    refused(await remove(member, guest), 403, "forbidden")
    assert (await remove(admin, guest)).status_code == 204
    refused(await remove(owner, owner), 409, "last_owner")
    refused(await role(owner, owner, "member"), 409, "last_owner")
    rename = await api.http.patch(path, json={"title": "x"}, headers=member.bearer)
    refused(rename, 403, "forbidden")
    refused(await api.http.get(path, headers=guest.bearer), 404, "not_found")
    said = answered(
        await api.post("/messages", member, {"conversationId": group["id"], "content": "hm"}), 201
    )
    where = f"/messages/{said['id']}"
    edit = await api.http.patch(where, json={"content": "ha"}, headers=admin.bearer)
    refused(edit, 403, "forbidden")
    deleted = answered(await api.http.delete(where, headers=admin.bearer), 200)
    assert deleted["content"] is None
    again = answered(await api.http.delete(where, headers=admin.bearer), 200)
    assert again["updatedSeq"] == deleted["updatedSeq"]
    edit = await api.http.patch(where, json={"content": "ha"}, headers=member.bearer)
    refused(edit, 422, "invalid")
    assert (await remove(member, member)).status_code == 204


async def test_a_change_of_members_is_told_to_those_before_and_after(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    ann, bob, cyd, eve = await api.people("ann", "bob", "cyd", "eve")
    group = answered(await create(api, ann, bob), 201)
    devices = {
        person.username: await clients.device(server.url, person) for person in (bob, cyd, eve)
    }
    path = f"/conversations/{group['id']}/members"
    answered(await api.post(path, ann, {"userId": cyd.id}), 201)
    assert (await api.http.delete(f"{path}/{bob.id}", headers=ann.bearer)).status_code == 204
    for person in (bob, cyd, eve):
        await caught_up(devices[person.username], person)
    changes = {
        name: [each["change"] for each in heard(client, "conversation_updated")]
        for name, client in devices.items()
    }
    assert changes == {
        bob.username: ["member_added", "member_removed"],
        cyd.username: ["member_added", "member_removed"],
        eve.username: [],
    }


async def test_a_repeat_is_answered_even_to_someone_who_was_removed_or_blocked(api: Api) -> None:
    ann, bob = await api.people("ann", "bob")
    group = answered(await create(api, ann, bob), 201)["id"]
    body = {"conversationId": group, "content": "once", "clientMessageId": "c1"}
    first = answered(await api.post("/messages", bob, body), 201)
    path = f"/conversations/{group}/members/{bob.id}"
    assert (await api.http.delete(path, headers=ann.bearer)).status_code == 204
    assert answered(await api.post("/messages", bob, body), 200) == first
    refused(await api.post("/messages", bob, body | {"clientMessageId": "c2"}), 404, "not_found")

    direct = {"recipientId": ann.id, "content": "hi", "clientMessageId": "c3"}
    sent = answered(await api.post("/messages", bob, direct), 201)
    block = await api.http.put(f"/users/{bob.id}/block", headers=ann.bearer)
    assert block.status_code == 204
    assert answered(await api.post("/messages", bob, direct), 200) == sent
    for sender, recipient in ((ann, bob), (bob, ann)):
        new = {"recipientId": recipient.id, "content": "new"}
        refused(await api.post("/messages", sender, new), 403, "blocked")
    blocked = await api.get("/blocks", ann)
    assert [each["id"] for each in blocked["items"]] == [bob.id]
    unblock = await api.http.delete(f"/users/{bob.id}/block", headers=ann.bearer)
    assert unblock.status_code == 204
    await api.send(bob, ann, "again")


async def test_names_come_back_as_they_will_be_shown_or_are_refused(api: Api) -> None:
    ann = await api.person("ann")
    hiding, turning = " Ann\u200b e\u0301 ", "Ann\u202e"
    group = {"kind": "group", "title": hiding, "memberIds": []}
    made = answered(await api.post("/conversations", ann, group), 201)
    assert made["title"] == "Ann \u00e9"
    changes = [
        ("PATCH", f"/conversations/{made['id']}", "title"),
        ("PATCH", "/users/me", "displayName"),
    ]
    for method, path, field in changes:
        body = {field: hiding}
        changed = await api.http.request(method, path, json=body, headers=ann.bearer)
        assert answered(changed, 200)[field] == "Ann \u00e9"
        again = await api.http.request(method, path, json={field: turning}, headers=ann.bearer)
        (error,) = refused(again, 422, "invalid")["errors"]
        assert error == {
            "field": field,
            "message": "must not contain characters that change the direction of the text",
        }
    device = await api.log_in(ann.username, device=hiding)
    (listed,) = [
        each
        for each in (await api.get("/sessions", device))["items"]
        if each["id"] == device.session_id
    ]
    assert listed["device"] == "Ann \u00e9"
