"""What is to be measured, and what a worker process and the one that started it tell each other."""

from typing import ClassVar, Literal, Self

import msgspec

Via = Literal["socket", "http"]
Ask = Literal["login", "search", "ids"]


class Account(msgspec.Struct, frozen=True):
    """Someone who is logged in at the target."""

    id: str
    token: str
    username: str = ""
    password: str = ""


class Work(msgspec.Struct, frozen=True, kw_only=True, tag_field="scenario"):
    """A scenario with its numbers."""

    clients: int
    unit: ClassVar[str] = ""
    units: ClassVar[str] = ""
    """What is counted, one and more of it."""
    unit_of_clients: ClassVar[int] = 1
    """Clients come in bunches of so many that belong together."""
    devices: ClassVar[int] = 1
    """How many clients may be one user's, where the target has users."""
    memory_per_client: ClassVar[bool] = False
    """Whether it is the point of it."""

    @property
    def bunch(self) -> int:
        """How many clients belong together, so that one worker has all of them."""
        return self.unit_of_clients

    def share(self, worker: int, workers: int) -> Self:
        """The part of one worker of several; the parts make up the whole."""
        bunches = self.clients // self.bunch
        mine = bunches * (worker + 1) // workers - bunches * worker // workers
        return msgspec.structs.replace(self, clients=mine * self.bunch)


class Messages(Work, frozen=True, kw_only=True, tag="messages"):
    """Clients in pairs write to each other."""

    unit, units = "message", "messages"
    unit_of_clients = 2
    in_flight: int
    content_bytes: int
    via: Via = "socket"
    rate: float | None = None
    """Messages a second, all clients together; None: each waits for room in flight."""

    def share(self, worker: int, workers: int) -> Self:
        """See `Work.share`."""
        mine = super().share(worker, workers)
        if self.rate is None:
            return mine
        return msgspec.structs.replace(mine, rate=self.rate * mine.clients / self.clients)


class Fanout(Work, frozen=True, kw_only=True, tag="fanout"):
    """In groups, one member writes and all the others hear it."""

    unit, units = "delivery", "deliveries"
    members: int
    in_flight: int
    content_bytes: int

    @property
    def bunch(self) -> int:
        """See `Work.bunch`."""
        return self.members


class Idle(Work, frozen=True, kw_only=True, tag="idle"):
    """Registered connections that say nothing."""

    unit, units = "connection", "connections"
    devices = 4
    memory_per_client = True


class Reconnect(Work, frozen=True, kw_only=True, tag="reconnect"):
    """All connections are cut, and come back at once."""

    unit, units = "registration", "registrations"
    # The target allows a user ten, and may count those that were cut for a moment longer.
    devices = 4


class Sync(Work, frozen=True, kw_only=True, tag="sync"):
    """Clients come back after so many entries, and ask for them."""

    unit, units = "entry", "entries"
    unit_of_clients = 2
    entries: int
    content_bytes: int


class Presence(Work, frozen=True, kw_only=True, tag="presence"):
    """Of each pair one comes and goes, and the other is told."""

    unit, units = "change", "changes"
    unit_of_clients = 2


class Users(Work, frozen=True, kw_only=True, tag="users"):
    """Clients log in or look up users over HTTP, one request after another."""

    unit, units = "request", "requests"
    ask: Ask


AnyWork = Messages | Fanout | Idle | Reconnect | Sync | Presence | Users


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of a run."""

    warmup: float
    seconds: float
    grace: float
    """For what is under way at the end, before it counts as lost."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One worker's part of a run; the first line that it gets."""

    work: AnyWork
    dialect: str
    url: str
    run: str
    """Names this worker in this run; it is in each message."""
    accounts: list[Account]
    devices: int
    """How many clients share each of them."""
    times: Times


class Begin(msgspec.Struct, frozen=True):
    """The second line that a worker gets: begin now, count from then to then."""

    counts_from: float
    """Of `time.monotonic`, which all processes of a machine share."""
    counts_to: float


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """A worker has all of its clients, and waits for `Begin`."""


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """What a worker has counted up to now."""

    done: int


class Outcome(msgspec.Struct, frozen=True, tag="outcome"):
    """What a worker has measured; the last line that it writes."""

    done: int
    seconds: dict[str, bytes]
    """By what was timed: IEEE doubles in the machine's order."""
    problems: dict[str, int]
    """What was wrong with what it counted, and how often; empty if all is well."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """A worker could not measure; the last line that it writes."""

    reason: str


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be in a database before a server is started on it."""

    path: str
    users: int
    """Each of them in a pair with the one before or after."""
    conversations: int
    """So many of the pairs have written to each other."""
    messages: int
    """In each conversation."""
    content_bytes: int
    password: str
    """Of every user."""

    def username(self, number: int) -> str:
        """Of the user at that place, from 0."""
        return f"bench-{number:06}"


Told = Ready | Progress | Outcome | Failed
