"""Rates and who may sign up, as a client meets them. Each test calls from an address of its own."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.http_client import http_client
from tests.support.raw_socket import raw_socket
from tests.support.server import PASSWORD, Api, Person, ServerProcess, answered, refused
from tests.support.waiting import eventually

_addresses = (f"192.0.2.{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with small limits that all hold."""
    settings: dict[str, str | int] = {
        "CHAT_RATE_LIMITS": "on",
        "CHAT_TRUSTED_PROXIES": 1,
        "CHAT_MESSAGES_PER_SECOND": 2,
        "CHAT_MESSAGE_BURST": 4,
        "CHAT_EVENTS_PER_SECOND": 10,
        "CHAT_LOGINS_PER_ACCOUNT": 3,
        "CHAT_LOGINS_PER_ADDRESS": 5,
        "CHAT_SIGNUPS_PER_ADDRESS": 6,
        "CHAT_GROUPS_PER_HOUR": 3,
        "CHAT_MEMBERS_PER_HOUR": 4,
        "CHAT_CHANGES_PER_MINUTE": 2,
    }
    server = ServerProcess(tmp_path_factory.mktemp("limited"), **settings)
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def caller(limited: ServerProcess) -> AsyncIterator[Api]:
    """A caller from a new address."""
    async with Api(limited.url, headers={"X-Forwarded-For": next(_addresses)}) as api:
        yield api


def too_often(answer: httpx.Response) -> int:
    """The seconds to wait that a refusal tells."""
    problem = refused(answer, 429, "rate_limited")
    wait = int(answer.headers["retry-after"])
    assert wait == problem["retryAfter"] >= 1
    return wait


async def fail_to_log_in(api: Api, name: str, **headers: str) -> httpx.Response:
    body = {"username": name, "password": "not the password"}
    return await api.http.post("/users/login", json=body, headers=headers)


# ------------------------------------------------------------------------------------- messages
async def test_a_user_sends_a_burst_and_then_so_many_a_second_over_whatever(
    limited: ServerProcess, caller: Api
) -> None:
    alice, bob = await caller.people("alice", "bob")
    body = {"recipientId": bob.id, "content": "hi"}
    async with raw_socket(limited.url) as raw, raw_socket(limited.url) as other:
        await raw.register(alice)
        await other.register(alice)
        answers = await asyncio.gather(*(caller.post("/messages", alice, body) for _ in range(8)))
        stored = [answer for answer in answers if answer.status_code == 201]
        for answer in answers:
            if answer.status_code != 201:
                assert too_often(answer) == 1
        assert 4 <= len(stored) < 8

        acks = [await socket.call("send_message", body) for socket in (raw, other, raw, other)]
        limited_acks = [ack for ack in acks if not ack["ok"]]
        assert limited_acks
        for ack in limited_acks:
            problem = ack["error"]
            assert (problem["code"], problem["status"]) == ("rate_limited", 429)
            assert problem["retryAfter"] == 1

        assert answered(await caller.post("/messages", bob, body | {"recipientId": alice.id}), 201)
        came = len(stored) + len(acks) - len(limited_acks) + 1

        async def sent_again() -> bool:
            return bool((await raw.call("send_message", body))["ok"])

        await eventually(sent_again)
        (conversation,) = (await caller.get("/conversations", bob))["items"]
        assert conversation["lastSeq"] == came + 1


