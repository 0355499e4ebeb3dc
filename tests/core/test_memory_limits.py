import pytest

from chat_core.errors import RateLimited
from chat_core.limits import Limit
from chat_core.memory import MemoryRateLimiter
from chat_core.memory.limits import SWEEP_AT
from chat_core.testing.clock import ManualClock
from chat_core.testing.limits_contract import RateLimiterContract

ONE_A_MINUTE = Limit("one a minute", 1, 60)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def limiter(clock: ManualClock) -> MemoryRateLimiter:
    return MemoryRateLimiter(clock)


class TestMemoryRateLimiter(RateLimiterContract):
    pass


async def test_buckets_that_are_full_again_are_dropped_and_the_others_kept(
    limiter: MemoryRateLimiter, clock: ManualClock
) -> None:
    for number in range(SWEEP_AT - 1):
        await limiter.take(ONE_A_MINUTE, f"early {number}")
    clock.advance(59)
    await limiter.take(ONE_A_MINUTE, "late")
    clock.advance(1)
    await limiter.take(ONE_A_MINUTE, "one too many")

    assert len(limiter._buckets) == 2
    with pytest.raises(RateLimited):
        await limiter.take(ONE_A_MINUTE, "late")
