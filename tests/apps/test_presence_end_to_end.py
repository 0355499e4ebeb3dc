"""Who is online: what others are told, and what they see when they ask."""

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from httpx import AsyncClient

from tests.support.http_client import http_client
from tests.support.raw_socket import PING, raw_socket
from tests.support.server import Api, Person, ServerProcess
from tests.support.socket_clients import KINDS, SocketClient, SocketClients, caught_up, heard
from tests.support.waiting import eventually

pytestmark = pytest.mark.mongodb

every_kind = pytest.mark.parametrize("clients", KINDS, indirect=True)
websockets = pytest.mark.parametrize(
    "clients", ["js-websocket", "js-upgrade", "py-websocket"], indirect=True
)


async def friends(api: Api) -> tuple[Person, Person]:
    """Two people who share a conversation."""
    alice, bob = await api.people("alice", "bob")
    await api.send(alice, bob, "hi")
    return alice, bob


async def told(watching: SocketClient, about: Person) -> Any:
    """The next that one hears of the other's presence."""
    (change,) = await watching.wait_for(
        "presence_changed", lambda change: change["userId"] == about.id
    )
    return change


@websockets
async def test_the_first_device_makes_a_user_online_and_the_last_one_offline(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await friends(api)
    watching = await clients.device(server.url, bob)
    assert await api.presence(alice, bob) == {"online": False, "devices": 0, "lastSeenAt": None}

    devices = [await clients.device(server.url, alice) for _ in range(3)]
    came = await told(watching, alice)
    assert (came["userId"], came["online"]) == (alice.id, True)
    shown = await api.presence(alice, bob)
    assert (shown["online"], shown["devices"]) == (True, 3)
    for left, device in zip((2, 1), devices[:2], strict=True):
        await device.kill()
        await api.devices(alice, bob, left)
        assert (await api.presence(alice, bob))["online"]

    await devices[2].kill()
    went = await told(watching, alice)
    shown = await api.presence(alice, bob)
    assert (shown["online"], shown["devices"]) == (False, 0)
    assert went == {"userId": alice.id, "online": False, "lastSeenAt": shown["lastSeenAt"]}
    assert came["lastSeenAt"] <= went["lastSeenAt"]
    await caught_up(watching, bob)
    changes = [change["online"] for change in heard(watching, "presence_changed")]
    assert changes == [True, False]


@every_kind
async def test_a_goodbye_counts_like_a_cut(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await friends(api)
    watching = await clients.device(server.url, bob)
    one, other = [await clients.device(server.url, alice) for _ in range(2)]
    assert (await told(watching, alice))["online"]

    await one.close()
    await api.devices(alice, bob, 1)
    await other.close()
    assert not (await told(watching, alice))["online"]
    assert (await api.presence(alice, bob))["devices"] == 0


async def test_devices_may_use_different_transports(server: ServerProcess, api: Api) -> None:
    alice, bob = await friends(api)
    opened: list[SocketClient] = []
    async with (
        SocketClients("js-websocket") as js_websocket,
        SocketClients("js-polling") as js_polling,
        SocketClients("js-upgrade") as js_upgrade,
        SocketClients("py-websocket") as py_websocket,
        SocketClients("py-polling") as py_polling,
    ):
        for clients in (js_websocket, js_polling, js_upgrade, py_websocket, py_polling):
            opened.append(await clients.device(server.url, alice))
            assert (await api.presence(alice, bob))["devices"] == len(opened)
        message = await api.send(bob, alice, "to all of you")
        for device in opened:
            assert await device.wait_for("new_message") == [message]


async def test_strangers_are_not_told(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await friends(api)
    eve = await api.person("eve")
    friend, stranger = [await clients.device(server.url, person) for person in (bob, eve)]
    device = await clients.device(server.url, alice)
    assert (await told(friend, alice))["online"]
    await device.close()
    assert not (await told(friend, alice))["online"]
    changed = await api.http.patch(
        "/users/me", json={"displayName": "Alice the First"}, headers=alice.bearer
    )
    assert changed.status_code == 200
    await friend.wait_for("user_updated")

    await caught_up(stranger, eve)
    assert heard(stranger, "presence_changed") == []
    assert heard(stranger, "user_updated") == []


async def test_a_new_display_name_is_pushed_to_friends_and_to_oneself(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    alice, bob = await friends(api)
    devices = [await clients.device(server.url, person) for person in (alice, bob)]
    body = {"displayName": "Alice Ω", "email": f"{alice.username}@example.com"}
    body["currentPassword"] = alice.password
    changed = await api.http.patch("/users/me", json=body, headers=alice.bearer)
    assert changed.json()["email"] == body["email"]

    for device in devices:
        (update,) = await device.wait_for("user_updated")
        assert (update["user"]["id"], update["user"]["displayName"]) == (alice.id, "Alice Ω")
        assert "email" not in update["user"]


async def test_a_client_that_hangs_up_in_a_poll_is_gone(server: ServerProcess, api: Api) -> None:
    alice, bob = await friends(api)
    async with http_client(server.url) as http:
        path = await registered_by_polling(http, alice)
    assert (await api.presence(alice, bob))["devices"] == 1

    address = urlsplit(server.url)
    _, poll = await asyncio.open_connection(address.hostname, address.port)
    poll.write(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
    await poll.drain()
    poll.close()
    await poll.wait_closed()
    await api.devices(alice, bob, 0)


@pytest.mark.prove
async def test_a_client_that_polls_no_more_is_offline_after_the_ping_timeout(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await friends(api)
    async with http_client(server.url) as http:
        await registered_by_polling(http, alice)
    assert (await api.presence(alice, bob))["devices"] == 1

    async def offline() -> bool:
        return not (await api.presence(alice, bob))["online"]

    await eventually(offline, seconds=90)


@pytest.mark.prove
async def test_a_websocket_that_answers_no_ping_is_offline_after_the_ping_timeout(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await friends(api)
    async with raw_socket(server.url) as mute, raw_socket(server.url) as answering:
        await mute.register(alice)
        await answering.register(bob)

        async def answer() -> None:
            while True:
                await answering.receive(PING, timeout=90)
                await answering.send("3")

        answers = asyncio.create_task(answer())
        packets = await mute.closed(timeout=90)
        assert packets[-1] == PING
        assert not (await api.presence(alice, bob))["online"]
        answers.cancel()
        assert (await api.presence(bob, alice))["online"]


async def registered_by_polling(http: AsyncClient, person: Person) -> str:
    """Register as a client that polls; the path to poll at."""
    path = "/socket.io/?EIO=4&transport=polling"
    opened = await http.get(path)
    path += f"&sid={json.loads(opened.text[1:])['sid']}"
    register = json.dumps(["register_user", {"token": person.token}])
    entered = await http.post(path, content=f"40\x1e421{register}")
    assert entered.text == "OK"
    came = ""
    while "431[" not in came:
        came += (await http.get(path)).text
    return path
