"""Who may open a socket: the pages, hosts and rates that the settings allow."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat_core.errors import OriginNotAllowed, Unavailable
from chat_core.limits import Limit
from chat_core.ports.limits import RateLimiter
from chat_server.addresses import counted_address
from chat_server.hosts import HostPolicy
from chat_server.origins import OriginPolicy
from chat_server.stopping import Stopping

BACK_SECONDS = 2.0
"""When to ask again whom a service refuses that is about to stop."""


@dataclass(frozen=True, slots=True)
class SocketAdmission:
    """Judges each request for the socket's path; one that begins a connection is counted.

    A handshake can't wait, so the limiter is one that counts at once: in this process.
    """

    origins: OriginPolicy
    hosts: HostPolicy
    stopping: Stopping
    limiter: RateLimiter
    per_address: Limit
    trusted_proxies: int

    def admit(
        self,
        *,
        peer: str | None,
        host: str | None,
        origin: str | None,
        forwarded: Sequence[str],
        is_new: bool,
    ) -> None:
        """Let it in. Raises `HostNotAllowed`, `OriginNotAllowed`, `RateLimited`, `Unavailable`."""
        self.hosts.check(host)
        if origin is not None and not self.origins.allows(origin, host):
            raise OriginNotAllowed
        if is_new and self.stopping.has_begun:
            raise Unavailable("The service is about to stop", retry_after=BACK_SECONDS)
        if is_new:
            address = counted_address(peer, forwarded, self.trusted_proxies)
            self.limiter.take_at_once(self.per_address, address)
