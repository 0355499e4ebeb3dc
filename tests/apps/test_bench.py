"""The load tool counts what really happened, and says so loudly where something went wrong."""

import asyncio
import importlib.util
import json
import re
import signal
import subprocess
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import psutil
import pytest
from click.testing import CliRunner, Result

from chat_bench.commands import chat_bench
from chat_bench.latencies import summarise
from chat_bench.named_targets import PEERS
from chat_bench.plan import Fanout, Messages
from tests.support.faulty_relay import Fault, faulty_relay
from tests.support.mongod import mongod_binary
from tests.support.server import ServerProcess
from tests.support.services import missing
from tests.support.waiting import PATIENCE_SECONDS, eventually

RUN = (sys.executable, "-m", "chat_bench")
SECONDS = 0.3
SHORT = ("--seconds", str(SECONDS), "--warmup", "0.1")


def bench(*arguments: str | Path | float) -> Result:
    return CliRunner().invoke(chat_bench, [str(each) for each in arguments])


def measured(*arguments: str | Path | int, seconds: float = SECONDS) -> Any:
    result = bench(*arguments, *SHORT, "--seconds", seconds, "--json", "-")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(folder)
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
def at_server(server: ServerProcess, folder: Path) -> tuple[str | Path | int, ...]:
    return ("--target", server.url, "--accounts", folder / "accounts", "--server-pid", server.pid)


# -------------------------------------------------------------------------------------- scenarios
@pytest.mark.parametrize(
    ("scenario", "timed"),
    [
        (["messages", "--clients", 4, "--via", "http"], {"message"}),
        (["messages", "--clients", 8, "--workers", 2], {"message"}),
        (["fanout", "--clients", 8, "--members", 4], {"message"}),
        (["reconnect", "--clients", 8], {"registration", "all registered"}),
        (["sync", "--clients", 4, "--entries", 30], {"sync"}),
        (["users", "--clients", 2, "--ask", "login"], {"login"}),
        (["users", "--clients", 4, "--ask", "search"], {"search"}),
        (["users", "--clients", 4, "--ask", "ids"], {"ids"}),
    ],
    ids=lambda each: "-".join(map(str, each)) if isinstance(each, list) else "",
)
def test_a_scenario_counts_and_times_what_it_did(
    scenario: list[str | int], timed: set[str], at_server: tuple[str | Path | int, ...]
) -> None:
    check(measured("run", *scenario, *at_server), timed)


def test_of_who_comes_and_goes_others_are_told(at_server: tuple[str | Path | int, ...]) -> None:
    seconds = 3.0  # a service tells of the same user once a second at most
    result = measured("run", "presence", "--clients", 4, *at_server, seconds=seconds)
    check(result, {"online", "offline"}, seconds)


def check(result: Any, timed: set[str], seconds: float = SECONDS) -> None:
    assert result["done"] > 0
    assert result["rate"] == pytest.approx(result["done"] / seconds)
    assert result["problems"] == {}
    assert result["latencies"].keys() == timed
    for each in result["latencies"].values():
        assert 0 < each["p50"] <= each["p99"] <= each["p999"] <= each["max"]
    assert result["server"]["cpu_us_each"] > 0
    assert result["database"] is None


def test_idle_connections_are_counted_and_weighed(
    at_server: tuple[str | Path | int, ...],
) -> None:
    result = measured("run", "idle", "--clients", 16, *at_server)

    assert result["done"] == 16
    assert result["server"]["resident_mib_before"] > 10


def test_at_a_rate_as_many_messages_are_sent_as_were_asked_for(
    at_server: tuple[str | Path | int, ...],
) -> None:
    result = measured("run", "messages", "--clients", 4, "--rate", 300, *at_server)

    assert result["latencies"]["message"]["count"] == pytest.approx(90, abs=1)


