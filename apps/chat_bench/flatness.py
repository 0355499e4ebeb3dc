"""Costs that must not grow with stored data, measured in turn on one server for each size."""

import asyncio
import secrets
import sys
from asyncio.subprocess import PIPE
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from chat_bench import service
from chat_bench.accounts import log_in
from chat_bench.comparing import Comparison, Entrant, compare
from chat_bench.curves import Axes, Curve, plot
from chat_bench.dialects import CHAT
from chat_bench.plan import AnyWork, Filling, Messages, Sync, Times, Users
from chat_bench.running import Result, accounts_needed
from chat_bench.starting import StartError, start
from chat_bench.targets import Target

CONTENT_BYTES = 100
MISSED = 100
RATE = 200.0
"""Messages per second; so few that each has its own commit at every size."""
MOST_STORED = 1_000_000
"""Maximum total of messages on one server, unless a single conversation has more."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An operation whose cost must stay constant."""

    title: str
    grows: Literal["messages", "users"]
    below: str
    work: Callable[[int], AnyWork]
    """Returns the work for a number of conversations."""


SUBJECTS = {
    "send": Subject(
        "server, CPU µs for a message",
        "messages",
        "messages in the conversation before",
        lambda pairs: Messages(
            clients=2 * pairs, in_flight=1, content_bytes=CONTENT_BYTES, rate=RATE
        ),
    ),
    "sync": Subject(
        f"server, CPU µs for an entry, {MISSED} of them in a sync",
        "messages",
        "messages in the conversation before",
        lambda _: Sync(clients=2, entries=MISSED, content_bytes=CONTENT_BYTES),
    ),
    "login": Subject(
        "server, CPU µs for a log-in, the password's hash included",
        "users",
        "users",
        lambda _: Users(clients=4, ask="login"),
    ),
    "search": Subject(
        "server, CPU µs for the first 50 users by a prefix that all have",
        "users",
        "users",
        lambda _: Users(clients=20, ask="search"),
    ),
    "ids": Subject(
        "server, CPU µs for 99 users by their ids",
        "users",
        "users",
        lambda _: Users(clients=100, ask="ids"),
    ),
}


@dataclass(frozen=True, slots=True)
class Sized:
    """Starts servers with databases of different sizes.

    Each has at most `most_pairs` conversations.
    """

    folder: Path
    stack: AsyncExitStack
    most_pairs: int
    told: Callable[[str], None]
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    _running: dict[tuple[str, int], Target] = field(default_factory=dict)

    async def entrant(self, subject: Subject, size: int, times: Times) -> Entrant:
        """Return the subject's entrant for a size. Raises `StartError` or `AccountsError`."""
        filling = self._filling(subject.grows, size)
        key = subject.grows, size
        if key not in self._running:
            self._running[key] = await self._start(filling, f"{size:,}")
        target = self._running[key]
        work = subject.work(filling.conversations)
        names = [filling.username(each) for each in range(accounts_needed(work, target.dialect, 1))]
        return Entrant(target, work, await log_in(target, names, self.password, times))

    def _filling(self, grows: str, size: int) -> Filling:
        pairs = max(1, min(self.most_pairs, MOST_STORED // size)) if grows == "messages" else 0
        return Filling(
            path=str(self.folder / f"{grows}-{size}" / "chat.db"),
            users=2 * pairs or size,
            conversations=pairs,
            messages=size if pairs else 0,
            content_bytes=CONTENT_BYTES,
            password=self.password,
        )

    async def _start(self, filling: Filling, name: str) -> Target:
        self.told(
            f"filling {filling.path}: {filling.users:,} users, "
            f"{filling.conversations * filling.messages:,} messages …"
        )
        folder = Path(filling.path).parent
        folder.mkdir()
        await _fill(filling)
        settings = {**service.settings(), "DATABASE_URL": f"sqlite:///{filling.path}"}
        server = await start(service.command(), folder, settings)
        self.stack.push_async_callback(server.stop)
        return Target(name, await server.url(), CHAT, [server.pid])


async def _fill(filling: Filling) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chat_bench.filling", stdin=PIPE, stderr=PIPE
    )
    try:
        _, said = await process.communicate(msgspec.json.encode(filling))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise StartError(f"no database was filled:\n{said.decode(errors='replace')[-2000:]}")


async def flatness(  # noqa: PLR0913  (all are needed)
    subject: Subject,
    sizes: Sequence[int],
    servers: Sized,
    times: Times,
    *,
    rounds: int,
    measured: Callable[[int, Result], None],
) -> Comparison:
    """Measure the subject at each size, round after round.

    Raises `RunError`, `StartError` and others.
    """
    entrants = [await servers.entrant(subject, size, times) for size in sizes]
    return await compare(entrants, times, rounds=rounds, workers=1, measured=measured)


def draw(subject: Subject, sizes: Sequence[int], comparison: Comparison) -> str:
    """Return the medians by size as an SVG; a line shows the cheapest and the dearest round."""
    costs = [each.server_cpu_us_each for each in comparison.compared]
    known = [(size, cost) for size, cost in zip(sizes, costs, strict=True) if cost is not None]
    curve = Curve(
        "", [(size, cost.median) for size, cost in known], [(c.least, c.most) for _, c in known]
    )
    return plot(Axes(subject.title, subject.below, logarithmic=True), [curve])
