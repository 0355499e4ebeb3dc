"""Crowds: two thousand that connect and do no more, and two thousand that come back at once."""

import asyncio
import json
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.support.hostile_peer import OPENED, HungUpError, Peer
from tests.support.process_usage import cpu_seconds
from tests.support.server import Api, ServerProcess
from tests.support.waiting import eventually

CROWD = 2_000
SMALL_CROWD = 100
USERS = 200
BACK_SECONDS = 30.0
AT_ONCE = 100

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells which sockets are open"
)


@pytest.fixture(autouse=True)
def _enough_descriptors() -> None:
    """As many open sockets as the system lets this process, and the server it starts, have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most < CROWD + 500:
        pytest.skip(f"this process may open {most} files")


@asynccontextmanager
async def crowd(url: str, greetings: Sequence[str]) -> AsyncIterator[list[Peer]]:
    """A websocket for each greeting, which it has sent if it is any."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def enter(greeting: str) -> Peer:
        async with turn:
            peer = await Peer.connected(url)
            assert await peer.upgrade(OPENED) == 101
            if greeting:
                peer.say(greeting)
            return peer

    async with AsyncExitStack() as stack:
        peers = await asyncio.gather(*map(enter, greetings))
        for peer in peers:
            stack.callback(peer.cut)
        yield peers


async def ended(peer: Peer) -> None:
    """Return once the server has hung up."""
    with pytest.raises(HungUpError):
        await peer.heard(b"what no server says")


@pytest.mark.parametrize(
    "number", [SMALL_CROWD, pytest.param(CROWD, marks=pytest.mark.prove)], ids=str
)
async def test_who_connects_and_never_registers_is_gone_after_the_deadline(
    tmp_path: Path, number: int
) -> None:
    """Half of them not even say that they are there."""
    deadlines = {"CHAT_CONNECT_SECONDS": 2, "CHAT_REGISTRATION_SECONDS": 3}
    async with ServerProcess(tmp_path, **deadlines) as server, Api(server.url) as api:
        alice, bob = await api.people("alice", "bob")
        before = server.sockets
        async with crowd(server.url, ["", "40"] * (number // 2)) as peers:
            await asyncio.gather(*map(ended, peers))
            await eventually(lambda: len(server.sockets) <= len(before))
        assert (await api.send(alice, bob, "still there?"))["seq"] == 1
        assert "Traceback" not in server.log


@pytest.mark.prove
async def test_two_thousand_that_come_back_at_once_are_back_soon_without_a_password_hash(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Each of the users has as many connections as it may; nobody logs in again."""
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        people = [await api.person("many") for _ in range(USERS)]
        connects = [
            "40" + json.dumps({"token": people[number % USERS].token}) for number in range(CROWD)
        ]
        registered = b'42["registration_success"'
        async with crowd(server.url, connects) as peers:
            await asyncio.gather(*(peer.heard(registered) for peer in peers))
        await eventually(lambda: len(server.sockets) < 50)

        hashes = server.log.count("/api/v1/users/login") + server.log.count(" path=/api/v1/users ")
        began, used = time.monotonic(), cpu_seconds(server.pid)
        async with crowd(server.url, connects) as peers:
            await asyncio.gather(*(peer.heard(registered) for peer in peers))
            took, used = time.monotonic() - began, cpu_seconds(server.pid) - used
        figures = {"back after, s": round(took, 2), "CPU of the server, s": round(used, 2)}
        record_property("figures", figures)
        print(figures)  # noqa: T201 - what the run was for
        assert took < BACK_SECONDS, figures
        hashed = server.log.count("/api/v1/users/login") + server.log.count(" path=/api/v1/users ")
        assert hashed == hashes  # only these two calls hash passwords
        assert used < CROWD * 0.005, "a password hash takes several times that"
        assert "Traceback" not in server.log