# --------------------------------------------------------------------------------------- groups
async def test_groups_people_in_them_and_their_changes_have_rates_of_their_own(
    limited: ServerProcess, caller: Api
) -> None:
    alice, bob, eve, joe = await caller.people("alice", "bob", "eve", "joe")
    new = {"kind": "group", "title": "Friends", "memberIds": [bob.id, eve.id]}
    named = new | {"clientConversationId": "g1"}
    group = answered(await caller.post("/conversations", alice, named), 201)
    path = f"/conversations/{group['id']}"
    answered(await caller.post("/conversations", alice, new), 201)
    assert 900 <= too_often(await caller.post(f"{path}/members", alice, {"userId": joe.id})) <= 960
    answered(await caller.post("/conversations", alice, new | {"memberIds": []}), 201)
    assert 1140 <= too_often(await caller.post("/conversations", alice, new)) <= 1200
    assert answered(await caller.post("/conversations", alice, named), 200)["id"] == group["id"]

    crowd = [person.id for person in await caller.people("kim", "lee")] + [bob.id, eve.id, joe.id]
    refused(
        await caller.post("/conversations", joe, new | {"memberIds": [alice.id, *crowd]}),
        429,
        "rate_limited",
    )

    for title in ("Others", "Others"):
        answered(await caller.http.patch(path, json={"title": title}, headers=alice.bearer), 200)
    third = await caller.http.patch(path, json={"title": "Third"}, headers=alice.bearer)
    assert 28 <= too_often(third) <= 30
    for name in ("Alice", "Alice A."):
        body = {"displayName": name}
        answered(await caller.http.patch("/users/me", json=body, headers=alice.bearer), 200)
    body = {"displayName": "Alice B."}
    assert too_often(await caller.http.patch("/users/me", json=body, headers=alice.bearer)) <= 30
    left = await caller.http.delete(f"{path}/members/{bob.id}", headers=bob.bearer)
    assert left.status_code == 204

    async with http_client() as plain:
        metrics = (await plain.get(f"{limited.url}/metrics")).text
    for limit in ("groups", "members", "changes", "profile changes"):
        assert f'chat_rate_limited_total{{limit="{limit}"}}' in metrics


async def test_opening_direct_conversations_takes_from_the_rate_of_messages(caller: Api) -> None:
    alice, bob = await caller.people("alice", "bob")
    body = {"kind": "direct", "userId": bob.id}
    answers = await asyncio.gather(*(caller.post("/conversations", alice, body) for _ in range(8)))
    opened = [answer for answer in answers if answer.status_code in {200, 201}]
    for answer in answers:
        if answer not in opened:
            assert too_often(answer) == 1

    assert 4 <= len(opened) < 8
    message = {"recipientId": bob.id, "content": "hi"}
    assert too_often(await caller.post("/messages", alice, message)) == 1


# --------------------------------------------------------------------------------------- events
async def test_a_connection_past_its_events_gets_errors_and_stays_and_nothing_happens(
    limited: ServerProcess, caller: Api
) -> None:
    alice, bob = await caller.people("alice", "bob")
    message = json.dumps(["send_message", {"recipientId": bob.id, "content": "hi"}])
    async with raw_socket(limited.url) as raw, raw_socket(limited.url) as other:
        await raw.register(alice)
        await other.register(alice)
        for number in range(100, 160):
            await raw.send(f"42{number}" + '["no_such_event",{}]')
        for number in range(160, 165):
            await raw.send(f"42{number}{message}")
        acks: dict[int, Any] = {}
        while len(acks) < 65:  # refusals come at once, so before the answers to what is done
            ack_id, _, ack = (await raw.receive("43")).removeprefix("43").partition("[")
            acks |= {int(ack_id): json.loads(f"[{ack}")[0]}

        problems = [ack["error"] for ack in acks.values() if not ack["ok"]]
        codes = [problem["code"] for problem in problems]
        assert acks[100]["error"]["code"] == "invalid"
        assert codes.count("rate_limited") >= 20
        assert {problem.get("retryAfter") for problem in problems} == {None, 1}
        stored = (await caller.get("/conversations", bob))["items"]
        assert sum(each["lastSeq"] for each in stored) == len(acks) - len(problems)
        assert (await other.call("no_such_event", {}))["error"]["code"] == "invalid"
        assert (await caller.presence(alice, bob))["devices"] == 2

        async def works_again() -> bool:
            return bool((await raw.call("register_user", {"token": alice.token}))["ok"])

        await eventually(works_again)


async def test_an_event_past_the_rate_that_asks_for_no_ack_is_dropped_silently(
    limited: ServerProcess, caller: Api
) -> None:
    alice, bob = await caller.people("alice", "bob")
    async with raw_socket(limited.url) as raw:
        await raw.register(alice)
        for _ in range(200):
            await raw.send('42["no_such_event",{}]')

        async def works_again() -> bool:
            return bool((await raw.call("register_user", {"token": alice.token}))["ok"])

        await eventually(works_again)
        assert {packet[:2] for packet in raw.packets} == {"0{", "40", "42", "43"}
        assert raw.heard("auth_error") == []
        assert (await caller.presence(alice, bob))["devices"] == 1


