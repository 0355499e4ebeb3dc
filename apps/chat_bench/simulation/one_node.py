"""One node under the same loads as a real one under `chat-bench run messages`."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from chat_bench.latencies import Latency, summarise_seconds
from chat_bench.simulation.events import Events, Thread
from chat_bench.simulation.node import MICROSECOND, Node
from chat_bench.simulation.parameters import Measured, NodeCosts

WARMUP, SECONDS = 0.5, 4.0
NAP_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Load:
    """A number of messages in flight in a closed loop, or messages per second."""

    in_flight: int | None = None
    each: int = 1
    """Number of those messages that belong to one client and share its reads and writes."""
    rate: float | None = None

    @classmethod
    def of(cls, measured: Measured) -> "Load":
        """Return the load of a measurement."""
        return cls(measured.in_flight, measured.each, measured.asked)

    def __str__(self) -> str:
        if self.rate is None:
            return f"{self.in_flight:,} in flight"
        return f"{self.rate:,.0f} a second"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of a load. A message is done when it is acked and pushed."""

    rate: float
    latency: Latency
    messages_a_commit: float
    cores: float
    """Average number of cores used."""


def under(load: Load, costs: NodeCosts, seed: int) -> Outcome:
    """Simulate the load for some seconds."""
    events, chance = Events(), random.Random(seed)  # noqa: S311  (a simulation)
    node, client = Node(events, costs.shared(load.each), chance), Thread(events)
    times: list[float] = []
    done = 0
    end = WARMUP + SECONDS

    def finished(started: float) -> None:
        nonlocal done
        done += events.now >= WARMUP
        if started >= WARMUP:
            times.append(events.now - started)
        if load.rate is None and events.now < end:
            send(events.now)

    def send(started: float) -> None:
        node.send(1, lambda: client.do(costs.client_us * MICROSECOND, lambda: finished(started)))

    if load.rate is None:
        for _ in range(load.in_flight or 1):
            events.at(0, partial(send, 0.0))
    else:
        _pace(events, load.rate, end, send)
    events.run(WARMUP)
    busy, commits = node.interpreter.busy, node.commits
    events.run(end)
    return Outcome(
        rate=done / SECONDS,
        latency=summarise_seconds(times),
        messages_a_commit=done / max(1, node.commits - commits),
        cores=(node.interpreter.busy - busy) / SECONDS,
    )


def _pace(events: Events, rate: float, end: float, send: Callable[[float], None]) -> None:
    """Send due messages as the load tool does, which checks once per millisecond."""

    def due(number: int) -> None:
        at = number / rate
        if at < end:
            events.at(math.ceil(at / NAP_SECONDS) * NAP_SECONDS, partial(send, at))
            events.at(at, partial(due, number + 1))

    events.at(0, partial(due, 0))
