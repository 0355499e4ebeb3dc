"""Attacks as data: what is sent over and over, how fast, by how many connections, over what.

    Attack("refused events", Frames([Frame('42["x"]')]), bytes_per_second=2_000_000)

Texts may hold words that the attacker replaces: `$TOKEN` is its user's access token, others are
in `Orders.words`.
"""

from collections.abc import Sequence

import msgspec

from tests.support.fuzzed_frames import TEXT
from tests.support.wire import State


class Frame(msgspec.Struct, frozen=True):
    """One frame of a websocket."""

    payload: str = ""
    kind: int = TEXT
    fin: bool = True


class Frames(msgspec.Struct, frozen=True, tag=True):
    """Over websockets: the same frames again and again."""

    frames: Sequence[Frame]
    state: State = "registered"
    first: Sequence[Frame] = ()
    """Once, before these."""


class Posts(msgspec.Struct, frozen=True, tag=True):
    """Over polling: a POST with the same packets again and again, beside a GET that waits."""

    packets: Sequence[str]
    state: State = "registered"


class Request(msgspec.Struct, frozen=True):
    """One HTTP request."""

    method: str
    target: str
    body: str = ""
    headers: Sequence[str] = ("Authorization: Bearer $TOKEN", "Content-Type: application/json")


class Requests(msgspec.Struct, frozen=True, tag=True):
    """Over HTTP: the same requests again and again."""

    requests: Sequence[Request]
    waits: bool = True
    """For the answers of all before the next round; else as fast as the system takes them."""


class Raw(msgspec.Struct, frozen=True, tag=True):
    """Over TCP: the same text again and again, whatever it is."""

    text: str
    first: str = ""
    """Once, before it."""


class Attack(msgspec.Struct, frozen=True):
    """What a number of connections do together.

    A connection that the server ends is opened again. They come from addresses of their own, so
    that nobody else is refused for what is counted by address.
    """

    name: str
    sends: Frames | Posts | Requests | Raw
    connections: int = 10
    seconds: float = 2.5
    bytes_per_second: float = 3_000_000
    """Of all connections together."""
    per_second: float = 0.0
    """How often it is sent by all connections together, where that is bounded."""
    times: int = 0
    """After which a connection only waits, where that is bounded."""
    reads: bool = True
    hangs_up: bool = False
    """Whether a connection ends itself after these times, and is opened again."""
    addresses: int = 1
    """From how many the connections come, one after the other."""


class Orders(msgspec.Struct, frozen=True):
    """For `tests.support.attacker`: attacks that begin at one time."""

    url: str
    attacks: Sequence[Attack]
    tokens: Sequence[str]
    """The connections of an attack take them in turn."""
    words: dict[str, str]
    network: int = 0
    """Of its own for each attack whose addresses have to be new; below 256."""


class Report(msgspec.Struct, frozen=True):
    """What an attack has done."""

    began: float
    """By `time.monotonic`, and so is the next."""
    ended: float
    sent_bytes: int
    opened: int
    """Connections that got as far as the attack needs."""
    failed: int
    """Connections that did not."""
    hung_up: int
    """Connections that the server ended."""
    statuses: dict[str, int]
    """Of HTTP answers."""
