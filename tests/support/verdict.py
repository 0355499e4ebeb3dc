"""The one judge of attacks: what bystanders saw of one, beside what they saw just before it.

figures = await judged(server.pid, bystanders, orders)
assert not figures.breaches(), figures
"""

import asyncio
import contextlib
import math
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import msgspec

from tests.support.attack import Orders, Report
from tests.support.machine_speed import times_slower
from tests.support.open_loop import Bystander, Sample
from tests.support.pages import ROOT
from tests.support.process_usage import (
    cpu_seconds,
    forget_peak,
    peak_resident_bytes,
    resident_bytes,
    starved_seconds,
)
from tests.support.waiting import eventually

IDLE_SAMPLES = 100
"""Of each kind, from which the baseline is taken."""
IDLE_SECONDS = 0.3
IDLE_CPU = 0.2
"""A server that uses less of a core, for so long, does nothing."""
TIMES_IDLE = 3
FLOOR_MS = 50.0
"""A p99 below that is good, whatever it is when idle: on an idle machine."""
MOST_STARVED = 0.25
"""A server that waits for a core for more of the time is slow because others have the cores."""
AFTERWARDS_SECONDS = 60
AFTERWARDS_BYTES = 32 * 2**20
ONE_GROWS_BYTES = 24 * 2**20
"""By one connection that reads nothing."""
GROWS_BYTES = 64 * 2**20
"""By all attacks together."""
KINDS = ("ack", "get")


@dataclass(frozen=True, slots=True)
class Spread:
    """How long answers took, in milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> "Spread":
        """Of those, of which there has to be one."""
        ranked = sorted(sample.seconds for sample in samples)
        ranks = (math.ceil(len(ranked) * share) - 1 for share in (0.5, 0.99))
        return cls(*(round(ranked[rank] * 1000, 1) for rank in ranks))

    def __str__(self) -> str:
        return f"{self.p50:g}/{self.p99:g}"


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured of attacks that ran together."""

    name: str
    idle: dict[str, Spread]
    """By the kind of answer; so is the next."""
    attacked: dict[str, Spread]
    late_ms: float
    """By how much bystanders themselves were late, 99 of 100: what the machine adds."""
    refusals: Sequence[str]
    """Of bystanders."""
    cpu: float
    """Of one core, by the server."""
    starved: float
    """For how much of the time it got none of the cores, since others had them."""
    grown_bytes: int
    """At the worst moment."""
    left_bytes: int
    """More than before, at the latest a minute afterwards."""
    grows_bytes: int
    """The bound on what it grows by."""
    times_slower: float
    """This machine, than an idle one."""
    reports: Sequence[Report]

    @property
    def is_starved(self) -> bool:
        """Whether others had the cores, so that nothing can be said of times."""
        return self.starved > MOST_STARVED

    def slow(self) -> list[str]:
        """Where a bystander's p99 is past the bound."""
        floor = FLOOR_MS * self.times_slower
        return [
            f"{kind}: p99 {self.attacked[kind].p99} ms, idle {self.idle[kind].p99} ms"
            for kind in KINDS
            if self.attacked[kind].p99 > max(TIMES_IDLE * self.idle[kind].p99, floor)
        ]

    def breaches(self) -> list[str]:
        """Every bound that was passed."""
        found = self.slow() + self.large()
        if self.refusals:
            found.append(f"{len(self.refusals)} refused: {self.refusals[0]}")
        return found

    def with_round(self, other: "Figures") -> "Figures":
        """The faster of two rounds for each kind of answer, and the most memory of both.

        Times count if others left the cores free in either.
        """
        faster = {
            kind: min((self, other), key=lambda each: each.attacked[kind].p99) for kind in KINDS
        }
        return replace(
            other,
            idle={kind: each.idle[kind] for kind, each in faster.items()},
            attacked={kind: each.attacked[kind] for kind, each in faster.items()},
            refusals=[*self.refusals, *other.refusals],
            starved=min(self.starved, other.starved),
            grown_bytes=max(self.grown_bytes, other.grown_bytes),
            left_bytes=max(self.left_bytes, other.left_bytes),
        )

    def large(self) -> list[str]:
        """Where the server's memory is past its bounds."""
        found = []
        if self.grown_bytes >= self.grows_bytes:
            found.append(f"RSS grew by {_mib(self.grown_bytes)}")
        if self.left_bytes >= AFTERWARDS_BYTES:
            found.append(f"{_mib(self.left_bytes)} more than before, a minute afterwards")
        return found

    def __str__(self) -> str:
        seen = ", ".join(f"{kind} {self.idle[kind]} -> {self.attacked[kind]}" for kind in KINDS)
        return (
            f"{self.name}: p50/p99 ms {seen} (late {self.late_ms:g}); "
            f"RSS +{_mib(self.grown_bytes)}, then +{_mib(self.left_bytes)}; CPU {self.cpu:.0%}, "
            f"starved {self.starved:.0%}, machine {self.times_slower:.1f} times slower; "
            + "; ".join(map(_told, self.reports))
        )


