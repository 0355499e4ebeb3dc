"""Rate limits."""

from dataclasses import dataclass
from math import inf

SLACK = 1e-6
"""A tolerance in tokens for float arithmetic, so that a caller who waits as told is accepted."""

LONGEST_PAUSE_SECONDS = 2.0
"""The longest pause of a `Pace`. The next read may start another pause at once."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `burst` at once, and `burst` again after `seconds` of rest, refilled evenly."""

    name: str
    burst: int
    seconds: float


@dataclass(slots=True)
class TokenBucket:
    """The state of one limit for one key at `at`, a monotonic time in seconds. It has no clock."""

    limit: Limit
    tokens: float
    at: float

    @classmethod
    def full(cls, limit: Limit, now: float) -> "TokenBucket":
        """Return an unused bucket."""
        return cls(limit, limit.burst, now)

    def take(self, now: float, count: int = 1) -> float:
        """Take `count` tokens and return 0.0, or take none and return the seconds until it can.

        If `count` is more than a burst, it returns infinity.
        """
        tokens = self._refill(now)
        if tokens < count - SLACK:
            if count > self.limit.burst:
                return inf
            return (count - tokens) * self.limit.seconds / self.limit.burst
        self.tokens = tokens - count
        return 0.0

    def give_back(self, now: float, count: int = 1) -> None:
        """Return tokens of actions that do not count after all."""
        self.tokens = min(self.limit.burst, self._refill(now) + count)

    def is_full(self, now: float) -> bool:
        """Return whether it equals an unused bucket, so that it need not be kept."""
        return self._refill(now) >= self.limit.burst

    def _refill(self, now: float) -> float:
        """Add the tokens gained since the last call, and return the tokens."""
        elapsed = now - self.at
        if elapsed > 0:
            self.at = now
            limit = self.limit
            if self.tokens < limit.burst:
                gained = elapsed * limit.burst / limit.seconds
                self.tokens = min(limit.burst, self.tokens + gained)
        return self.tokens


class Pace:
    """A limit on the speed of reads: a token bucket that may go negative. No I/O, no clock.

    The reader handles all that it has read, at any cost, and then reads nothing more until the
    bucket is positive again. Times are monotonic seconds.
    """

    __slots__ = ("_at", "_burst", "_per_second", "_tokens")

    def __init__(self, limit: Limit, now: float) -> None:
        self._burst = limit.burst
        self._per_second = limit.burst / limit.seconds
        self._tokens: float = limit.burst
        self._at = now

    def spend(self, cost: int, now: float) -> float:
        """Count the cost of a read, and return how many seconds to pause before the next one.

        A pause lasts until a tenth of the burst is there, so that a flood needs few timers.
        """
        tokens = self._tokens
        if now > self._at:
            tokens = min(self._burst, tokens + (now - self._at) * self._per_second)
            self._at = now
        self._tokens = tokens = tokens - cost
        if tokens > -SLACK:
            return 0.0
        return min(LONGEST_PAUSE_SECONDS, (self._burst / 10 - tokens) / self._per_second)
