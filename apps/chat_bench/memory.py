"""The server's memory while messages are sent."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from chat_bench.accounts import accounts
from chat_bench.curves import Axes, Curve, plot
from chat_bench.named_targets import NamedTargets, Programs
from chat_bench.plan import Messages, Times
from chat_bench.processes import MEBIBYTE, sample
from chat_bench.report import complain, table
from chat_bench.running import RunError, accounts_needed, run

WORK = Messages(clients=50, in_flight=4, content_bytes=100)
MOST_LINES = 12


class Growth(msgspec.Struct, frozen=True):
    """Numbers of sent messages, and the MiB resident then; the first line is before any client."""

    points: list[tuple[int, float]]


async def growth(folder: Path, times: Times, sent: int, told: Callable[[str], None]) -> Growth:
    """Repeat runs until that many messages are sent. Raises `RunError` and others."""
    async with AsyncExitStack() as stack:
        target = await NamedTargets(folder, Programs(), stack).target("chat-sqlite")
        people = await accounts(target, accounts_needed(WORK, target.dialect, 1), times)
        points = [(0, sample(target.server_pids).resident_bytes / MEBIBYTE)]
        done = 0
        while done < sent:
            result = await run(target, WORK, people, times)
            if result.problems or result.server is None or not result.done:
                raise RunError(f"after {done:,} messages: {complain(result) or 'nothing came'}")
            done += result.done
            points.append((done, result.server.resident_mib_after))
            told(f"{done:,} messages, {result.server.resident_mib_after:.1f} MiB")
    return Growth(points)


def describe(growth: Growth) -> str:
    """Return some of the points as a table, including the last one."""
    step = -(-len(growth.points) // MOST_LINES)
    some: Sequence[tuple[int, float]] = growth.points[::-step][::-1]
    return table(
        [["messages", "MiB resident"], *([f"{sent:,}", f"{mib:.1f}"] for sent, mib in some)]
    )


def draw(growth: Growth) -> str:
    """Return the memory by number of messages as an SVG."""
    axes = Axes("server, MiB resident", "messages sent")
    return plot(axes, [Curve("", [(float(sent), mib) for sent, mib in growth.points])])
