"""Rates: how often something may happen."""

from dataclasses import dataclass

SLACK = 1e-6
"""Of a token: what float arithmetic may lose, so that whoever waits as long as told is taken."""

ENOUGH = 1 - SLACK


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
        tokens = self._refill(now)
        if tokens < ENOUGH:
            return (1 - tokens) * self.limit.seconds / self.limit.burst
        self.tokens = tokens - 1
        return 0.0

    def give_back(self, now: float) -> None:
        """Return a token that was taken for what in the end does not count."""
        self.tokens = min(self.limit.burst, self._refill(now) + 1)

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
