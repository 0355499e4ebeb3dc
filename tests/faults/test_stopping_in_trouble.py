"""Stopping when something hangs, when somebody is in a hurry, and under load."""

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from chat_client import ChatClient
from chat_client.socketio_wire import SocketIoWire
from chat_client.state import ConversationState
from chat_client.wire import Disconnected
from tests.support import odd_server, pages
from tests.support.hostile_peer import OPENED, Peer
from tests.support.http_client import http_client
from tests.support.live_socket import LiveSocket, live_socket
from tests.support.machine_speed import times_slower, within
from tests.support.ports import free_port
from tests.support.server import STOP_SECONDS, Api, Person, ServerProcess
from tests.support.stuck import held
from tests.support.waiting import eventually

ODD = (sys.executable, odd_server.__file__, "run")
SOON_SECONDS = 2
BY_SIGNAL = 128


@asynccontextmanager
async def stopping(folder: Path) -> AsyncIterator[tuple[ServerProcess, LiveSocket]]:
    """A server that was told to stop, and can't yet: a message waits for its database."""
    async with ServerProcess(folder) as server, Api(server.url) as api:
        alice, bob = await api.people("alice", "bob")
        await api.send(alice, bob, "before")
        async with live_socket(server.url, alice) as live:
            with held(folder / "chat.db"):
                body = {"recipientId": bob.id, "content": "during"}
                sending = asyncio.create_task(live.call("send_message", body))
                # Whatever comes after it on this connection is answered after it.
                await eventually(lambda: not sending.done())
                server.signal(signal.SIGTERM)
                await live.wait_for("server_closing")
                yield server, live
                sending.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await sending


async def test_from_the_signal_on_it_is_not_ready_and_lets_nobody_new_in(tmp_path: Path) -> None:
    async with stopping(tmp_path) as (server, _):
        async with http_client() as http:
            polling = f"{server.url}/socket.io/?EIO=4&transport=polling"
            refusal, ready = await asyncio.gather(
                http.get(polling), http.get(f"{server.url}/health/ready")
            )
        assert (refusal.status_code, refusal.json()["code"]) == (503, "unavailable")
        assert refusal.headers["retry-after"] == "2"
        assert ready.status_code == 503
        assert "stopping" in ready.json()["down"]
        peer = await Peer.connected(server.url)
        assert await peer.upgrade(OPENED) == 503
        peer.cut()
        assert await server.ended() == 0


async def test_a_database_that_is_held_by_another_process_does_not_keep_it(tmp_path: Path) -> None:
    async with stopping(tmp_path) as (server, _):
        began = time.monotonic()
        assert await server.ended() == 0
        assert time.monotonic() - began < STOP_SECONDS * times_slower()
    assert "the database does not answer: stopped without it" in server.log
    assert "Traceback" not in server.log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(tmp_path: Path, number: signal.Signals) -> None:
    async with stopping(tmp_path) as (server, _):
        server.signal(number)
        assert await within(SOON_SECONDS, server.ended()) == BY_SIGNAL + number
    assert "received a second signal: ended at once" in server.log
    assert "Traceback" not in server.log


@pytest.mark.prove
async def test_a_database_that_never_comes_back_ends_it_with_a_message(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, ODD) as server, Api(server.url) as api:
        alice, bob = await api.people("alice", "bob")
        message = await api.send(alice, bob, "stored before")
        server.signal(signal.SIGUSR2)
        async with live_socket(server.url, alice) as live:
            body = {"recipientId": bob.id, "content": "stored by nobody"}
            sending = asyncio.create_task(live.call("send_message", body))
            await eventually(lambda: _is_down(server.url))
            server.signal(signal.SIGTERM)
            assert await server.ended() == 1
            sending.cancel()
        assert "did not stop within 9 seconds" in server.log
    async with ServerProcess(tmp_path) as again, Api(again.url) as api:
        (stored,) = await api.history(bob, message["conversationId"])
        assert stored["content"] == "stored before"


async def _is_down(url: str) -> bool:
    async with http_client() as http:
        return (await http.get(f"{url}/health/ready")).status_code == 503


