"""Mangled packets, over every transport: nobody else notices, and the log has no mistake."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests.support.bystander import Bystanders, bystanders, p99_ms
from tests.support.pages import ROOT
from tests.support.process_usage import resident_bytes
from tests.support.server import PLAIN_ASGI, RUN, Api, ServerProcess
from tests.support.server_log import mistakes
from tests.support.waiting import eventually

MARK = "fuzzed-content-7ee1"
ATTACKERS = 30
ROUNDS = 10
GROWTH_BYTES = 4 * 2**20
"""What the second half of them may leave: the store's pages, and the heap's holes."""
FLOOR_MS = 10.0
"""Below that, p99 says more about who else uses the machine's cores."""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells how much memory another process holds"
)


@pytest.fixture(params=[RUN, PLAIN_ASGI], ids=["direct", "plain-asgi"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """In production, where a line of the log is one JSON object with its level."""
    async with ServerProcess(
        tmp_path,
        request.param,
        CHAT_ENV="production",
        HOST="127.0.0.1",
        CHAT_CONNECT_SECONDS=1,
        CHAT_ACCESS_TOKEN_SECONDS=36_000,  # the long run outlasts the usual
    ) as server:
        yield server


async def orders(server: ServerProcess, api: Api, **more: Any) -> dict[str, Any]:
    """For `packet_fuzzer`, with a user for each attacker, and something to aim at."""
    people = [await api.person("attacker") for _ in range(ATTACKERS)]
    message = await api.send(people[0], people[1], MARK)
    words = {"USER": people[1].id, "CONVERSATION": message["conversationId"], "MARK": MARK}
    tokens = [person.token for person in people]
    return {"url": server.url, "tokens": tokens, "words": words, **more}


async def fill_caches(api: Api) -> None:
    """What SQLite keeps of a file in memory, 2 MB a connection, is to be there from the start."""
    talker, listener = await api.people("talker", "listener")
    for _ in range(1_200):
        sent = await api.send(talker, listener, "x" * 4_000)
    for _ in range(8):  # so that each of its threads reads it
        await api.history(listener, sent["conversationId"])


async def fuzzed(what: dict[str, Any], *, seconds: float) -> Any:
    """Run the fuzzer to its end; its report."""
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.packet_fuzzer",
        json.dumps(what),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        printed, _ = await asyncio.wait_for(program.communicate(), seconds)
    finally:
        if program.returncode is None:
            program.kill()
    assert program.returncode == 0
    return json.loads(printed)


async def hold_out(
    server: ServerProcess, pair: Bystanders, what: dict[str, Any], seconds: float
) -> tuple[Any, list[float]]:
    """Fuzz while the bystanders chat; what the fuzzer reports, and how long messages took."""
    async with pair.chatting() as measured:
        report = await fuzzed(what, seconds=seconds)
    assert report["hung"] == []
    assert report["packets"] >= what["packets"]
    assert all(int(status) < 500 for status in report["statuses"]), report
    assert await pair.got_everything()
    assert server.is_running
    assert mistakes(server) == []
    return report, measured


async def test_some_thousand_mangled_packets_harm_nobody(server: ServerProcess) -> None:
    async with Api(server.url) as api, bystanders(server, api) as pair:
        what = await orders(server, api, seed=1, packets=2_000)
        held = server.sockets
        report, _ = await hold_out(server, pair, what, 60)
        assert set(report["over"]) == {"websocket", "polling", "upgrade", "handshake"}
        await eventually(lambda: len(server.sockets) <= len(held) + 1)
    assert MARK not in server.log
    assert server.log.count("refused a packet") <= 2 + 2 * 60 / 10
    await server.stop()  # well, and soon


@pytest.mark.prove
async def test_two_hundred_thousand_mangled_packets_take_no_memory(
    server: ServerProcess, record_property: Callable[[str, object], None]
) -> None:
    """After each round as fast a one of right packets, to compare the bystanders' p99 with."""
    async with Api(server.url) as api, bystanders(server, api) as pair:
        what = await orders(server, api)
        await fill_caches(api)
        resident, usual, beside = [resident_bytes(server.pid)], list[float](), list[float]()
        for seed in range(ROUNDS):
            mangled = {"seed": seed, "packets": 200_000 // ROUNDS}
            report, measured = await hold_out(server, pair, what | mangled, 300)
            resident.append(resident_bytes(server.pid))
            beside.append(p99_ms(measured))
            as_fast = report["packets"] / report["seconds"]
            right = {"seed": seed, "packets": 5_000, "per_second": as_fast, "valid": True}
            new = await orders(server, api)  # who have said nothing, and no connections are left of
            _, without = await hold_out(server, pair, new | right, 120)
            usual.append(p99_ms(without))
        figures = {
            "RSS after each round, MiB": [round(each / 2**20, 1) for each in resident],
            "p99, ms": {"beside right packets": usual, "beside mangled": beside},
        }
        record_property("figures", figures)
        print(figures)  # noqa: T201 - what the run was for
        assert resident[-1] - resident[ROUNDS // 2] < GROWTH_BYTES, figures
        assert median(beside) <= max(2 * median(usual), FLOOR_MS), figures
