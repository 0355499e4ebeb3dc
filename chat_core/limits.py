"""Rates: how often something may happen."""

from dataclasses import dataclass

SLACK = 1e-6
"""Of a token: what float arithmetic may lose, so that whoever waits as long as told is taken."""


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

    def take(self, now: float) -> float:
        """Take one token: 0.0. With none left, takes nothing: the seconds until there is one."""
        self._refill(now)
        if self.tokens < 1 - SLACK:
            return (1 - self.tokens) * self.limit.seconds / self.limit.burst
        self.tokens -= 1
        return 0.0

    def give_back(self, now: float) -> None:
        """Return a token that was taken for what in the end does not count."""
        self._refill(now)
        self.tokens = min(self.limit.burst, self.tokens + 1)

    def is_full(self, now: float) -> bool:
        """Whether it is as if never used, so that it need not be kept."""
        self._refill(now)
        return self.tokens >= self.limit.burst

    def _refill(self, now: float) -> None:
        if now > self.at:
            gained = (now - self.at) * self.limit.burst / self.limit.seconds
            self.tokens = min(self.limit.burst, self.tokens + gained)
            self.at = now
