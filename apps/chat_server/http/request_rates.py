"""Limits on HTTP requests per user, or per address if the user is unknown."""

from dataclasses import dataclass

from litestar.types import Scope

from chat_core.addresses import counts
from chat_core.ids import UserId
from chat_core.limits import Limit
from chat_core.ports.limits import RateLimiter
from chat_server.addresses import client_address


@dataclass(frozen=True, slots=True)
class RequestRates:
    """Counts every request except health checks and sockets.

    Requests with a limit of their own (log-ins, messages) count here as well.
    """

    limiter: RateLimiter
    per_user: Limit
    per_address: Limit
    refused_polls: Limit
    """Limit per address on refused socket requests."""
    trusted_proxies: int

    async def count_user(self, user_id: UserId) -> None:
        """Count a request with a valid token. Raises `RateLimited`."""
        if not self.limiter.take_at_once(self.per_user, user_id):
            await self.limiter.take(self.per_user, user_id)

    async def count_address(self, scope: Scope) -> None:
        """Count a request that needs no token or has no valid one. Raises `RateLimited`."""
        address = client_address(scope, self.trusted_proxies)
        await self.limiter.take_all(counts(self.per_address, address))

    def count_unmatched(self, scope: Scope) -> None:
        """Count a request that matches no route against its address. Raises `RateLimited`.

        Requests that can't be counted without waiting are not counted.
        """
        self._count_at_once(self.per_address, scope)

    def count_refused_poll(self, scope: Scope) -> None:
        """Count a refused socket request against its address, like `count_unmatched`.

        Raises `RateLimited`.
        """
        self._count_at_once(self.refused_polls, scope)

    def _count_at_once(self, of_address: Limit, scope: Scope) -> None:
        for limit, network in counts(of_address, client_address(scope, self.trusted_proxies)):
            self.limiter.take_at_once(limit, network)