def test_what_was_counted_is_stored_and_shown(server: ServerProcess, tmp_path: Path) -> None:
    file, written = tmp_path / "accounts", tmp_path / "result.json"
    run = bench(
        *("run", "messages", "--clients", 2, "--target", server.url, "--accounts", file),
        *("--server-pid", server.pid, "--json", written, *SHORT),
    )
    assert run.exit_code == 0
    for words in ("messages", "a second", "p50", "p99.9", "CPU µs per message", "MiB resident"):
        assert words in run.stdout
    result = json.loads(written.read_bytes())
    assert f"{result['done']:,}" in run.stdout

    (known, _, *_) = json.loads(file.read_bytes())["accounts"]
    answer = httpx.get(
        f"{server.url}/api/v1/conversations",
        headers={"Authorization": f"Bearer {known['token']}"},
        timeout=PATIENCE_SECONDS,
    )
    (conversation,) = answer.json()["items"]
    # Warming up and the end of the run are not counted.
    assert conversation["lastSeq"] >= result["done"] > 0
    assert conversation["lastSeq"] >= result["latencies"]["message"]["count"]


# ----------------------------------------------------------------------------------------- faults
@pytest.mark.parametrize("fault", Fault)
def test_a_target_that_goes_wrong_once_is_caught(fault: Fault) -> None:
    with faulty_relay(fault) as url:
        result = bench(
            *("run", "messages", "--dialect", "relay", "--target", url, "--clients", 4),
            *(*SHORT, "--grace", "0.2"),
        )

    assert result.exit_code == (0 if fault is Fault.NONE else 1)
    assert fault.value in result.stderr


@pytest.mark.parametrize(
    ("via", "words"), [("socket", "refused: invalid"), ("http", "refused: HTTP 422")]
)
def test_a_refusal_ends_the_run_and_names_it(
    via: str, words: str, at_server: tuple[str | Path | int, ...]
) -> None:
    too_long = ("--clients", 2, "--content-bytes", 5000, "--via", via)
    result = bench("run", "messages", *too_long, *at_server, *SHORT)

    assert result.exit_code == 1
    assert words in result.stderr


async def test_a_target_that_limits_rates_is_told_apart(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, CHAT_RATE_LIMITS="on", CHAT_SIGNUPS_PER_ADDRESS=1) as server:
        result = await asyncio.to_thread(
            subprocess.run,
            [*RUN, "run", "messages", "--target", server.url, "--clients", "2"],
            capture_output=True,
            text=True,
            check=False,
        )

    assert result.returncode == 1
    assert "CHAT_RATE_LIMITS=off" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["messages", "--clients", "3"], "multiple of 2"),
        (["fanout", "--clients", "15", "--members", "10"], "multiple of 10"),
        (["messages", "--clients", "2", "--workers", "2"], "every worker some clients"),
        (["sync", "--dialect", "express"], "express does not support sync"),
        (["messages", "--dialect", "relay", "--via", "http"], "relay has no HTTP"),
        (["messages"], "no server answers at http://127.0.0.1:9"),
        (["messages", "--dialect", "relay"], "no websocket at ws://127.0.0.1:9"),
        (
            ["messages", "--server-pid", "999999999", "--dialect", "relay"],
            "process 999999999 does not exist",
        ),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_sentence(arguments: list[str], words: str) -> None:
    result = bench("run", *arguments, "--target", "http://127.0.0.1:9")

    assert result.exit_code in {1, 2}
    assert words in result.stderr
    assert "Traceback" not in result.output


# ------------------------------------------------------------------------------------ comparisons
def test_two_targets_are_compared_round_by_round(tmp_path: Path) -> None:
    targets, plot = ("chat-sqlite", "chat-sqlite-http"), tmp_path / "plot.svg"
    comparison = measured("compare", *targets, "--clients", 2, "--rounds", 2, "--plot", plot)

    first, second = comparison["compared"]
    assert (first["target"], second["target"]) == targets
    assert [len(each) for each in comparison["rounds"]] == [2, 2]
    ratios = [http["rate"] / socket["rate"] for socket, http in comparison["rounds"]]
    assert second["ratio"]["least"] == pytest.approx(min(ratios))
    assert second["ratio"]["most"] == pytest.approx(max(ratios))
    assert first["ratio"] == {"median": 1, "least": 1, "most": 1}
    drawn = re.findall(r"<text[^>]*>([^<]*)</text>", plot.read_text())
    for each in (first, second):
        assert each["target"] in drawn
        assert f"{each['rate']['median']:,.0f}" in drawn


