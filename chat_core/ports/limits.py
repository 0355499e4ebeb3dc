"""The port that counts how often things happen."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from chat_core.addresses import Count
from chat_core.errors import RateLimited
from chat_core.limits import Limit


class RateLimiter(Protocol):
    """A counter of actions, by limit and key: a user, an address, or an account and an address."""

    @abstractmethod
    async def take(self, limit: Limit, key: str, count: int = 1) -> None:
        """Count `count` actions, all or none.

        - It accepts up to `limit.burst` at once. More raise `RateLimited` and count nothing;
          `retry_after` says when they would be accepted.
        - After `retry_after` seconds that many are accepted.
        - If `count` is more than a burst, the call is never accepted, and `retry_after` is None.
        - Each key, and each limit name, has its own count.
        """

    def take_at_once(
        self,
        limit: Limit,  # noqa: ARG002 - used by adapters
        key: str,  # noqa: ARG002
        count: int = 1,  # noqa: ARG002
    ) -> bool:
        """Count without waiting and return True, or count nothing and return False."""
        return False

    @abstractmethod
    async def give_back(self, limit: Limit, key: str, count: int = 1) -> None:
        """Undo a `take` of `count` actions that do not count after all."""

    async def take_all(self, counts: Sequence[Count]) -> None:
        """Count one action for each, in that order, or none. Raises the first `RateLimited`."""
        for taken, count in enumerate(counts):
            try:
                await self.take(*count)
            except RateLimited:
                await self.give_back_all(counts[:taken])
                raise

    async def give_back_all(self, counts: Sequence[Count]) -> None:
        """Undo one `take_all`."""
        for count in counts:
            await self.give_back(*count)
