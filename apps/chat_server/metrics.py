"""The service's measures in the format of Prometheus, read where they are when it asks.

No label has more values than the code has names for: never a user, a conversation or a path.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from chat_core.errors import ErrorKind
from chat_core.measures import SECONDS, Calls, Commits, Histogram, Sent, Synced
from chat_core.ports.system import Clock
from chat_server.clock_jumps import ClockJumps

CONTENT_TYPE = CONTENT_TYPE_LATEST.partition("; charset=")[0]
"""Without its charset: the framework adds that to every text."""
LAG_SECONDS = 0.5
"""How often the event loop is asked how late it is."""
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
PARTS = ("database", "revocations")
"""What readiness names."""


@dataclass(slots=True)
class HttpRequests:
    """How long HTTP requests took, by the template of their route, method and class of status."""

    seconds: dict[tuple[str, str, str], Histogram] = field(default_factory=dict)

    def observe(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """Count a request; what no route takes counts as one of `unmatched`."""
        key = (route or "unmatched", method if method in METHODS else "other", f"{status // 100}xx")
        histogram = self.seconds.get(key)
        if histogram is None:
            histogram = self.seconds[key] = Histogram(SECONDS)
        histogram.observe(seconds)


@dataclass(slots=True)
class LoopLag:
    """By how many seconds the event loop is late for what it was asked to do at a time."""

    clock: Clock
    seconds: Histogram = field(default_factory=lambda: Histogram(SECONDS))

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = self.clock.monotonic() + LAG_SECONDS
            await self.clock.sleep(LAG_SECONDS)
            self.seconds.observe(max(0.0, self.clock.monotonic() - due))


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the measures are kept."""

    connections: Callable[[], int]
    users_online: Callable[[], int]
    sent: Sent
    synced: Synced
    pushes: Callable[[], int]
    cut_offs: Callable[[], int]
    commits: Commits
    calls: Calls
    free_bytes: Callable[[], int] | None
    hashes_waiting: Callable[[], int]
    hashes_refused: Callable[[], int]
    rates_refused: Callable[[], Mapping[str, int]]
    revocations_age: Callable[[], float]
    http: HttpRequests
    loop_lag: LoopLag
    clock_jumps: ClockJumps
    incidents: Callable[[], int]


class Metrics:
    """All measures of this process, in a registry of their own."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        self._turn = asyncio.Lock()
        self._text = b""
        self._begun = 0
        """How many texts were begun so far."""

    async def exposition(self, down: Collection[str]) -> bytes:
        """The text for Prometheus; `down` names what readiness misses.

        It takes milliseconds, so between two of them others get their turn, and all who wait
        meanwhile share the next one.
        """
        begun = self._begun
        async with self._turn:
            if self._begun > begun:  # since this one was asked for
                return self._text
            await asyncio.sleep(0)
            self._begun += 1
            registry = CollectorRegistry()
            registry.register(_Families(self._sources, down))
            self._text = generate_latest(registry) + generate_latest(self._process)
            return self._text


@dataclass(frozen=True, slots=True, eq=False)
class _Families(Collector):
    sources: Sources
    down: Collection[str]

    def collect(self) -> Iterable[Metric]:
        """See the library's `Collector`."""
        yield from self._live()
        yield from self._messages()
        yield from self._storage()
        yield from self._process()

    def _live(self) -> Iterator[Metric]:
        of = self.sources
        yield _gauge("connections", "Live connections, registered or not.", of.connections())
        yield _gauge("users_online", "Users with a registered connection.", of.users_online())
        yield _counter("pushes", "Events written to connections.", of.pushes())
        yield _counter("cut_offs", "Connections that did not take what was sent.", of.cut_offs())
        yield _gauge("hashes_waiting", "Passwords that wait to be hashed.", of.hashes_waiting())
        yield _counter("hashes_refused", "Passwords not hashed: overloaded.", of.hashes_refused())
        yield _counters(
            "rate_limited", "What was refused by rate limits.", "limit", of.rates_refused()
        )

    def _messages(self) -> Iterator[Metric]:
        sent, synced = self.sources.sent, self.sources.synced
        kinds = [*(kind.value for kind in ErrorKind), "internal"]
        results = {"stored": sent.stored, "duplicate": sent.duplicate} | {
            f"refused_{kind}": sent.refused[kind] for kind in kinds
        }
        yield _counters("messages", "Messages sent, by what came of them.", "result", results)
        yield _counter("sync_answers", "Answers to sync.", synced.answers)
        yield _counter("sync_entries", "Entries in them.", synced.entries)

    def _storage(self) -> Iterator[Metric]:
        of = self.sources
        sizes, seconds = of.commits.sizes, of.commits.seconds
        yield _histogram("commit_size", "Writes that shared a commit.", [((), sizes)])
        yield _histogram("commit_seconds", "How long commits took.", [((), seconds)])
        lag = [((), of.commits.push_lag)]
        yield _histogram("push_lag_seconds", "From a commit to the last push of it.", lag)
        calls = [((), of.calls.seconds)]
        yield _histogram("database_call_seconds", "How long other calls took.", calls)
        failed = {"commit": of.commits.failed, "call": of.calls.failed}
        yield _counters("database_failures", "What the database did not do.", "work", failed)
        if of.free_bytes is not None:
            yield _gauge("disk_free_bytes", "Left on the database's disk.", of.free_bytes())
        age = of.revocations_age()
        yield _gauge("revocations_age_seconds", "Since ended sessions were last asked for.", age)
        ready = GaugeMetricFamily("chat_ready", "1 while it answers.", labels=["part"])
        for part in PARTS:
            ready.add_metric([part], float(part not in self.down))
        yield ready

    def _process(self) -> Iterator[Metric]:
        labels = ("route", "method", "status")
        measured = list(self.sources.http.seconds.items())
        yield _histogram("http_request_seconds", "How long requests took.", measured, labels)
        lag = [((), self.sources.loop_lag.seconds)]
        yield _histogram("event_loop_lag_seconds", "How late the event loop was.", lag)
        yield _counter("incidents", "Mistakes of the program.", self.sources.incidents())
        clock = self.sources.clock_jumps
        jumps = {"ahead": clock.ahead, "back": clock.back}
        yield _counters("clock_jumps", "Jumps of the wall clock.", "direction", jumps)
        yield _gauge("clock_offset_seconds", "By which it jumped so far.", clock.seconds())


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"chat_{name}", text, value=value)


def _counter(name: str, text: str, value: int) -> Metric:
    return CounterMetricFamily(f"chat_{name}", text, value=value)


def _counters(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(f"chat_{name}", text, labels=[label])
    for key, value in sorted(values.items()):
        family.add_metric([key], value)
    return family


def _histogram(
    name: str,
    text: str,
    measured: Iterable[tuple[tuple[str, ...], Histogram]],
    labels: tuple[str, ...] = (),
) -> Metric:
    family = HistogramMetricFamily(f"chat_{name}", text, labels=labels)
    for values, histogram in measured:
        bounds = [*map(str, histogram.bounds), "+Inf"]
        rising = [float(count) for count in accumulate(histogram.counts)]
        family.add_metric(values, list(zip(bounds, rising, strict=True)), histogram.total)
    return family