@pytest.mark.parametrize("scenario", ["fanout", "idle", "reconnect"])
def test_the_relay_is_compared_in_what_it_can_do(scenario: str) -> None:
    if not (PEERS / "node_modules").is_dir():
        missing("the stacks to compare with are not installed: run `make test`")

    comparison = measured(
        *("compare", "relay", "chat-sqlite", "--scenario", scenario, "--clients", 8),
        *("--members", 4, "--rounds", 1),
    )

    for each in comparison["compared"]:
        assert each["rate"]["median"] > 0
        assert (each["kib_each"] is not None) is (scenario == "idle")


def test_other_stacks_are_compared() -> None:
    if not (PEERS / "node_modules").is_dir():
        missing("the stacks to compare with are not installed: run `make test`")
    mongod = mongod_binary()
    comparison = measured(
        *("compare", "express-tuned-http", "relay", "--clients", 2, "--rounds", 1),
        *("--mongod", mongod),
    )

    for each in comparison["compared"]:
        assert each["rate"]["median"] > 0
        assert each["server_cpu_us_each"]["median"] > 0
        assert (each["database_cpu_us_each"] is None) is (each["target"] == "relay")


@pytest.mark.parametrize("in_background", [False, True], ids=["before us", "in the background"])
async def test_a_comparison_that_is_stopped_leaves_no_process(*, in_background: bool) -> None:
    command = [*RUN, "compare", "chat-sqlite", "--seconds", "60"]
    comparing = psutil.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_ignore_ctrl_c if in_background else None,
    )
    try:
        await eventually(comparing.children)
        started = comparing.children(recursive=True)

        comparing.send_signal(signal.SIGTERM)

        await eventually(lambda: comparing.poll() is not None)
    finally:
        if comparing.poll() is None:
            comparing.kill()
            comparing.wait()
    assert comparing.returncode == 1
    assert [each for each in started if each.is_running()] == []


def _ignore_ctrl_c() -> None:
    """As a shell does in what it starts in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


# ---------------------------------------------------------------------------------------- figures
def test_percentiles_are_exact() -> None:
    halves = array("d", range(1, 501)), array("d", range(501, 1001))

    latency = summarise(half.tobytes() for half in halves)

    assert latency
    assert (latency.count, latency.mean) == (1000, 500_500)
    assert (latency.p50, latency.p99, latency.p999) == (500_000, 990_000, 999_000)
    assert latency.max == 1_000_000


def test_the_shares_of_workers_make_up_the_whole() -> None:
    messages = Messages(clients=10, in_flight=4, content_bytes=100, rate=100)
    shares = [messages.share(each, 3) for each in range(3)]
    assert [share.clients for share in shares] == [2, 4, 4]
    assert [share.rate for share in shares] == [20, 40, 40]

    groups = Fanout(clients=30, members=10, in_flight=4, content_bytes=100)
    assert [groups.share(each, 2).clients for each in range(2)] == [10, 20]


# ------------------------------------------------------------------------------------------- help
def commands(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from commands(each, *path, name)


@pytest.mark.parametrize("path", [*commands(chat_bench)], ids=" ".join)
def test_every_command_has_help_with_an_example(path: tuple[str, ...]) -> None:
    result = bench(*path, "--help")

    assert result.exit_code == 0
    assert " ".join(("chat-bench", *path)) in result.stdout.partition("Example")[2]


def test_a_missing_library_names_its_extra() -> None:
    assert importlib.util.find_spec("picows")
    hidden = "import sys; sys.modules['picows'] = None; from chat_bench.cli import main; main()"

    result = subprocess.run(
        [sys.executable, "-c", hidden], capture_output=True, text=True, check=False
    )

    assert result.returncode == 1
    assert 'pip install "chat-core[bench]"' in result.stderr
