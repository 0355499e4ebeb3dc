"""Exact percentiles of times, which are all stored."""

import math
from array import array
from collections.abc import Iterable, Sequence

import msgspec


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds; percentiles are by nearest rank."""

    count: int
    mean: float
    p50: float
    p99: float
    p999: float
    max: float


def summarise(parts: Iterable[bytes]) -> Latency | None:
    """Summarize seconds, given as IEEE doubles in native byte order, or return None without any."""
    seconds = array("d")
    for part in parts:
        seconds.frombytes(part)
    return summarise_seconds(seconds) if seconds else None


def summarise_seconds(seconds: Sequence[float]) -> Latency:
    """Summarize one or more times."""
    ordered = sorted(seconds)

    def rank(share: float) -> float:
        return 1000 * ordered[math.ceil(share * len(ordered)) - 1]

    return Latency(
        count=len(ordered),
        mean=1000 * sum(ordered) / len(ordered),
        p50=rank(0.5),
        p99=rank(0.99),
        p999=rank(0.999),
        max=1000 * ordered[-1],
    )
