"""Results for people: tables, and a warning if the clients may have limited a result."""

from collections.abc import Sequence

from chat_bench.processes import Usage
from chat_bench.running import Result


def describe(result: Result) -> str:
    """Describe a run in a few lines."""
    unit = result.work.unit
    rows = [(result.work.units, f"{result.done:,}")]
    if not result.work.memory_per_client:
        rows.append(("a second", f"{result.rate:,.0f}"))
    for what, latency in sorted(result.latencies.items()):
        rows.append(
            (
                f"{what}, ms",
                "  ".join(
                    (
                        f"p50 {latency.p50:.2f}",
                        f"p99 {latency.p99:.2f}",
                        f"p99.9 {latency.p999:.2f}",
                        f"max {latency.max:.2f}",
                    )
                ),
            )
        )
    for who, used in (("server", result.server), ("database", result.database)):
        if used is not None:
            rows += _usage(who, used, unit)
    if result.server is not None and result.work.memory_per_client and result.done:
        grown = result.server.resident_mib_after - result.server.resident_mib_before
        rows.append(("server, KiB per connection", f"{1024 * grown / result.done:.1f}"))
    rows.append(
        ("client", f"{result.client.cores:.2f} cores, in {_number(result.workers, 'process')}")
    )
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {value}" for name, value in rows]
    if result.client_limits:
        lines.append(
            "  The clients used all of their cores, so they may limit the rate: try more --workers."
        )
    return "\n".join([f"{result.target}: {what_was_done(result)}", *lines])


def complain(result: Result) -> str:
    """Return the problems with the counted units, or an empty text."""
    wrong = ", ".join(f"{what}: {number:,}" for what, number in sorted(result.problems.items()))
    if "rate_limited" in wrong:
        wrong += " (start the target with CHAT_RATE_LIMITS=off)"
    return wrong


def what_was_done(result: Result) -> str:
    """Return the scenario and its numbers."""
    work = result.work
    parts = [type(work).__name__.lower()]
    for name in work.__struct_fields__:
        value = getattr(work, name)
        beside_the_point = name == "in_flight" and getattr(work, "rate", None) is not None
        if value is not None and not beside_the_point:
            parts.append(f"{name.replace('_', ' ')} {value}")
    return ", ".join([*parts, f"{result.seconds:g} s"])


def table(rows: Sequence[Sequence[str]]) -> str:
    """Align the columns: the first to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        first, *others = (
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines)


def _usage(who: str, used: Usage, unit: str) -> list[tuple[str, str]]:
    rows = [(f"{who}, cores", f"{used.cores:.2f}")]
    if used.cpu_us_each is not None:
        rows.append((f"{who}, CPU µs per {unit}", f"{used.cpu_us_each:,.1f}"))
    rows.append(
        (
            f"{who}, MiB resident",
            f"{used.resident_mib_before:.1f} before, {used.resident_mib_after:.1f} after",
        )
    )
    return rows


def _number(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "es")
