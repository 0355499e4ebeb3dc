"""Stopping the service while people use it."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from chat_core.services.revocation import Revocations
from chat_core.testing.clock import ManualClock
from chat_core.testing.ids import CountedIds
from chat_server.asgi import create_app
from chat_server.settings import load_settings
from tests.support.machine_speed import times_slower
from tests.support.raw_socket import deaf_socket, raw_socket
from tests.support.server import SECRET, STOP_SECONDS, Api, ServerProcess, answered
from tests.support.simulation import Gate, Server, new_device
from tests.support.socket_clients import KINDS, SocketClients
from tests.support.stores import memory_stores
from tests.support.waiting import eventually, settle, until


async def test_it_stops_soon_and_well_and_tells_every_client(tmp_path: Path) -> None:
    async with (
        ServerProcess(tmp_path) as server,
        Api(server.url) as api,
        SocketClients(KINDS[0]) as one,
        SocketClients(KINDS[1]) as two,
        SocketClients(KINDS[2]) as three,
        SocketClients(KINDS[3]) as four,
        SocketClients(KINDS[4]) as five,
    ):
        alice = await api.person("alice")
        clients = [await kind.device(server.url, alice) for kind in (one, two, three, four, five)]
        began = time.monotonic()
        await server.stop()

        assert time.monotonic() - began < STOP_SECONDS * times_slower()
        waits = set()
        for client in clients:
            (told,) = await client.wait_for("server_closing")
            waits.add(told["reconnectAfterMs"])
            await client.wait_for("$disconnect")
        assert len(waits) == len(clients)
        assert min(waits) >= 1000
        assert "Traceback" not in server.log


async def test_what_was_asked_before_a_stop_is_answered_first() -> None:
    async with memory_stores() as stores:
        gate = Gate()
        server = Server(stores, ManualClock(), CountedIds(), gate)
        _, bob = await server.sign_up("ann"), await server.sign_up("bob")
        device = await new_device(server, "phone", "ann", CountedIds())
        await device.client.start(device.token)
        assert device.wire.link

        gate.is_open = False
        sending = asyncio.create_task(device.client.send("hi", recipient_id=bob))
        await until(lambda: gate.waiting)
        finishing = asyncio.create_task(server.dispatcher.finish([device.wire.link.connection]))
        await settle()
        assert not finishing.done()
        gate.open()
        await finishing
        assert (await sending)["content"] == "hi"


async def test_it_stops_while_clients_neither_read_nor_speak_the_protocol(tmp_path: Path) -> None:
    async with (
        ServerProcess(tmp_path) as server,
        Api(server.url) as api,
        raw_socket(server.url),
        raw_socket(server.url) as entered,
    ):
        alice, bob = await api.people("alice", "bob")
        await entered.enter()
        async with deaf_socket(server.url, bob):
            await asyncio.gather(*(api.send(alice, bob, "x" * 4000) for _ in range(100)))
            await server.stop()
        await entered.closed()
        assert "Traceback" not in server.log


@pytest.mark.parametrize("times", [1, 1000], ids=["once", "always"])
async def test_a_database_driver_that_swallows_a_cancellation_does_not_hold_the_stop_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    swallowed, over = 0, asyncio.Event()

    async def run(_: Revocations) -> None:
        nonlocal swallowed
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed > times:
                    raise
        raise asyncio.CancelledError

    monkeypatch.setattr(Revocations, "run", run)
    monkeypatch.chdir(tmp_path)
    app = create_app(load_settings(DATABASE_URL="memory://", JWT_SECRET=SECRET))
    async with app.lifespan():
        await settle()
    assert swallowed >= 1
    over.set()
    await settle()


async def test_what_was_acked_before_the_stop_is_there_after_it(tmp_path: Path) -> None:
    stored: list[str] = []
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        alice, bob = await api.people("alice", "bob")

        async def send_on() -> None:
            while True:
                body = {"recipientId": bob.id, "content": f"{len(stored)}"}
                answer = await api.post("/messages", alice, body)
                stored.append(answered(answer, 201)["id"])

        sending = asyncio.create_task(send_on())
        await eventually(lambda: len(stored) >= 50)
        await server.stop()
        with pytest.raises((httpx.TransportError, AssertionError)):
            await sending
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        (conversation,) = (await api.get("/conversations", bob))["items"]
        history = await api.history(bob, conversation["id"])
        assert [message["id"] for message in history][: len(stored)] == stored
        assert [message["seq"] for message in history] == list(range(1, len(history) + 1))
        assert len(history) - len(stored) in {0, 1}


async def test_after_a_restart_nobody_is_online_and_everybody_was_seen(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server, SocketClients("py-websocket") as clients:
        async with Api(server.url) as api:
            alice, bob = await api.people("alice", "bob")
            await clients.device(server.url, alice)
            during = (await api.presence(alice, bob))["lastSeenAt"]
        await server.stop()
        await server.start()
        async with Api(server.url) as api:
            after = await api.presence(alice, bob)
        assert (after["online"], after["devices"]) == (False, 0)
        assert after["lastSeenAt"] >= during
