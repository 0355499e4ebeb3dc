"""Limits on connections: in total, per address, and how fast an address can open them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from chat_core.addresses import counts, networks, shown_address
from chat_core.errors import Overloaded, TooManyConnections
from chat_core.limits import Limit, Pace

RETRY_SECONDS = 5.0
"""Retry delay for connections refused because there are too many."""

MOST_PACES = 10_000
"""Maximum number of networks whose pace is kept; above it the oldest entry is dropped."""


@dataclass(slots=True)
class ConnectionBound:
    """Counts HTTP connections; the socket server counts its own sessions."""

    most: int
    """Maximum number of connections of all kinds."""
    per_address: Limit
    """Its burst is the maximum per address, including socket sessions."""
    opening: Limit
    """How fast an address can open connections; above this pace, reading a new one is delayed."""
    counts_addresses: bool
    """False behind a proxy, whose connections carry the requests of many clients."""
    sessions: Callable[[str], int]
    """Returns the number of socket sessions in one of the `chat_core.addresses.networks`."""
    refused: int = 0
    """Number of connections refused so far because there were too many in total."""
    refused_of_address: int = 0
    """Number of connections refused so far because their address had too many."""
    pauses: int = 0
    """Number of times that reading paused because a connection sent requests above its pace."""
    opened_late: int = 0
    """Number of connections read late because their address had opened many."""
    _speaking_http: Counter[str] = field(default_factory=Counter)
    """HTTP connections by network, like the paces below."""
    _paces: dict[str, Pace] = field(default_factory=dict)

    def opened(self, peer: str | None) -> str | None:
        """Count a connection, and return the address to pass to `closed`.

        Returns None if the connection is not counted. Call `check` afterwards, because the
        connection counts toward its own check.
        """
        if peer is None or not self.counts_addresses:
            return None
        address = shown_address(peer) or peer
        for network in networks(address):
            self._speaking_http[network] += 1
        return address

    def closed(self, address: str) -> None:
        """Stop counting a connection because it has ended or has become a socket session."""
        for network in networks(address):
            self._speaking_http[network] -= 1
            if not self._speaking_http[network]:
                del self._speaking_http[network]

    def check(self, number: int, address: str | None) -> None:
        """Check a connection that is already counted; `number` is the total of open connections.

        Raises `Overloaded` or `TooManyConnections`.
        """
        if number > self.most:
            self.refused += 1
            raise Overloaded("Too many clients are connected", retry_after=RETRY_SECONDS)
        if address is None:
            return
        for most, network in counts(self.per_address, address):
            if self.of(network) > most.burst:
                self.refused_of_address += 1
                raise TooManyConnections(retry_after=RETRY_SECONDS)

    def pause(self, address: str | None, now: float) -> float:
        """Return for how many seconds not to read a new connection, or 0.0.

        `now` is a monotonic time.
        """
        if address is None:
            return 0.0
        seconds = 0.0
        for limit, network in counts(self.opening, address):
            pace = self._paces.get(network)
            if pace is None:
                if len(self._paces) >= MOST_PACES:
                    del self._paces[next(iter(self._paces))]
                pace = self._paces[network] = Pace(limit, now)
            seconds = max(seconds, pace.spend(1, now))
        if seconds:
            self.opened_late += 1
        return seconds

    def of(self, network: str) -> int:
        """Return the number of connections in a network, including socket sessions."""
        return self._speaking_http[network] + self.sessions(network)
