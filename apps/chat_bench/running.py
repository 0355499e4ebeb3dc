"""One run: its workers, their counts, and what they cost the target."""

import asyncio
import contextlib
import secrets
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self, cast

import msgspec

from chat_bench.dialects import Dialect
from chat_bench.latencies import Latency, summarise
from chat_bench.plan import (
    Account,
    AnyWork,
    Begin,
    Failed,
    Outcome,
    Plan,
    Progress,
    Ready,
    Times,
    Told,
    Work,
)
from chat_bench.processes import Sample, Usage, sample, usage
from chat_bench.targets import Target

HEAD_START_SECONDS = 0.05
"""Time for `Begin` to reach every worker."""
STOP_SECONDS = 5.0
LONGEST_LINE = 2**28
FULL_CORE = 0.9
"""A worker that uses more of a core than this may limit the rate."""


class RunError(Exception):
    """Nothing was measured; the message says why."""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """The measurements of one run."""

    target: str
    work: AnyWork
    seconds: float
    workers: int
    done: int
    rate: float
    """Counted units per second."""
    latencies: dict[str, Latency]
    server: Usage | None
    database: Usage | None
    client: Usage
    problems: dict[str, int]

    @property
    def client_limits(self) -> bool:
        """Whether the clients may have limited the rate."""
        return self.client.cores > FULL_CORE * self.workers


def accounts_needed(work: AnyWork, dialect: Dialect, workers: int) -> int:
    """Return how many accounts the clients of a run need; workers do not share accounts."""
    return sum(_accounts(work.share(each, workers), dialect) for each in range(workers))


def _accounts(share: Work, dialect: Dialect) -> int:
    return -(-share.clients // _devices(share, dialect))


def _devices(work: Work, dialect: Dialect) -> int:
    return 1 if dialect.paths is None else work.devices


async def run(  # noqa: PLR0913  (all are needed)
    target: Target,
    work: AnyWork,
    accounts: Sequence[Account],
    times: Times,
    *,
    workers: int = 1,
    progress: Callable[[float, int], None] = lambda _seconds, _done: None,
) -> Result:
    """Measure one run.

    Calls `progress` with the seconds and the count so far. Raises `RunError`.
    """
    before = _Samples.take(target, ())
    async with AsyncExitStack() as stack:
        crew = []
        first_account = 0
        for number in range(workers):
            share = work.share(number, workers)
            needed = _accounts(share, target.dialect)
            plan = Plan(
                work=share,
                dialect=target.dialect.name,
                url=target.url,
                run=f"{secrets.token_hex(4)}.{number}",
                accounts=list(accounts[first_account : first_account + needed]),
                devices=_devices(share, target.dialect),
                times=times,
            )
            first_account += needed
            crew.append(await stack.enter_async_context(_Worker(plan)))
        await asyncio.gather(*(worker.ready() for worker in crew))
        pids = [worker.pid for worker in crew]
        start = time.monotonic() + HEAD_START_SECONDS
        counts_from = start + times.warmup
        counts_to = counts_from + times.seconds
        for worker in crew:
            worker.tell(Begin(counts_from, counts_to))
        outcomes = asyncio.create_task(_outcomes(crew))
        try:
            begin = await _sample_at(counts_from, target, pids, outcomes)
            while time.monotonic() < counts_to - 1 and not outcomes.done():
                await asyncio.wait({outcomes}, timeout=1)
                progress(time.monotonic() - counts_from, sum(worker.done for worker in crew))
            end = await _sample_at(counts_to, target, pids, outcomes)
            told = await outcomes
        finally:
            outcomes.cancel()
    return _result(target, work, times, told, (before, begin, end))


async def _outcomes(crew: Sequence["_Worker"]) -> list[Outcome]:
    return await asyncio.gather(*(worker.outcome() for worker in crew))


@dataclass(frozen=True, slots=True)
class _Samples:
    server: Sample
    database: Sample
    client: Sample

    @classmethod
    def take(cls, target: Target, workers: Sequence[int]) -> "_Samples":
        return cls(sample(target.server_pids), sample(target.database_pids), sample(workers))


async def _sample_at(
    when: float, target: Target, workers: Sequence[int], outcomes: "asyncio.Task[list[Outcome]]"
) -> _Samples:
    """Sample at that time, or immediately if a problem has already ended the run."""
    await asyncio.wait({outcomes}, timeout=max(0.0, when - time.monotonic()))
    if outcomes.done():
        outcomes.result()  # raises if a worker failed
    return _Samples.take(target, workers)


def _result(
    target: Target,
    work: AnyWork,
    times: Times,
    outcomes: Sequence[Outcome],
    samples: Sequence["_Samples"],
) -> Result:
    done = sum(outcome.done for outcome in outcomes)
    problems = Counter[str]()
    timed: dict[str, list[bytes]] = {}
    for outcome in outcomes:
        problems.update(outcome.problems)
        for what, seconds in outcome.seconds.items():
            timed.setdefault(what, []).append(seconds)
    summaries = {what: summarise(parts) for what, parts in timed.items()}

    def used(of: str) -> Usage:
        before, begin, end = (getattr(each, of) for each in samples)
        return usage(before, begin, end, seconds=times.seconds, done=done)

    return Result(
        target=target.name,
        work=work,
        seconds=times.seconds,
        workers=len(outcomes),
        done=done,
        rate=done / times.seconds,
        latencies={what: found for what, found in summaries.items() if found is not None},
        server=used("server") if target.server_pids else None,
        database=used("database") if target.database_pids else None,
        client=used("client"),
        problems=dict(problems),
    )


@dataclass(slots=True)
class _Worker:
    """A worker process. It ends when its standard input closes, at the end of the context."""

    plan: Plan
    done: int = 0
    _process: Process = field(init=False)

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chat_bench.worker", stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE
        )
        self.tell(self.plan)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._input.close()
        try:
            async with asyncio.timeout(STOP_SECONDS if kind is None else 0):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def _input(self) -> asyncio.StreamWriter:
        return cast("asyncio.StreamWriter", self._process.stdin)

    def tell(self, what: Plan | Begin) -> None:
        self._input.write(msgspec.json.encode(what) + b"\n")

    async def ready(self) -> None:
        while not isinstance(await self._next(), Ready):
            pass

    async def outcome(self) -> Outcome:
        while True:
            told = await self._next()
            if isinstance(told, Progress):
                self.done = told.done
            elif isinstance(told, Outcome):
                self.done = told.done
                return told

    async def _next(self) -> Told:
        line = await cast("asyncio.StreamReader", self._process.stdout).readline()
        if not line:
            raise RunError(f"a worker ended with exit code {await self._process.wait()}")
        told: Told = msgspec.json.decode(line, type=Told)
        if isinstance(told, Failed):
            raise RunError(told.reason)
        return told
