"""Measuring targets in turn, round after round, and comparing them with the first one."""

from collections.abc import Callable, Sequence
from statistics import median

import msgspec

from chat_bench.plan import Account, AnyWork, Times
from chat_bench.report import complain, table
from chat_bench.running import Result, RunError, run
from chat_bench.targets import Target


class Spread(msgspec.Struct, frozen=True):
    """The median, minimum and maximum over all rounds."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarize one or more values."""
        return cls(median(values), min(values), max(values))


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """The results of one target over all rounds."""

    target: str
    rate: Spread
    ratio: Spread
    """Ratio of its rate to the first target's in the same round."""
    milliseconds: dict[str, Spread]
    server_cpu_us_each: Spread | None
    database_cpu_us_each: Spread | None
    cpu_ratio: Spread | None
    """Ratio of its CPU time per counted unit to the first target's in the same round.

    The time includes the server and the database.
    """
    server_mib: Spread
    kib_each: Spread | None
    """Growth of the server's memory per client since the first round; None if not measured."""
    client_cores: Spread
    client_limits: bool
    """Whether the clients may have limited the rate in at least half of the rounds."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The results by target, and every single result."""

    compared: list[Compared]
    rounds: list[list[Result]]


class Entrant(msgspec.Struct, frozen=True):
    """A target with its scenario and its accounts."""

    target: Target
    work: AnyWork
    accounts: list[Account]


async def compare(
    entrants: Sequence[Entrant],
    times: Times,
    *,
    rounds: int,
    workers: int,
    measured: Callable[[int, Result], None],
) -> Comparison:
    """Measure each entrant in each round, and start with a different one each time.

    Raises `RunError`.
    """
    results: list[list[Result]] = []
    for number in range(rounds):
        shift = number % len(entrants)
        this_round: dict[str, Result] = {}
        for entrant in [*entrants[shift:], *entrants[:shift]]:
            result = await run(
                entrant.target, entrant.work, entrant.accounts, times, workers=workers
            )
            measured(number, result)
            if result.problems:
                raise RunError(f"{result.target}: {complain(result)}")
            this_round[entrant.target.name] = result
        results.append([this_round[entrant.target.name] for entrant in entrants])
    columns = list(zip(*results, strict=True))
    compared = [_compared(column, columns[0]) for column in columns]
    return Comparison(compared=compared, rounds=results)


def _cpu(result: Result) -> float:
    """Return the CPU microseconds per counted unit, or 0 if nothing was counted.

    The time includes the server and the database.
    """
    return sum(used.cpu_us_each or 0 for used in (result.server, result.database) if used)


def _compared(results: Sequence[Result], first: Sequence[Result]) -> Compared:
    def costs(of: str) -> Spread | None:
        each = [used.cpu_us_each for result in results if (used := getattr(result, of))]
        known = [cost for cost in each if cost is not None]
        return Spread.of(known) if known else None

    cpu_ratios = [
        _cpu(mine) / _cpu(other) for mine, other in zip(results, first, strict=True) if _cpu(other)
    ]
    milliseconds = {}
    for name in ("p50", "p99", "p999"):
        timed = [
            getattr(result.latencies[min(result.latencies)], name)
            for result in results
            if result.latencies
        ]
        if timed:
            milliseconds[name] = Spread.of(timed)
    return Compared(
        target=results[0].target,
        rate=Spread.of([result.rate for result in results]),
        ratio=Spread.of(
            [mine.rate / other.rate for mine, other in zip(results, first, strict=True)]
        ),
        milliseconds=milliseconds,
        server_cpu_us_each=costs("server"),
        database_cpu_us_each=costs("database"),
        cpu_ratio=Spread.of(cpu_ratios) if cpu_ratios else None,
        server_mib=Spread.of([each.server.resident_mib_after for each in results if each.server]),
        kib_each=_kib_each(results),
        client_cores=Spread.of([result.client.cores for result in results]),
        client_limits=2 * sum(result.client_limits for result in results) >= len(results),
    )


def _kib_each(results: Sequence[Result]) -> Spread | None:
    # A process does not return memory, so later rounds start with the memory of the first one.
    first = results[0].server
    if first is None or not results[0].work.memory_per_client:
        return None
    return Spread.of(
        [
            1024 * (each.server.resident_mib_after - first.resident_mib_before) / each.done
            for each in results
            if each.server and each.done
        ]
    )


def describe(comparison: Comparison) -> str:
    """Return the results as a table with an explanation."""
    first = comparison.compared[0]
    work = comparison.rounds[0][0].work
    rows = [
        [
            "target",
            f"{work.units}/s",
            f"of {first.target}",
            *("p50 ms", "p99 ms", "p99.9 ms"),
            *("server µs", "database µs", f"µs of {first.target}"),
            *("server MiB", "KiB each", "client cores"),
        ]
    ]
    rows += [
        [
            each.target,
            f"{each.rate.median:,.0f}",
            _ratio(each.ratio),
            *(_number(each.milliseconds.get(name)) for name in ("p50", "p99", "p999")),
            _number(each.server_cpu_us_each),
            _number(each.database_cpu_us_each),
            _ratio(each.cpu_ratio),
            _number(each.server_mib),
            _number(each.kib_each),
            f"{each.client_cores.median:.2f}" + ("!" if each.client_limits else ""),
        ]
        for each in comparison.compared
    ]
    columns = [column for column in zip(*rows, strict=True) if set(column[1:]) != {"-"}]
    lines = [
        table(list(zip(*columns, strict=True))),
        f"Medians of {len(comparison.rounds)} rounds; µs is CPU per {work.unit}.",
    ]
    if any(each.client_limits for each in comparison.compared):
        lines.append("! The clients used all of their cores, so they may limit the rate.")
    return "\n".join(lines)


def _ratio(spread: Spread | None) -> str:
    if spread is None:
        return "-"
    return f"{spread.median:.2f} ({spread.least:.2f}-{spread.most:.2f})"


def _number(spread: Spread | None) -> str:
    return "-" if spread is None else f"{spread.median:,.1f}"
