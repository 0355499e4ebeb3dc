"""The port that counts how often things happen."""

from abc import abstractmethod
from typing import Protocol

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

    @abstractmethod
    async def give_back(self, limit: Limit, key: str) -> None:
        """Undo one `take`, for what in the end does not count."""
