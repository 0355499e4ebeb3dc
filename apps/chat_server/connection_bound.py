"""How many connections there may be, in all and of an address, and how fast it may open them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from chat_core.addresses import counts, networks, shown_address
from chat_core.errors import Overloaded, TooManyConnections
from chat_core.limits import Limit, Pace

RETRY_SECONDS = 5.0
"""When to come back where as many are connected as may be."""

MOST_PACES = 10_000
"""Networks whose pace is remembered; past it the one that came first begins anew."""


@dataclass(slots=True)
class ConnectionBound:
    """Counts the connections that speak HTTP; sessions of sockets are counted by their server."""

    most: int
    """Of all, whatever they carry."""
    per_address: Limit
    """Its burst is the most of an address, sessions of sockets included."""
    opening: Limit
    """The pace at which an address opens connections: past it a new one is not read at once."""
    counts_addresses: bool
    """Not behind a proxy, whose connections carry the requests of many."""
    sessions: Callable[[str], int]
    """The sessions of sockets that count in one of the `chat_core.addresses.networks`."""
    refused: int = 0
    """So far, since there were too many in all."""
    refused_of_address: int = 0
    """So far, since there were too many of an address."""
    pauses: int = 0
    """So far, in which a connection was not read, since it had sent more requests than its pace."""
    opened_late: int = 0
    """So far, that were not read at once, since their address had opened so many."""
    _speaking_http: Counter[str] = field(default_factory=Counter)
    """By network; so is the next."""
    _paces: dict[str, Pace] = field(default_factory=dict)

    def opened(self, peer: str | None) -> str | None:
        """Count a connection: the address to give to `closed`; None where it has none that counts.

        It counts before it is judged, by `check`.
        """
        if peer is None or not self.counts_addresses:
            return None
        address = shown_address(peer) or peer
        for network in networks(address):
            self._speaking_http[network] += 1
        return address

    def closed(self, address: str) -> None:
        """Count it no longer: it has ended, or has become a session of a socket."""
        for network in networks(address):
            self._speaking_http[network] -= 1
            if not self._speaking_http[network]:
                del self._speaking_http[network]

    def check(self, number: int, address: str | None) -> None:
        """Judge a connection that was counted, where so many are open in all.

        Raises `Overloaded`, `TooManyConnections`.
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
        """For how many seconds not to read a connection that was just opened, 0.0 for none.

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
        """How many count in a network, sessions of sockets included."""
        return self._speaking_http[network] + self.sessions(network)
