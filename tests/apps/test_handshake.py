"""From the first packet to a registered connection, and to its end."""

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.metrics import scraped, value
from tests.support.raw_socket import raw_socket
from tests.support.server import Api, Person, ServerProcess, refused
from tests.support.socket_clients import KINDS, SocketClients, caught_up, heard
from tests.support.tokens import bad_tokens, expired, forged
from tests.support.waiting import eventually

pytestmark = pytest.mark.mongodb

every_kind = pytest.mark.parametrize("clients", KINDS, indirect=True)
one_kind = pytest.mark.parametrize("clients", ["py-websocket"], indirect=True)


def failed(ack: Any, code: str) -> None:
    assert ack["ok"] is False
    assert ack["error"]["code"] == code


# --------------------------------------------------------------------------------- registering
@every_kind
async def test_each_device_is_told_how_many_there_are_now(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice = await api.person("alice")
    for number in (1, 2, 3):
        client = await clients.connect(server.url)
        ack = await client.call("register_user", {"token": alice.token})
        (success,) = await client.wait_for("registration_success")

        assert ack == success | {"ok": True}
        assert (success["userId"], success["sessionId"]) == (alice.id, alice.session_id)
        assert success["devices"] == number
        assert success["serverTime"] < success["expiresAt"]
        assert heard(client, "auth_error") == []


async def test_registering_needs_no_ack(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice = await api.person("alice")
    client = await clients.connect(server.url)
    await client.emit("register_user", {"token": alice.token, "device": "a telephone"})

    (success,) = await client.wait_for("registration_success")
    assert success["userId"] == alice.id


@every_kind
async def test_a_token_may_travel_in_the_connect(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice = await api.person("alice")
    auth = {"token": alice.token, "device": "a tablet"}
    client = await clients.connect(server.url, auth=auth)

    (success,) = await client.wait_for("registration_success")
    assert (success["userId"], success["devices"]) == (alice.id, 1)


async def test_a_bad_token_in_the_connect_may_be_followed_by_a_good_one(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice = await api.person("alice")
    client = await clients.connect(server.url, auth={"token": "none of yours"})
    (error,) = await client.wait_for("auth_error")
    assert error["code"] == "token_invalid"

    ack = await client.call("register_user", {"token": alice.token})
    assert (ack["ok"], ack["devices"]) == (True, 1)


@one_kind
async def test_a_token_that_is_none_of_ours_is_refused_by_event_and_ack(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await api.people("alice", "bob")
    for wrong, token in bad_tokens(alice.token).items():
        client = await clients.connect(server.url)
        ack = await client.call("register_user", {"token": token})

        failed(ack, "token_invalid")
        (error,) = heard(client, "auth_error")
        assert error["code"] == "token_invalid", wrong
        assert error["message"], wrong
        failed(await client.call("send_message", to(bob)), "unauthenticated")
    assert await api.presence(alice, bob) == {"online": False, "devices": 0, "lastSeenAt": None}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        [None],
        ["a token"],
        [17],
        [["token"]],
        [{}],
        [{"token": None}],
        [{"token": 17}],
        [{"token": ["a"]}],
        [{"token": "a", "userId": "b"}],
        [{"token": "a"}, {"token": "a"}],
    ],
    ids=repr,
)
@one_kind
async def test_a_malformed_registration_is_a_bad_token(
    server: ServerProcess, clients: SocketClients, arguments: list[Any]
) -> None:
    client = await clients.connect(server.url)
    failed(await client.call("register_user", *arguments), "token_invalid")

    (error,) = await client.wait_for("auth_error")
    assert error["code"] == "token_invalid"


async def test_an_expired_token_is_refused(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice = await api.person("alice")
    client = await clients.connect(server.url)
    failed(await client.call("register_user", {"token": expired(alice.token)}), "token_expired")

    (error,) = await client.wait_for("auth_error")
    assert error["code"] == "token_expired"


@every_kind
async def test_the_third_failure_ends_the_connection(
    server: ServerProcess, clients: SocketClients
) -> None:
    client = await clients.connect(server.url)
    for _ in range(3):
        assert heard(client, "$disconnect") == []
        failed(await client.call("register_user", {"token": "none"}), "token_invalid")

    await client.wait_for("$disconnect")
    assert len(heard(client, "auth_error")) == 3


async def test_after_the_third_failure_the_transport_ends_too(server: ServerProcess) -> None:
    async with raw_socket(server.url) as raw:
        await raw.enter()
        for _ in range(3):
            failed(await raw.call("register_user", {"token": "none"}), "token_invalid")
        assert "41" in await raw.closed()


async def test_who_has_not_registered_can_only_register(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await api.people("alice", "bob")
    client = await clients.connect(server.url)
    failed(await client.call("send_message", to(bob)), "unauthenticated")
    failed(await client.call("no_such_event", {}), "unauthenticated")

    assert (await client.call("register_user", {"token": alice.token}))["ok"]
    assert (await api.get("/conversations", bob))["items"] == []


# --------------------------------------------------------------------------- registering again
async def test_another_session_leaves_the_first_registration_as_it_was(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await api.people("alice", "bob")
    again = await api.log_in(alice.username)
    client = await clients.device(server.url, alice)
    for other in (bob, again):
        failed(await client.call("register_user", {"token": other.token}), "already_registered")
        (error,) = await client.wait_for("auth_error")
        assert error["code"] == "already_registered"

    ack = await client.call("send_message", to(bob))
    assert ack["message"]["senderId"] == alice.id
    assert (await api.presence(bob, alice))["devices"] == 0
    assert (await api.presence(alice, bob))["devices"] == 1


async def test_the_same_token_renews_and_counts_no_device_twice(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice = await api.person("alice")
    client = await clients.connect(server.url)
    acks = [await client.call("register_user", {"token": alice.token}) for _ in range(4)]

    assert [(ack["ok"], ack["devices"]) for ack in acks] == [(True, 1)] * 4
    assert len(heard(client, "registration_success")) == 4
    assert heard(client, "auth_error") == []


@one_kind
async def test_who_has_as_many_connections_as_one_may_have_gets_no_other(
    strict_server: ServerProcess, strict_api: Api, clients: SocketClients
) -> None:
    alice, bob = await strict_api.people("alice", "bob")
    first, _ = [await clients.device(strict_server.url, alice) for _ in range(2)]
    third = await clients.connect(strict_server.url)
    ack = await third.call("register_user", {"token": alice.token})
    failed(ack, "too_many_connections")
    assert ack["error"]["status"] == 429
    (error,) = await third.wait_for("auth_error")
    assert error["code"] == "too_many_connections"
    assert (await strict_api.presence(alice, bob))["devices"] == 2
    series = await scraped(strict_server.url)
    assert value(series, "chat_rate_limited_total", limit="connections per user") >= 1

    await first.kill()
    await strict_api.devices(alice, bob, 1)
    again = await clients.device(strict_server.url, alice)
    (success,) = await again.wait_for("registration_success")
    assert success["devices"] == 2


# ----------------------------------------------------------------------------------- deadlines
async def test_who_never_sends_connect_is_cut_off(
    strict_server: ServerProcess, strict_api: Api
) -> None:
    alice = await strict_api.person("alice")
    async with raw_socket(strict_server.url) as silent, raw_socket(strict_server.url) as talking:
        await talking.register(alice)
        assert len(await silent.closed()) == 1
        assert (await talking.call("no_such_event", {}))["error"]["code"] == "invalid"


@every_kind
async def test_who_never_registers_is_told_and_cut_off(
    strict_server: ServerProcess, clients: SocketClients
) -> None:
    client = await clients.connect(strict_server.url)
    (error,) = await client.wait_for("auth_error")
    assert error["code"] == "registration_timeout"
    await client.wait_for("$disconnect")


async def test_who_never_registers_loses_the_transport_too(
    strict_server: ServerProcess, strict_api: Api
) -> None:
    alice = await strict_api.person("alice")
    async with raw_socket(strict_server.url) as silent, raw_socket(strict_server.url) as registered:
        await registered.register(alice)
        await silent.enter()
        *_, told, goodbye = await silent.closed()
        assert json.loads(told[2:])[1]["code"] == "registration_timeout"
        assert goodbye == "41"
        assert (await registered.call("no_such_event", {}))["error"]["code"] == "invalid"


@every_kind
async def test_a_connection_ends_with_its_token(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await api.people("alice", "bob")
    client = await clients.device(server.url, short_lived(alice))
    ack = await client.call("send_message", to(bob))
    assert ack["ok"]

    (error,) = await client.wait_for("auth_error")
    assert error["code"] == "token_expired"
    await client.wait_for("$disconnect")
    await api.devices(alice, bob, 0)


async def test_when_the_token_ends_the_transport_ends_too(server: ServerProcess, api: Api) -> None:
    alice = await api.person("alice")
    async with raw_socket(server.url) as raw:
        await raw.register(short_lived(alice))
        *_, told, goodbye = await raw.closed()
        assert json.loads(told[2:]) == [
            "auth_error",
            {"code": "token_expired", "message": "The token has expired"},
        ]
        assert goodbye == "41"


async def test_a_newer_token_of_the_session_lets_a_connection_outlive_the_first(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await api.people("alice", "bob")
    brief = short_lived(alice)
    async with raw_socket(server.url) as renewed, raw_socket(server.url) as not_renewed:
        await renewed.register(brief)
        await not_renewed.register(brief)
        ack = await renewed.call("register_user", {"token": alice.token})
        assert (ack["ok"], ack["devices"]) == (True, 2)

        await not_renewed.closed()
        assert (await renewed.call("send_message", to(bob)))["ok"]
        assert renewed.heard("auth_error") == []


async def test_tokens_live_as_long_as_the_setting_says(tmp_path: Path) -> None:
    async with (
        ServerProcess(tmp_path, CHAT_ACCESS_TOKEN_SECONDS=1) as server,
        Api(server.url) as api,
    ):
        alice = await api.person("alice")

        async def is_over() -> bool:
            response = await api.http.get("/users/me", headers=alice.bearer)
            return bool(response.status_code == 401 and refused(response, 401, "token_expired"))

        await eventually(is_over)
        async with raw_socket(server.url) as raw:
            await raw.enter()
            failed(await raw.call("register_user", {"token": alice.token}), "token_expired")


async def test_http_refuses_a_token_whose_time_is_over(server: ServerProcess, api: Api) -> None:
    alice = await api.person("alice")
    for token, code in ((expired(alice.token), "token_expired"), ("x", "token_invalid")):
        response = await api.http.get("/users/me", headers={"Authorization": f"Bearer {token}"})
        assert (response.status_code, response.json()["code"]) == (401, code)


async def test_registering_at_once_from_many_sockets_counts_each_once(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await api.people("alice", "bob")
    opened = [await clients.connect(server.url) for _ in range(8)]
    token = {"token": alice.token}
    acks = await asyncio.gather(*(client.call("register_user", token) for client in opened))

    assert sorted(ack["devices"] for ack in acks) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert (await api.presence(alice, bob))["devices"] == 8
    await caught_up(opened[0], alice)


def short_lived(person: Person) -> Person:
    """With a token that ends in a few seconds."""
    return replace(person, token=forged(person.token, exp=int(time.time()) + 3))


def to(recipient: Person) -> dict[str, str]:
    return {"recipientId": recipient.id, "content": "hi"}
