"""Who may open a socket: the pages, hosts and rates that the settings allow."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat_core.errors import OriginNotAllowed
from chat_core.limits import Limit
from chat_core.ports.limits import RateLimiter
from chat_server.addresses import counted_address
from chat_server.hosts import HostPolicy
from chat_server.origins import OriginPolicy


@dataclass(frozen=True, slots=True)
class SocketAdmission:
    """Judges each request for the socket's path; one that begins a connection is counted.

    A handshake can't wait, so the limiter is one that counts at once: in this process.
    """

    origins: OriginPolicy
    hosts: HostPolicy
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
        """Let it in. Raises `HostNotAllowed`, `OriginNotAllowed`, `RateLimited`."""
        self.hosts.check(host)
        if origin is not None and not self.origins.allows(origin, host):
            raise OriginNotAllowed
        if is_new:
            address = counted_address(peer, forwarded, self.trusted_proxies)
            self.limiter.take_at_once(self.per_address, address)