def _mib(size: int) -> str:
    return f"{size / 2**20:.1f} MiB"


def _told(report: Report) -> str:
    rate = report.sent_bytes / (report.ended - report.began) / 1e6
    told = f"sent {rate:.2f} MB/s, {report.opened} opened, {report.failed} refused, "
    told += f"{report.hung_up} hung up"
    return told + (f", answers {report.statuses}" if report.statuses else "")


async def judged(pid: int, bystanders: Sequence[Bystander], orders: Orders) -> Figures:
    """Measure the bystanders first when nothing else goes on, then beside the attacks."""
    slower = times_slower()
    await _settled(pid)
    async with watching(bystanders) as samples:
        await eventually(lambda: _are_enough(samples))
        before, used, starved = resident_bytes(pid), cpu_seconds(pid), starved_seconds(pid)
        forget_peak(pid)
        reports = await attacked(orders)
        grown = peak_resident_bytes(pid) - before
        used, starved = cpu_seconds(pid) - used, starved_seconds(pid) - starved
    with contextlib.suppress(TimeoutError):
        await eventually(
            lambda: resident_bytes(pid) < before + AFTERWARDS_BYTES, seconds=AFTERWARDS_SECONDS
        )
    left = resident_bytes(pid) - before
    began, ended = min(each.began for each in reports), max(each.ended for each in reports)
    during = [sample for sample in samples if began <= sample.due < ended]
    idle = samples[: 2 * IDLE_SAMPLES]
    is_one = sum(attack.connections for attack in orders.attacks) == 1
    return Figures(
        ", ".join(attack.name for attack in orders.attacks),
        {kind: Spread.of(_of(kind, idle)) for kind in KINDS},
        {kind: Spread.of(_of(kind, during)) for kind in KINDS},
        round(sorted(each.late for each in during)[int(len(during) * 0.99)] * 1000, 1),
        [sample.refusal for sample in samples if sample.refusal],
        used / (ended - began),
        starved / (ended - began),
        max(0, grown),
        max(0, left),
        ONE_GROWS_BYTES if is_one else GROWS_BYTES,
        max(slower, times_slower()),
        reports,
    )


async def _settled(pid: int) -> None:
    """Wait until the server does next to nothing, since what an attack has left may still go on."""
    loop = asyncio.get_running_loop()
    since, used = loop.time(), cpu_seconds(pid)

    def is_idle() -> bool:
        nonlocal since, used
        passed, before = loop.time() - since, used
        if passed < IDLE_SECONDS:
            return False
        since, used = loop.time(), cpu_seconds(pid)
        return used - before < IDLE_CPU * passed

    await eventually(is_idle, seconds=AFTERWARDS_SECONDS)


async def attacked(orders: Orders) -> list[Report]:
    """Carry out the attacks to their end."""
    longest = max(attack.seconds for attack in orders.attacks)
    async with _program("tests.support.attacker") as program:
        printed, _ = await asyncio.wait_for(
            program.communicate(msgspec.json.encode(orders)), longest + 60
        )
        assert program.returncode == 0
    return msgspec.json.decode(printed.splitlines()[-1], type=list[Report])


@asynccontextmanager
async def watching(bystanders: Sequence[Bystander]) -> AsyncIterator[list[Sample]]:
    """Bystanders who chat and read; what they see comes into the list, all of it at the end."""
    async with _program("tests.support.open_loop") as program:
        assert program.stdin
        program.stdin.write(msgspec.json.encode(bystanders) + b"\n")
        samples: list[Sample] = []
        reading = asyncio.create_task(_read(program, samples))
        yield samples
        program.stdin.close()
        await asyncio.wait_for(reading, 60)
        assert await program.wait() == 0


async def _read(program: Process, samples: list[Sample]) -> None:
    assert program.stdout
    async for line in program.stdout:
        samples.append(msgspec.json.decode(line, type=Sample))  # noqa: PERF401 - as they come


@asynccontextmanager
async def _program(module: str) -> AsyncIterator[Process]:
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, cwd=ROOT, stdin=PIPE, stdout=PIPE
    )
    try:
        yield program
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()


def _are_enough(samples: Sequence[Sample]) -> bool:
    return all(len(_of(kind, samples)) >= IDLE_SAMPLES for kind in KINDS)


def _of(kind: str, samples: Sequence[Sample]) -> list[Sample]:
    return [sample for sample in samples if sample.kind == kind]
