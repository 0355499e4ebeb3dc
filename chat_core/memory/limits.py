"""A rate limiter for one process."""

from collections import Counter
from dataclasses import dataclass, field
from math import inf

from chat_core.errors import RateLimited
from chat_core.limits import Limit, TokenBucket
from chat_core.ports.limits import RateLimiter
from chat_core.ports.system import Clock

SWEEP_AT = 10_000
"""From this many buckets on, drop the full ones whenever the number has doubled."""


@dataclass(slots=True)
class MemoryRateLimiter(RateLimiter):
    """Token buckets in a dictionary. As it grows, it drops the full ones."""

    clock: Clock
    refused: Counter[str] = field(default_factory=Counter)
    """The number of refusals by the name of the limit."""
    _buckets: dict[tuple[str, str], TokenBucket] = field(default_factory=dict)
    _sweep_at: int = SWEEP_AT

    async def take(self, limit: Limit, key: str, count: int = 1) -> None:
        """See `RateLimiter.take`."""
        self.take_at_once(limit, key, count)

    def take_at_once(self, limit: Limit, key: str, count: int = 1) -> bool:
        """See `RateLimiter.take_at_once`."""
        now = self.clock.monotonic()
        bucket = self._buckets.get((limit.name, key))
        if bucket is None:
            self._sweep(now)
            bucket = self._buckets[limit.name, key] = TokenBucket.full(limit, now)
        wait = bucket.take(now, count)
        if wait:
            self.refused[limit.name] += 1
            if wait == inf:
                raise RateLimited(f"One request may take at most {limit.burst} {limit.name}")
            raise RateLimited(retry_after=wait)
        return True

    async def give_back(self, limit: Limit, key: str, count: int = 1) -> None:
        """See `RateLimiter.give_back`."""
        bucket = self._buckets.get((limit.name, key))
        if bucket is not None:
            bucket.give_back(self.clock.monotonic(), count)

    def _sweep(self, now: float) -> None:
        if len(self._buckets) < self._sweep_at:
            return
        self._buckets = {key: b for key, b in self._buckets.items() if not b.is_full(now)}
        self._sweep_at = max(SWEEP_AT, 2 * len(self._buckets))
