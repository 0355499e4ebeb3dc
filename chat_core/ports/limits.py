"""The port that counts how often things happen."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from chat_core.addresses import Count
from chat_core.errors import RateLimited
from chat_core.limits import Limit


class RateLimiter(Protocol):
    """Counts by limit and key: a user, an address, an account and address."""

    @abstractmethod
    async def take(self, limit: Limit, key: str, count: int = 1) -> None:
        """Count that many, all or none.

        - `limit.burst` at once are taken; more raise `RateLimited`, count nothing and tell in
          `retry_after` when they would be taken.
        - After `retry_after` seconds as many are taken.
        - More than a burst in one call can never be taken: `retry_after` is None.
        - Keys do not share, and neither do limits of different names.
        """

    def take_at_once(
        self,
        limit: Limit,  # noqa: ARG002 - an adapter's
        key: str,  # noqa: ARG002
        count: int = 1,  # noqa: ARG002
    ) -> bool:
        """As `take`, without waiting: True. False where that can't be: nothing is counted."""
        return False

    @abstractmethod
    async def give_back(self, limit: Limit, key: str, count: int = 1) -> None:
        """Undo a `take` of that many, for what does not count after all."""

    async def take_all(self, counts: Sequence[Count]) -> None:
        """Count one for each, in that order, or none: raises the first `RateLimited`."""
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
