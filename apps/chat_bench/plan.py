"""The plan of a measurement, and the messages between a worker process and its parent."""

from typing import ClassVar, Literal, Self

import msgspec

Via = Literal["socket", "http"]
Ask = Literal["login", "search", "ids"]


class Account(msgspec.Struct, frozen=True):
    """A user who is logged in at the target."""

    id: str
    token: str
    username: str = ""
    password: str = ""


class Work(msgspec.Struct, frozen=True, kw_only=True, tag_field="scenario"):
    """A scenario with its numbers."""

    clients: int
    unit: ClassVar[str] = ""
    units: ClassVar[str] = ""
    """Name of what is counted, in the singular and the plural."""
    unit_of_clients: ClassVar[int] = 1
    """Number of clients that belong together."""
    devices: ClassVar[int] = 1
    """Maximum number of clients per user, if the target has users."""
    memory_per_client: ClassVar[bool] = False
    """Whether the scenario measures memory per client."""

    @property
    def bunch(self) -> int:
        """Number of clients that must be in the same worker."""
        return self.unit_of_clients

    def share(self, worker: int, workers: int) -> Self:
        """Return one worker's part of the work; all parts together are the whole."""
        bunches = self.clients // self.bunch
        mine = bunches * (worker + 1) // workers - bunches * worker // workers
        return msgspec.structs.replace(self, clients=mine * self.bunch)


class Messages(Work, frozen=True, kw_only=True, tag="messages"):
    """Pairs of clients that write to each other."""

    unit, units = "message", "messages"
    unit_of_clients = 2
    in_flight: int
    content_bytes: int
    via: Via = "socket"
    rate: float | None = None
    """Messages per second of all clients together, or None to limit only the messages in flight."""

    def share(self, worker: int, workers: int) -> Self:
        """See `Work.share`."""
        mine = super().share(worker, workers)
        if self.rate is None:
            return mine
        return msgspec.structs.replace(mine, rate=self.rate * mine.clients / self.clients)


class Fanout(Work, frozen=True, kw_only=True, tag="fanout"):
    """Groups in which one member writes and all others receive the messages."""

    unit, units = "delivery", "deliveries"
    members: int
    in_flight: int
    content_bytes: int

    @property
    def bunch(self) -> int:
        """See `Work.bunch`."""
        return self.members


class Idle(Work, frozen=True, kw_only=True, tag="idle"):
    """Registered connections that send nothing."""

    unit, units = "connection", "connections"
    devices = 4
    memory_per_client = True


class Reconnect(Work, frozen=True, kw_only=True, tag="reconnect"):
    """All connections are cut, and reconnect immediately."""

    unit, units = "registration", "registrations"
    # The target allows ten connections per user, and may count the old ones for a moment longer.
    devices = 4


class Sync(Work, frozen=True, kw_only=True, tag="sync"):
    """Clients that return after a number of entries, and request them."""

    unit, units = "entry", "entries"
    unit_of_clients = 2
    entries: int
    content_bytes: int


class Presence(Work, frozen=True, kw_only=True, tag="presence"):
    """Pairs in which one client comes and goes, and the other is notified."""

    unit, units = "change", "changes"
    unit_of_clients = 2


class Users(Work, frozen=True, kw_only=True, tag="users"):
    """Clients that log in or look up users over HTTP, one request after another."""

    unit, units = "request", "requests"
    ask: Ask


AnyWork = Messages | Fanout | Idle | Reconnect | Sync | Presence | Users


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """The durations of a run, in seconds."""

    warmup: float
    seconds: float
    grace: float
    """Time to wait for pending messages at the end, before they count as lost."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One worker's part of a run; the first line of its input."""

    work: AnyWork
    dialect: str
    url: str
    run: str
    """Name of this worker in this run, which is part of each message."""
    accounts: list[Account]
    devices: int
    """Number of clients that share an account."""
    times: Times


class Begin(msgspec.Struct, frozen=True):
    """The second line of a worker's input: begin now, and count between these times."""

    counts_from: float
    """A time of `time.monotonic`, which all processes of a machine share."""
    counts_to: float


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """A worker has connected all its clients, and waits for `Begin`."""


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """The count of a worker so far."""

    done: int


class Outcome(msgspec.Struct, frozen=True, tag="outcome"):
    """The result of a worker; the last line of its output."""

    done: int
    seconds: dict[str, bytes]
    """Times by name, as IEEE doubles in native byte order."""
    problems: dict[str, int]
    """Problems and how often each occurred; empty if there were none."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A worker could not measure; the last line of its output."""

    reason: str


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a database before a server starts with it."""

    path: str
    users: int
    """Number of users; two consecutive users are a pair."""
    conversations: int
    """Number of pairs that have written to each other."""
    messages: int
    """Number of messages in each conversation."""
    content_bytes: int
    password: str
    """Password of every user."""

    def username(self, number: int) -> str:
        """Return the username of the user with this index, from 0."""
        return f"bench-{number:06}"


Told = Ready | Progress | Outcome | Failed