# --------------------------------------------------------------------------------------- logins
async def test_logins_to_one_account_may_fail_so_often_by_whichever_name(caller: Api) -> None:
    alice = await caller.person("alice", email="alice.limited@example.com")
    for name in (alice.username, "Alice.Limited@example.com", alice.username.upper()):
        refused(await fail_to_log_in(caller, name), 401, "invalid_credentials")

    assert too_often(await fail_to_log_in(caller, alice.username)) <= 300
    right = {"email": "alice.limited@example.com", "password": PASSWORD}
    too_often(await caller.http.post("/users/login", json=right))
    elsewhere = {"X-Forwarded-For": next(_addresses)}
    answered(await caller.http.post("/users/login", json=right, headers=elsewhere), 200)


async def test_logins_that_succeed_count_nothing(caller: Api) -> None:
    alice = await caller.person("alice")
    for _ in range(8):
        await caller.log_in(alice.username)
    for _ in range(3):
        refused(await fail_to_log_in(caller, alice.username), 401, "invalid_credentials")
    too_often(await fail_to_log_in(caller, alice.username))


async def test_logins_from_one_address_may_fail_so_often_whoever_is_tried(caller: Api) -> None:
    answers = [await fail_to_log_in(caller, f"nobody{number}") for number in range(8)]
    codes = [answer.json()["code"] for answer in answers]
    assert codes[:5] == ["invalid_credentials"] * 5
    assert codes[-1] == "rate_limited"
    too_often(answers[-1])


async def test_only_the_trusted_hop_of_the_header_counts(caller: Api) -> None:
    """What the client itself put in front of it does not."""
    address = next(_addresses)
    forged = [{"X-Forwarded-For": f"10.0.0.{number}, {address}"} for number in range(8)]
    answers = [
        await fail_to_log_in(caller, f"nobody{number}", **headers)
        for number, headers in enumerate(forged)
    ]
    too_often(answers[-1])


async def test_another_port_or_another_address_of_a_network_has_no_count_of_its_own(
    caller: Api,
) -> None:
    address = next(_addresses)
    same = [
        [f"{address}:{4711 + number}" for number in range(8)],
        [f"[2001:db8:99:1::{number}]:443" for number in range(8)],
    ]
    for addresses in same:
        answers = [
            await fail_to_log_in(caller, f"nobody{number}", **{"X-Forwarded-For": each})
            for number, each in enumerate(addresses)
        ]
        assert {answer.status_code for answer in answers[:5]} == {401}
        too_often(answers[-1])


async def test_without_trusted_proxies_the_header_counts_nothing(tmp_path: Path) -> None:
    async with (
        ServerProcess(tmp_path, CHAT_RATE_LIMITS="on", CHAT_LOGINS_PER_ADDRESS=2) as server,
        Api(server.url) as api,
    ):
        answers = [
            await fail_to_log_in(api, f"nobody{n}", **{"X-Forwarded-For": next(_addresses)})
            for n in range(4)
        ]
        too_often(answers[-1])


# --------------------------------------------------------------------------------------- signups
async def test_so_many_sign_up_from_one_address(caller: Api) -> None:
    people: list[Person] = [await caller.person("new") for _ in range(6)]
    body = {"username": f"{people[0].username}.more", "password": PASSWORD}
    assert 1 <= too_often(await caller.http.post("/users", json=body)) <= 600
    elsewhere = {"X-Forwarded-For": next(_addresses)}
    answered(await caller.http.post("/users", json=body, headers=elsewhere), 201)


async def test_where_signing_up_is_closed_nobody_can(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        alice = await api.person("alice")
    async with ServerProcess(tmp_path, CHAT_SIGNUPS="off") as server, Api(server.url) as api:
        body = {"username": "another", "password": PASSWORD}
        refused(await api.http.post("/users", json=body), 403, "signups_closed")
        assert (await api.log_in(alice.username)).id == alice.id