# ----------------------------------------------------------------------------------- `make run`
@pytest.mark.skipif(
    not (pages.ROOT / ".venv" / ".server-stamp").exists(), reason="`make run` would install first"
)
async def test_ctrl_c_ends_make_run_at_once_and_without_a_traceback(tmp_path: Path) -> None:
    log = tmp_path / "log"
    port = free_port()
    settings = {"PORT": str(port), "DATABASE_URL": f"sqlite:///{tmp_path}/chat.db"}
    secret = {"JWT_SECRET": "a secret of nobody, which is long enough"}
    with log.open("wb") as output:
        make = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            ["/usr/bin/env", "make", "run"],
            cwd=pages.ROOT,
            env=os.environ | settings | secret | {"CHAT_RATE_LIMITS": "off"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        await eventually(lambda: "serves at" in log.read_text(), seconds=120)
        url = f"http://127.0.0.1:{port}"
        async with Api(url) as api:
            alice, bob = await api.people("alice", "bob")
        async with live_socket(url, alice) as one, live_socket(url, bob) as other:
            os.killpg(make.pid, signal.SIGINT)  # as a terminal does
            await within(SOON_SECONDS, eventually(lambda: make.poll() is not None))
            for live in (one, other):
                await live.wait_for("server_closing")
        assert "Traceback" not in log.read_text()
        assert not (pages.ROOT / "chat.db").exists() or "chat.db" not in log.read_text()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(make.pid, signal.SIGKILL)
        make.wait()


# -------------------------------------------------------------------------------------- under load
@dataclass(slots=True)
class Device:
    """A device that sends on and on, and comes back when it was cut off."""

    url: str
    person: Person
    to: Person
    client: ChatClient
    acked: list[Any] = field(default_factory=list)
    starts: int = 0

    @classmethod
    def of(cls, url: str, person: Person, to: Person) -> "Device":
        return cls(url, person, to, ChatClient(SocketIoWire(url)))

    async def stay(self, over: asyncio.Event) -> None:
        """Until it is over and nothing waits to be acked."""
        writing = asyncio.create_task(self._write(over))
        while not writing.done():
            if self.client.is_connected:
                await eventually(
                    lambda: writing.done() or not self.client.is_connected, seconds=300
                )
                continue
            await asyncio.sleep(self.client.reconnect_after)
            with suppress(Disconnected):
                await self.client.start(self.person.token)
                self.starts += 1
        await writing

    async def _write(self, over: asyncio.Event) -> None:
        for number in itertools.count():
            if over.is_set():
                return
            content = f"{self.person.username} {number}"
            self.acked.append(await self.client.send(content, recipient_id=self.to.id))


@pytest.mark.parametrize("number", [20, pytest.param(200, marks=pytest.mark.prove)])
async def test_under_load_nothing_acked_is_lost_and_all_come_back_and_sync(
    tmp_path: Path, number: int
) -> None:
    async with ServerProcess(tmp_path, PORT=free_port()) as server, AsyncExitStack() as stack:
        async with Api(server.url) as api:
            people: list[Person] = []
            while len(people) < number:
                people += await api.people(*["someone"] * min(20, number - len(people)))
        over = asyncio.Event()
        devices = [
            Device.of(server.url, person, to)
            for one, other in zip(people[::2], people[1::2], strict=True)
            for person, to in ((one, other), (other, one))
        ]
        for each in devices:
            stack.push_async_callback(each.client.stop)
        staying = asyncio.gather(*(each.stay(over) for each in devices))
        await eventually(lambda: all(len(each.acked) >= 3 for each in devices), seconds=120)

        began = time.monotonic()
        await server.stop()  # asserts exit code 0
        assert time.monotonic() - began < STOP_SECONDS * times_slower()
        before = {each.person.id: len(each.acked) for each in devices}
        await server.start()

        def is_back(device: Device) -> bool:
            return device.starts == 2 and len(device.acked) > before[device.person.id]

        await eventually(lambda: all(map(is_back, devices)), seconds=120)
        over.set()
        await staying
        await check_all(server, devices)
        assert "Traceback" not in server.log


async def check_all(server: ServerProcess, devices: list[Device]) -> None:
    """What was acked is stored, once and in order, and each device holds all of it."""
    async with Api(server.url) as api:
        for one, other in zip(devices[::2], devices[1::2], strict=True):
            (conversation,) = (await api.get("/conversations", one.person))["items"]
            stored = await api.history(one.person, conversation["id"])
            assert [each["seq"] for each in stored] == list(range(1, len(stored) + 1))
            by_id = {each["id"]: each["content"] for each in stored}
            assert len({each["content"] for each in stored}) == len(stored)
            for device in (one, other):
                assert {
                    each["id"]: each["content"] for each in device.acked
                }.items() <= by_id.items()
                state = device.client.state.conversations[conversation["id"]]
                await eventually(partial(_reaches, state, len(stored)))
                assert [each["id"] for each in state.history()] == list(by_id)


def _reaches(state: ConversationState, seq: int) -> bool:
    return state.seq == seq
