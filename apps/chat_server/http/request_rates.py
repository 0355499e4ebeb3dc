"""How many requests are answered, by user or, where nobody is known, by address."""

from dataclasses import dataclass

from litestar.types import Scope

from chat_core.addresses import counts
from chat_core.ids import UserId
from chat_core.limits import Limit
from chat_core.ports.limits import RateLimiter
from chat_server.addresses import client_address


@dataclass(frozen=True, slots=True)
class RequestRates:
    """Counts every request, but for health checks and sockets.

    What else is limited (log-ins, messages) counts as well.
    """

    limiter: RateLimiter
    per_user: Limit
    per_address: Limit
    refused_polls: Limit
    """Of an address, too."""
    trusted_proxies: int

    async def count_user(self, user_id: UserId) -> None:
        """One with a good token. Raises `RateLimited`."""
        if not self.limiter.take_at_once(self.per_user, user_id):
            await self.limiter.take(self.per_user, user_id)

    async def count_address(self, scope: Scope) -> None:
        """One that needs no token, or came with none that is good. Raises `RateLimited`."""
        address = client_address(scope, self.trusted_proxies)
        await self.limiter.take_all(counts(self.per_address, address))

    def count_unmatched(self, scope: Scope) -> None:
        """One that no route took, for its address. Raises `RateLimited`.

        Where it can't be counted at once, it is not counted.
        """
        self._count_at_once(self.per_address, scope)

    def count_refused_poll(self, scope: Scope) -> None:
        """A socket's request that is refused, for its address. Raises `RateLimited`, as above."""
        self._count_at_once(self.refused_polls, scope)

    def _count_at_once(self, of_address: Limit, scope: Scope) -> None:
        for limit, network in counts(of_address, client_address(scope, self.trusted_proxies)):
            self.limiter.take_at_once(limit, network)
