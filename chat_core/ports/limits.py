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

    def take_at_once(self, limit: Limit, key: str) -> bool:  # noqa: ARG002 - an adapter's
        """As `take`, without waiting: True. False where that can't be: nothing is counted."""
        return False

    @abstractmethod
    async def give_back(self, limit: Limit, key: str) -> None:
        """Undo one `take`, for what in the end does not count."""
