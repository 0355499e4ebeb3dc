"""What a connection may make the service do, on each transport, with the rates of a service."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.fuzzed_frames import PING, frame
from tests.support.hostile_peer import OPENED, POLLED, Peer
from tests.support.metrics import scraped, value
from tests.support.raw_socket import deaf_socket
from tests.support.server import PLAIN_ASGI, RUN, Api, ServerProcess

PER_SECOND = 50
"""Events of a connection, by default."""

WEBSOCKET = [
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
]


@pytest.fixture(scope="module", params=[RUN, PLAIN_ASGI], ids=["run", "plain-asgi"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server whose rates hold, but for those of its callers."""
    server = ServerProcess(
        tmp_path_factory.mktemp("budgets"),
        request.param,
        CHAT_RATE_LIMITS="on",
        CHAT_SIGNUPS_PER_ADDRESS=100,
    )
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@dataclass(slots=True)
class Line:
    """A registered connection, by websocket or polling, that sends several packets at once."""

    peer: Peer
    poller: Peer | None
    sid: str = ""
    acks: dict[int, Any] = field(default_factory=dict)

    async def send(self, *packets: str) -> None:
        """Send them in as few writes as the transport has."""
        if self.poller is None:
            self.peer.write(b"".join(frame(each.encode()) for each in packets))
            return
        status, answer = await self.peer.request(
            "POST", f"{POLLED}&sid={self.sid}", "\x1e".join(packets).encode()
        )
        assert (status, answer) == (200, b"OK"), answer

    async def hear(self) -> list[str]:
        """The packets that come next."""
        if self.poller is None:
            return [(await self.peer.heard(b"")).decode()]
        status, body = await self.poller.request("GET", f"{POLLED}&sid={self.sid}")
        assert status == 200
        return body.decode().split("\x1e")

    async def hear_acks(self, number: int) -> None:
        """Listen until so many acks have come."""
        while len(self.acks) < number:
            for packet in await self.hear():
                if packet.startswith("43"):
                    ack_id, _, body = packet[2:].partition("[")
                    self.acks[int(ack_id)] = json.loads(f"[{body}")[0]


@asynccontextmanager
async def hostile(server: ServerProcess) -> AsyncIterator[Peer]:
    peer = await Peer.connected(server.url)
    try:
        yield peer
    finally:
        peer.cut()


@asynccontextmanager
async def line(server: ServerProcess, token: str, transport: str) -> AsyncIterator[Line]:
    async with hostile(server) as peer, hostile(server) as poller:
        made = Line(peer, poller if transport == "polling" else None)
        if transport == "polling":
            _, body = await peer.request("GET", POLLED)
            made.sid = json.loads(body[1:])["sid"]
        else:
            assert await peer.upgrade(OPENED) == 101
        await made.send("40")
        await made.send("42999" + json.dumps(["register_user", {"token": token}]))
        await made.hear_acks(1)
        assert made.acks.pop(999)["ok"]
        yield made


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_past_twice_the_rate_a_connection_is_not_read_and_all_is_answered_later(
    served: ServerProcess, transport: str
) -> None:
    async with Api(served.url) as api, line(served, (await api.person()).token, transport) as flood:
        began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(flood.hear_acks(300))
            for first in (1, 151):
                events = range(first, first + 150)
                await flood.send(*(f'42{number}["no_such_event",{{}}]' for number in events))
        took = asyncio.get_running_loop().time() - began
        codes = [ack["error"]["code"] for _, ack in sorted(flood.acks.items())]
        # The burst, then half of what goes on being read.
        assert codes[:40] == ["invalid"] * 40
        assert codes.count("rate_limited") >= 80
        assert took >= 300 / (2 * PER_SECOND) - 1 - 0.2
        await flood.send('421000["no_such_event",{}]')
        await flood.hear_acks(301)


async def test_a_polling_request_carries_two_hundred_packets_and_no_more(
    served: ServerProcess,
) -> None:
    async with Api(served.url) as api, line(served, (await api.person()).token, "polling") as poll:
        await poll.send(*['42["no_such_event",{}]'] * 200)
        status, _ = await poll.peer.request(
            "POST", f"{POLLED}&sid={poll.sid}", "\x1e".join(['42["x",{}]'] * 201).encode()
        )
        assert status == 400
        assert poll.poller is not None
        status, _ = await poll.poller.request("GET", f"{POLLED}&sid={poll.sid}")
        assert status == 400


@pytest.mark.parametrize("transport", ["websocket", "polling"])
async def test_refused_events_without_an_ack_are_dropped_and_the_connection_stays(
    served: ServerProcess, transport: str
) -> None:
    async with Api(served.url) as api, line(served, (await api.person()).token, transport) as flood:
        await flood.send(*['42["x"]'] * 120)
        await flood.send('425["no_such_event",{}]')
        heard: list[str] = []
        while not any(packet.startswith("435") for packet in heard):
            heard += await flood.hear()
        assert [packet for packet in heard if packet.startswith("4")] == heard[-1:]


async def test_pings_are_answered_with_what_they_carried_at_the_rate_and_no_faster(
    tmp_path: Path,
) -> None:
    """Before CONNECT, too; under another ASGI server it answers them itself."""
    async with (
        ServerProcess(tmp_path, CHAT_RATE_LIMITS="on", CHAT_CONNECT_SECONDS=60) as server,
        hostile(server) as peer,
    ):
        assert await peer.upgrade(OPENED) == 101
        assert await peer.heard(b"0{")
        loop = asyncio.get_running_loop()
        began = loop.time()
        peer.write(b"".join(frame(f"{n}".encode(), PING) for n in range(250)))
        pongs = [await peer.heard(b"") for _ in range(250)]
        assert pongs == [f"{n}".encode() for n in range(250)]
        assert loop.time() - began >= 250 / (2 * PER_SECOND) - 1 - 0.2
        assert value(await scraped(server.url), "chat_rate_limited_total", limit="packets") >= 1


async def flood(deaf: socket.socket, data: bytes) -> None:
    for _ in range(1_000):
        await asyncio.get_running_loop().sock_sendall(deaf, data)


async def test_who_floods_with_pings_and_reads_nothing_is_cut_off(tmp_path: Path) -> None:
    """Without rates, so that only the bound of what waits is left."""
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        async with deaf_socket(server.url, await api.person()) as deaf:
            with pytest.raises(OSError, match=r"reset|[Bb]roken"):
                await flood(deaf, frame(b"x" * 125, PING) * 500)
        assert value(await scraped(server.url), "chat_cut_offs_total") == 1


async def test_every_form_of_connection_upgrades(served: ServerProcess) -> None:
    forms = [
        ["Connection: Upgrade"],
        ["Connection: keep-alive, Upgrade"],
        ["Connection: keep-alive", "Connection: upgrade"],
    ]
    if not served.is_plain_asgi:  # which is uvicorn's own, and reads the last one alone
        forms.append(["Connection: Upgrade", "Connection: keep-alive"])
    for form in forms:
        async with hostile(served) as peer:
            assert (await peer.request("GET", OPENED, b"", *form, *WEBSOCKET))[0] == 101, form


async def test_what_only_claims_to_be_a_websocket_is_refused(served: ServerProcess) -> None:
    for headers in ([], ["Upgrade: websocket"], WEBSOCKET, ["Connection: close", *WEBSOCKET]):
        async with hostile(served) as peer:
            status, body = await peer.request("GET", OPENED, b"", *headers)
            assert status == 400, (headers, status)
            assert json.loads(body)["code"] == "malformed"
    async with hostile(served) as peer:
        assert 400 <= await peer.upgrade(POLLED) < 500
