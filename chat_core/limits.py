"""Rates: how often something may happen."""

from dataclasses import dataclass
from math import inf

SLACK = 1e-6
"""Of a token: what float arithmetic may lose, so that a caller who waits as told is taken."""

LONGEST_PAUSE_SECONDS = 2.0
"""What is paced is read again after this long in any case, and may pause again at once."""


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


class Pace:
    """How fast something is read: a token bucket that may run into debt. No I/O, and no clock.

    What was read is handled, whatever it costs, and then nothing more is read until the bucket is
    positive again. Times are monotonic seconds.
    """

    __slots__ = ("_at", "_burst", "_per_second", "_tokens")

    def __init__(self, limit: Limit, now: float) -> None:
        self._burst = limit.burst
        self._per_second = limit.burst / limit.seconds
        self._tokens: float = limit.burst
        self._at = now

    def spend(self, cost: int, now: float) -> float:
        """Count what was read: the seconds to read nothing more, 0.0 for none.

        A pause lasts until a tenth of the burst is there, so that a flood costs few timers.
        """
        tokens = self._tokens
        if now > self._at:
            tokens = min(self._burst, tokens + (now - self._at) * self._per_second)
            self._at = now
        self._tokens = tokens = tokens - cost
        if tokens > -SLACK:
            return 0.0
        return min(LONGEST_PAUSE_SECONDS, (self._burst / 10 - tokens) / self._per_second)
