"""All numbers of the simulation and their sources. Add new figures only here.

They were measured with `chat-bench` on two x86-64 cores; docs/scaling.md has the details. Assumed
numbers are marked as such.
"""

from dataclasses import dataclass, replace

PING_SECONDS = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCosts:
    """Microseconds of one serving process on SQLite: CPU time, except for the disk."""

    take_us: float = 12.0
    """Time to read a frame, decode and check it, and hand it to the log."""
    commit_us: float = 450.0
    """Time of a transaction with any number of messages: begin, commit, and two thread switches."""
    stored_us: float = 8.0
    """Time per message in a transaction."""
    disk_us: float = 150.0
    """Time until the disk has stored a transaction; the process does other work meanwhile."""
    disk_tail_us: float = 120.0
    """Average additional time of the disk, with an exponential distribution."""
    push_us: float = 3.0
    """Time to encode the push of a message, once for all recipients."""
    ack_us: float = 8.0
    """Time to answer the sender."""
    socket_us: float = 5.0
    """Time of a socket call, which is part of the times to receive, answer and deliver."""
    delivery_us: float = 7.0
    """Time per connection that receives a message."""
    registration_us: float = 550.0
    """Time per returning client, from its handshake to `registration_success`."""
    log_in_us: float = 19_000.0
    """Time to hash a password, in a thread that does not need the interpreter."""
    idle_us: float = 108.0
    """Time per idle connection and `PING_SECONDS`: a ping, a pong and a check."""
    client_us: float = 9.0
    """Time of the load tool per message, which is part of its measurements."""
    sync_entry_us: float = 12.5
    """Time per missed entry."""

    def shared(self, each: int) -> "NodeCosts":
        """Return the costs if a client sends that many messages at once."""
        saved = self.socket_us * (1 - 1 / each)
        return replace(
            self,
            take_us=self.take_us - saved,
            ack_us=self.ack_us - saved,
            delivery_us=self.delivery_us - saved,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes with messages of 100 bytes."""

    base_mib: float = 108.0
    """Resident memory of a new process."""
    connection_kib: float = 11.4
    """Resident memory per registered connection."""
    stored_bytes: float = 321.0
    """Bytes on disk per message, including indexes."""
    delivered_bytes: float = 500.0
    """Bytes on the wire per delivery, including frame and TCP/IP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Assumed behavior of people in the busiest hour."""

    messages_an_hour: float = 60.0
    """Messages per user online."""
    deliveries: float = 5.0
    """Recipients per message; half of the messages go to one person, half to groups of ten."""
    connections: float = 1.5
    """Connections per user online."""
    busiest_hours_a_day: float = 4.0
    """Number of such hours that make up a day's messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCosts:
    """Assumed costs between nodes; none of this exists yet."""

    bus_us: float = 20.0
    """CPU time to send a message to the bus, or to receive one."""
    hop_ms: float = 0.3
    """Latency between two nodes."""
    lease_seconds: float = 5.0
    """How long a node owns a partition after its last heartbeat."""
    takeover_ms: float = 20.0
    """Time to read the ends of a partition's logs before writing to it."""
    retry_seconds: float = 1.0
    """Time after which an unanswered message is sent again."""
    return_least: float = 0.5
    return_most: float = 5.0
    """Shortest and longest delay before the client of a dead node reconnects, as in
    socket.io-client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Measurements of a real node under `chat-bench run messages`."""

    in_flight: int | None = None
    """Total number of messages in flight, or None for a fixed rate."""
    each: int = 1
    """Messages in flight of one client."""
    asked: float | None = None
    """Messages per second that were requested, for a fixed rate."""
    rate: float
    p50_ms: float
    p99_ms: float


MEASURED = (
    Measured(in_flight=2, each=1, rate=2_540, p50_ms=0.7, p99_ms=1.7),
    Measured(in_flight=8, each=2, rate=6_894, p50_ms=1.1, p99_ms=2.2),
    Measured(in_flight=40, each=2, rate=15_976, p50_ms=2.4, p99_ms=4.5),
    Measured(in_flight=100, each=2, rate=22_020, p50_ms=4.2, p99_ms=7.0),
    Measured(in_flight=200, each=4, rate=28_454, p50_ms=6.5, p99_ms=12.0),
    Measured(in_flight=400, each=8, rate=34_500, p50_ms=11.0, p99_ms=16.2),
    Measured(asked=4_000, rate=4_000, p50_ms=1.7, p99_ms=4.3),
    Measured(asked=8_000, rate=8_000, p50_ms=2.2, p99_ms=6.3),
    Measured(asked=12_000, rate=12_000, p50_ms=3.1, p99_ms=7.0),
)
"""Measurements on SQLite. The costs were fitted to the CPU time of the first six.

Their latencies and the other measurements serve to check the simulation.
"""
