"""The service's metrics in the Prometheus format, read from their sources at each request.

No label has more values than the code names: never a user, a conversation or a path.
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
"""The content type without its charset, which the framework adds to every text."""
LAG_SECONDS = 0.5
"""Interval between measurements of the event loop's delay."""
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
PARTS = ("database", "revocations")
"""Parts that the readiness check names."""


@dataclass(slots=True)
class HttpRequests:
    """Durations of HTTP requests by path template, method and status class."""

    seconds: dict[tuple[str, str, str], Histogram] = field(default_factory=dict)

    def observe(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """Record a request; requests that match no route count as `unmatched`."""
        key = (route or "unmatched", method if method in METHODS else "other", f"{status // 100}xx")
        histogram = self.seconds.get(key)
        if histogram is None:
            histogram = self.seconds[key] = Histogram(SECONDS)
        histogram.observe(seconds)


@dataclass(slots=True)
class LoopLag:
    """Measures how many seconds late the event loop runs its timers."""

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
    """The sources of the metrics."""

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
    """All metrics of this process, in a registry of their own."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._process = CollectorRegistry()
        ProcessCollector(registry=self._process)
        PlatformCollector(registry=self._process)
        self._turn = asyncio.Lock()
        self._text = b""
        self._begun = 0
        """Number of texts begun so far."""

    async def exposition(self, down: Collection[str]) -> bytes:
        """Return the text for Prometheus; `down` names the parts that are not ready.

        Building it takes milliseconds, so other tasks get a turn between two texts, and all callers
        who wait in the meantime share the next one.
        """
        begun = self._begun
        async with self._turn:
            if self._begun > begun:  # a text was begun after this call
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
        yield _counter(
            "cut_offs", "Connections closed because they did not read fast enough.", of.cut_offs()
        )
        yield _gauge("hashes_waiting", "Passwords waiting to be hashed.", of.hashes_waiting())
        yield _counter(
            "hashes_refused",
            "Passwords refused because too many were waiting.",
            of.hashes_refused(),
        )
        yield _counters(
            "rate_limited",
            "Requests, events and connections refused by limits.",
            "limit",
            of.rates_refused(),
        )

    def _messages(self) -> Iterator[Metric]:
        sent, synced = self.sources.sent, self.sources.synced
        kinds = [*(kind.value for kind in ErrorKind), "internal"]
        results = {"stored": sent.stored, "duplicate": sent.duplicate} | {
            f"refused_{kind}": sent.refused[kind] for kind in kinds
        }
        yield _counters("messages", "Attempts to send a message, by result.", "result", results)
        yield _counter("sync_answers", "Answers to sync requests.", synced.answers)
        yield _counter("sync_entries", "Entries in answers to sync requests.", synced.entries)

    def _storage(self) -> Iterator[Metric]:
        of = self.sources
        sizes, seconds = of.commits.sizes, of.commits.seconds
        yield _histogram("commit_size", "Writes per commit.", [((), sizes)])
        yield _histogram("commit_seconds", "Duration of commits.", [((), seconds)])
        lag = [((), of.commits.push_lag)]
        yield _histogram("push_lag_seconds", "Time from a commit to its last push.", lag)
        calls = [((), of.calls.seconds)]
        yield _histogram(
            "database_call_seconds", "Duration of database calls other than commits.", calls
        )
        failed = {"commit": of.commits.failed, "call": of.calls.failed}
        yield _counters("database_failures", "Failed database operations.", "work", failed)
        if of.free_bytes is not None:
            yield _gauge("disk_free_bytes", "Free space on the database's disk.", of.free_bytes())
        age = of.revocations_age()
        yield _gauge("revocations_age_seconds", "Time since ended sessions were last loaded.", age)
        ready = GaugeMetricFamily("chat_ready", "1 while the part answers.", labels=["part"])
        for part in PARTS:
            ready.add_metric([part], float(part not in self.down))
        yield ready

    def _process(self) -> Iterator[Metric]:
        labels = ("route", "method", "status")
        measured = list(self.sources.http.seconds.items())
        yield _histogram("http_request_seconds", "Duration of HTTP requests.", measured, labels)
        lag = [((), self.sources.loop_lag.seconds)]
        yield _histogram("event_loop_lag_seconds", "Delay of the event loop.", lag)
        yield _counter("incidents", "Unexpected errors in the program.", self.sources.incidents())
        clock = self.sources.clock_jumps
        jumps = {"ahead": clock.ahead, "back": clock.back}
        yield _counters("clock_jumps", "Jumps of the wall clock.", "direction", jumps)
        yield _gauge(
            "clock_offset_seconds",
            "How far the wall clock has moved away from elapsed time.",
            clock.seconds(),
        )


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
