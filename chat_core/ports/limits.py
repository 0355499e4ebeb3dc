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
    async def take(self, limit: Limit, key: str) -> None:
        """Count one.

        - `limit.burst` calls at once are taken; one more raises `RateLimited`, counts nothing and
          tells in `retry_after` when it would be taken.
        - After `retry_after` seconds one more is taken.
        - Keys do not share, and neither do limits of different names.
        """

    def take_at_once(self, limit: Limit, key: str) -> bool:  # noqa: ARG002 - an adapter's
        """As `take`, without waiting: True. False where that can't be: nothing is counted."""
        return False

    @abstractmethod
    async def give_back(self, limit: Limit, key: str) -> None:
        """Undo one `take`, for what in the end does not count."""

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
