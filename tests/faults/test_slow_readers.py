"""Twenty megabytes for a client that does not read: it is closed, and costs next to nothing.

`test_stuck_reader` has the same with bounds of its own, a step at a time; here they are the usual.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.bystander import Bystanders, bystanders, p99_ms
from tests.support.live_socket import live_socket
from tests.support.process_usage import resident_bytes
from tests.support.server import PLAIN_ASGI, RUN, Api, Person, ServerProcess
from tests.support.slow_readers import answering_reader, silent_reader
from tests.support.waiting import eventually

CONTENT = "x" * 4_000
AT_ONCE = 4
GROWTH_BYTES = 10 * 2**20
ROUNDS = 3
"""Of which the best counts: the others tell of who else uses the machine's cores."""
FLOOR_MS = 10.0
"""Below that, p99 says more about the machine than about the server."""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells how much memory another process holds"
)

READERS = pytest.mark.parametrize(
    "reader", [silent_reader, answering_reader], ids=["silent", "answering"]
)


@pytest.fixture(params=[RUN, PLAIN_ASGI], ids=["direct", "plain-asgi"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(tmp_path, request.param) as server:
        yield server


async def say(url: str, sender: Person, to: Person, messages: int) -> str:
    """Send so many long messages, a few at once; the conversation's id."""
    body = {"recipientId": to.id, "content": CONTENT}
    async with live_socket(url, sender) as sending:
        for _ in range(0, messages, AT_ONCE):
            calls = (sending.call("send_message", body) for _ in range(AT_ONCE))
            acks = await asyncio.gather(*calls)
        return str(acks[-1]["message"]["conversationId"])


async def flood(
    server: ServerProcess, api: Api, reader: Any, messages: int
) -> tuple[int, list[float], list[float]]:
    """Send so much to someone who does not read: what the memory grew by, and what messages of
    others took beside the same with a reader that reads, and beside this one."""
    async with bystanders(server, api) as pair:
        sender, well, slow = await api.people("sender", "well", "slow")
        async with live_socket(server.url, well):
            usual, _ = await beside(pair, say(server.url, sender, well, messages))
        before = resident_bytes(server.pid)
        async with reader(server.url, slow):
            await api.devices(slow, sender, 1)
            measured, conversation = await beside(pair, say(server.url, sender, slow, messages))
            await api.devices(slow, sender, 0)
            grown = resident_bytes(server.pid) - before
        assert await pair.got_everything()
        async with live_socket(server.url, slow) as back:
            entries = await back.log(conversation)
        assert [entry["seq"] for entry in entries] == [*range(1, messages + 1)]
        assert {entry["data"]["content"] for entry in entries} == {CONTENT}
    assert json.dumps(CONTENT) not in server.log
    if not server.is_plain_asgi:  # another server shows lines of its own only
        assert "disconnected a client" in server.log
    return grown, usual, measured


async def beside(pair: Bystanders, work: Any) -> tuple[list[float], str]:
    """The seconds that messages of others took meanwhile, and what the work gave back."""
    async with pair.chatting() as measured:
        result = await work
    return measured, result


@READERS
async def test_who_stops_reading_is_closed_and_syncs_to_the_exact_history(
    server: ServerProcess, reader: Any
) -> None:
    async with Api(server.url) as api:
        grown, _, _ = await flood(server, api, reader, messages=1_200)
    assert grown < GROWTH_BYTES


@pytest.mark.prove
@READERS
async def test_twenty_megabytes_for_who_stops_reading_harm_nobody(
    server: ServerProcess, reader: Any, record_property: Callable[[str, object], None]
) -> None:
    growths, usual, beside_it = [], [], []
    async with Api(server.url) as api:
        for _ in range(ROUNDS):
            grown, without, measured = await flood(server, api, reader, messages=5_120)
            growths.append(grown)
            usual.append(p99_ms(without))
            beside_it.append(p99_ms(measured))
    figures = {
        "bytes": 5_120 * len(CONTENT),
        "RSS grew by, KiB": [grown // 1024 for grown in growths],
        "p99, ms": {"beside one that reads": usual, "beside this one": beside_it},
    }
    record_property("figures", figures)
    print(figures)  # noqa: T201 - what the run was for
    assert max(growths) < GROWTH_BYTES, figures
    assert min(beside_it) <= max(2 * min(usual), FLOOR_MS), figures


async def test_a_cut_off_client_is_told_of_by_one_line(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, CHAT_OUTBOUND_PACKETS=10) as server, Api(server.url) as api:
        sender, slow = await api.people("sender", "slow")
        for _ in range(3):
            async with silent_reader(server.url, slow):
                await say(server.url, sender, slow, 400)
                await eventually(lambda: "disconnected a client" in server.log)
                await api.devices(slow, sender, 0)
        assert server.log.count("disconnected a client") <= 2
