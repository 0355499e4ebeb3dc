"""Admission of sockets: the origins, hosts, rates and numbers that the settings allow."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from chat_core.addresses import counts
from chat_core.errors import OriginNotAllowed, RateLimited, TooManyConnections, Unavailable
from chat_core.limits import Limit
from chat_core.ports.limits import RateLimiter
from chat_server.addresses import counted_address
from chat_server.hosts import HostPolicy
from chat_server.origins import OriginPolicy
from chat_server.stopping import Stopping

BACK_SECONDS = 2.0
"""Retry delay for connections refused during shutdown."""

RETRY_SECONDS = 5.0
"""Retry delay for connections refused because the address has too many."""


@dataclass(frozen=True, slots=True)
class SocketAdmission:
    """Checks each request to the socket path, and counts those that begin a connection.

    A handshake can't wait, so the limiter must be one that counts in this process.
    """

    origins: OriginPolicy
    hosts: HostPolicy
    stopping: Stopping
    limiter: RateLimiter
    per_address: Limit
    most_at_once: int
    """Maximum number of live connections of an address; ten times as many for an IPv6 /48 network.
    """
    live: Callable[[str], int]
    """Returns the number of live connections of a network, as `chat_core.addresses` names it."""
    trusted_proxies: int
    refused: Counter[str] = field(default_factory=Counter)
    """Number of refused connections by the name of the limit."""

    def admit(
        self,
        *,
        peer: str | None,
        host: str | None,
        origin: str | None,
        forwarded: Sequence[str],
        is_new: bool,
    ) -> str:
        """Admit the request, and return the address that it counts for.

        Raises `HostNotAllowed`, `OriginNotAllowed`, `RateLimited`, `TooManyConnections` or
        `Unavailable`.
        """
        self.hosts.check(host)
        if origin is not None and not self.origins.allows(origin, host):
            raise OriginNotAllowed
        if is_new and self.stopping.has_begun:
            raise Unavailable("The service is stopping", retry_after=BACK_SECONDS)
        address = counted_address(peer, forwarded, self.trusted_proxies)
        if is_new:
            try:
                self._count(address)
            except (RateLimited, TooManyConnections):
                self.refused[self.per_address.name] += 1
                raise
        return address

    def _count(self, address: str) -> None:
        # An attempt counts for the narrower network, even if the wider one refuses it.
        for limit, network in counts(self.per_address, address):
            self.limiter.take_at_once(limit, network)
        at_once = replace(self.per_address, burst=self.most_at_once)
        if any(self.live(network) >= most.burst for most, network in counts(at_once, address)):
            raise TooManyConnections(retry_after=RETRY_SECONDS)
