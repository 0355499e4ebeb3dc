"""Every number of the simulation, and where it comes from. New figures go in here, and only here.

Measured with `chat-bench` on two x86-64 cores, as docs/scaling.md tells line by line; what is
assumed says so.
"""

from dataclasses import dataclass, replace

PING_SECONDS = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCosts:
    """Microseconds of one serving process on SQLite; of CPU, but for the disk's."""

    take_us: float = 12.0
    """Read a frame, decode, judge, hand it to the log."""
    commit_us: float = 450.0
    """A transaction around any number of messages: begin, end, and from thread to thread."""
    stored_us: float = 8.0
    """Each message in a transaction."""
    disk_us: float = 150.0
    """Until the disk has a transaction; meanwhile the process does other things."""
    disk_tail_us: float = 120.0
    """What the disk takes longer than that, on average; taken as exponential."""
    push_us: float = 3.0
    """Encode what the others are told, once for a message."""
    ack_us: float = 8.0
    """The answer to its sender."""
    socket_us: float = 5.0
    """Of taking, answering and each delivery: to read or write a socket, for all that is there."""
    delivery_us: float = 7.0
    """Each connection that hears a message."""
    registration_us: float = 550.0
    """A client that comes back, from its handshake to `registration_success`."""
    log_in_us: float = 19_000.0
    """The password's hash, in a thread that needs no interpreter."""
    idle_us: float = 108.0
    """A connection that says nothing, in `PING_SECONDS`: a ping, a pong, and a look at it."""
    client_us: float = 9.0
    """Of the load tool, for a message: its times hold that, too."""
    sync_entry_us: float = 12.5
    """Each entry that was missed."""

    def shared(self, each: int) -> "NodeCosts":
        """With that many messages of a client at once."""
        saved = self.socket_us * (1 - 1 / each)
        return replace(
            self,
            take_us=self.take_us - saved,
            ack_us=self.ack_us - saved,
            delivery_us=self.delivery_us - saved,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes, with messages of 100 bytes."""

    base_mib: float = 108.0
    """Resident, of a process that was just started."""
    connection_kib: float = 11.4
    """Resident, of each registered connection."""
    stored_bytes: float = 321.0
    """On disk, of each message, its indexes included."""
    delivered_bytes: float = 500.0
    """On the wire, of each delivery, frame and TCP/IP included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Assumed: what people do in the busiest hour."""

    messages_an_hour: float = 60.0
    """Of each user who is online."""
    deliveries: float = 5.0
    """Of each message: half go to one other person, half to groups of ten."""
    connections: float = 1.5
    """Of each user who is online."""
    busiest_hours_a_day: float = 4.0
    """So many of these hours make up a day's messages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterCosts:
    """Assumed, since nothing of it is built: between nodes."""

    bus_us: float = 20.0
    """CPU to hand one message to the bus, or to take one from it."""
    hop_ms: float = 0.3
    """From node to node."""
    lease_seconds: float = 5.0
    """For which a node owns a partition after its last sign of life."""
    takeover_ms: float = 20.0
    """To read the ends of a partition's logs before writing to it."""
    retry_seconds: float = 1.0
    """After which a message that nobody answered is sent again."""
    return_least: float = 0.5
    return_most: float = 5.0
    """Seconds after which a client whose node died connects again; socket.io-client's defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a real node did under a load of `chat-bench run messages`."""

    in_flight: int | None = None
    """In all; None: at a rate."""
    each: int = 1
    """Of one client."""
    asked: float | None = None
    """Messages a second, where that was the load."""
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
"""On SQLite. The costs were fitted to the CPU of the first six; their times, and the others, are
what the simulation is tried on."""
