"""Rates: how often something may happen."""

from dataclasses import dataclass
from math import inf

SLACK = 1e-6
"""Of a token: what float arithmetic may lose, so that a caller who waits as told is taken."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `burst` at once, and `burst` again after `seconds` of rest, refilled evenly."""

    name: str
    burst: int
    seconds: float


@dataclass(slots=True)
class TokenBucket:
    """The state of one limit for one key, as of `at`, a monotonic time in seconds. No clock."""

    limit: Limit
    tokens: float
    at: float

    @classmethod
    def full(cls, limit: Limit, now: float) -> "TokenBucket":
        """A bucket that was never used."""
        return cls(limit, limit.burst, now)

    def take(self, now: float, count: int = 1) -> float:
        """Take that many tokens: 0.0. With too few left, takes none: the seconds until it can.

        Infinite for more than a burst.
        """
        tokens = self._refill(now)
        if tokens < count - SLACK:
            if count > self.limit.burst:
                return inf
            return (count - tokens) * self.limit.seconds / self.limit.burst
        self.tokens = tokens - count
        return 0.0

    def give_back(self, now: float, count: int = 1) -> None:
        """Return tokens that were taken for what does not count after all."""
        self.tokens = min(self.limit.burst, self._refill(now) + count)

    def is_full(self, now: float) -> bool:
        """Whether it is as if never used, so that it need not be kept."""
        return self._refill(now) >= self.limit.burst

    def _refill(self, now: float) -> float:
        """What is there by now."""
        elapsed = now - self.at
        if elapsed > 0:
            self.at = now
            limit = self.limit
            if self.tokens < limit.burst:
                gained = elapsed * limit.burst / limit.seconds
                self.tokens = min(limit.burst, self.tokens + gained)
        return self.tokens
