"""Times, all of them kept: percentiles are exact."""

import math
from array import array
from collections.abc import Iterable, Sequence

import msgspec


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds of what was timed, by nearest rank."""

    count: int
    mean: float
    p50: float
    p99: float
    p999: float
    max: float


def summarise(parts: Iterable[bytes]) -> Latency | None:
    """What these seconds, IEEE doubles in the machine's order, come to; None if there are none."""
    seconds = array("d")
    for part in parts:
        seconds.frombytes(part)
    return summarise_seconds(seconds) if seconds else None


def summarise_seconds(seconds: Sequence[float]) -> Latency:
    """What these come to, of which there is at least one."""
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
