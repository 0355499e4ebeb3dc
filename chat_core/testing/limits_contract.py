# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `RateLimiter`."""

import math

import pytest

from chat_core.errors import RateLimited
from chat_core.limits import Limit
from chat_core.ports.limits import RateLimiter
from chat_core.testing.clock import ManualClock

LIMITS = [Limit("one", 1, 10), Limit("three", 3, 1), Limit("many", 30, 60), Limit("slow", 5, 900)]


async def take(limiter: RateLimiter, limit: Limit, key: str, times: int) -> None:
    """Count that many actions, one after the other."""
    for _ in range(times):
        await limiter.take(limit, key)


async def used_up(limiter: RateLimiter, limit: Limit, key: str) -> float:
    """Use up the limit, and return the seconds until one more is accepted."""
    with pytest.raises(RateLimited) as caught:
        await take(limiter, limit, key, limit.burst + 1)
    assert caught.value.retry_after is not None
    return caught.value.retry_after


class RateLimiterContract:
    """Tests that every `RateLimiter` must pass.

    Subclass it, and give it the fixtures `limiter` and `clock`, the `ManualClock` that it uses.
    """

    @pytest.fixture(params=LIMITS, ids=lambda limit: limit.name)
    def limit(self, request: pytest.FixtureRequest) -> Limit:
        """Return a limit."""
        found = request.param
        assert isinstance(found, Limit)
        return found

    async def test_a_burst_is_taken_at_once_and_one_more_is_told_when_it_would_be(
        self, limiter: RateLimiter, clock: ManualClock, limit: Limit
    ) -> None:
        await take(limiter, limit, "ann", limit.burst)
        waits = [await used_up(limiter, limit, "ann") for _ in range(5)]

        assert waits == [pytest.approx(limit.seconds / limit.burst)] * 5
        clock.advance(math.floor(waits[0] * 1000) / 1000 - 0.001)
        with pytest.raises(RateLimited):
            await limiter.take(limit, "ann")

    async def test_after_the_time_that_was_told_one_more_is_taken(
        self, limiter: RateLimiter, clock: ManualClock, limit: Limit
    ) -> None:
        await take(limiter, limit, "ann", limit.burst)
        for _ in range(2 * limit.burst):
            wait = await used_up(limiter, limit, "ann")
            clock.advance(math.ceil(wait * 1000) / 1000)
            await limiter.take(limit, "ann")

    async def test_after_a_rest_a_burst_is_taken_again_and_no_more(
        self, limiter: RateLimiter, clock: ManualClock, limit: Limit
    ) -> None:
        await used_up(limiter, limit, "ann")
        for rest in (1, 10):
            clock.advance(rest * limit.seconds)
            await take(limiter, limit, "ann", limit.burst)
            with pytest.raises(RateLimited):
                await limiter.take(limit, "ann")

    async def test_what_is_taken_at_once_counts_as_the_rest(
        self, limiter: RateLimiter, limit: Limit
    ) -> None:
        taken = sum(limiter.take_at_once(limit, "ann") for _ in range(limit.burst))
        await take(limiter, limit, "ann", limit.burst - taken)
        with pytest.raises(RateLimited):
            await limiter.take(limit, "ann")
        if taken:
            with pytest.raises(RateLimited):
                limiter.take_at_once(limit, "ann")

    async def test_several_are_taken_together_or_not_at_all(
        self, limiter: RateLimiter, clock: ManualClock, limit: Limit
    ) -> None:
        await limiter.take(limit, "ann", limit.burst)
        for wanted in range(1, limit.burst + 1):
            with pytest.raises(RateLimited) as caught:
                await limiter.take(limit, "ann", wanted)
            assert caught.value.retry_after == pytest.approx(wanted * limit.seconds / limit.burst)
        clock.advance(math.ceil(limit.seconds * 1000) / 1000)
        await limiter.take(limit, "ann", limit.burst)

    async def test_too_many_for_what_is_left_leave_it_to_fewer(
        self, limiter: RateLimiter, limit: Limit
    ) -> None:
        await limiter.take(limit, "ann")
        with pytest.raises(RateLimited) as caught:
            await limiter.take(limit, "ann", limit.burst)
        assert caught.value.retry_after == pytest.approx(limit.seconds / limit.burst)

        await limiter.take(limit, "ann", limit.burst - 1)
        await used_up(limiter, limit, "ann")

    async def test_more_than_a_burst_is_never_taken_and_no_time_is_told(
        self, limiter: RateLimiter, limit: Limit
    ) -> None:
        with pytest.raises(RateLimited) as caught:
            await limiter.take(limit, "ann", limit.burst + 1)
        assert caught.value.retry_after is None

        await limiter.take(limit, "ann", limit.burst)

    async def test_several_are_given_back_together(
        self, limiter: RateLimiter, limit: Limit
    ) -> None:
        for _ in range(3):
            await limiter.take(limit, "ann", limit.burst)
            await limiter.give_back(limit, "ann", limit.burst)
        await take(limiter, limit, "ann", limit.burst)
        await used_up(limiter, limit, "ann")

    async def test_keys_do_not_share_and_neither_do_limits_of_different_names(
        self, limiter: RateLimiter
    ) -> None:
        logins, signups = Limit("logins", 1, 60), Limit("signups", 1, 60)
        for limit, key in ((logins, "ann"), (logins, "Ann"), (signups, "ann"), (signups, "")):
            await limiter.take(limit, key)

        for limit, key in ((logins, "ann"), (signups, "ann")):
            with pytest.raises(RateLimited):
                await limiter.take(limit, key)

    async def test_what_is_given_back_can_be_taken_again(
        self, limiter: RateLimiter, limit: Limit
    ) -> None:
        for _ in range(3 * limit.burst):
            await limiter.take(limit, "ann")
            await limiter.give_back(limit, "ann")
        await take(limiter, limit, "ann", limit.burst)
        await limiter.give_back(limit, "ann")
        await limiter.take(limit, "ann")

        with pytest.raises(RateLimited):
            await limiter.take(limit, "ann")

    async def test_giving_back_what_has_come_back_by_itself_gives_no_more_than_a_burst(
        self, limiter: RateLimiter, clock: ManualClock, limit: Limit
    ) -> None:
        await limiter.take(limit, "ann")
        clock.advance(limit.seconds)
        await limiter.give_back(limit, "ann")
        await limiter.give_back(limit, "never taken")

        for key in ("ann", "never taken"):
            await take(limiter, limit, key, limit.burst)
            with pytest.raises(RateLimited):
                await limiter.take(limit, key)

    async def test_of_several_one_is_taken_for_each_or_none_at_all(
        self, limiter: RateLimiter
    ) -> None:
        wide, narrow = Limit("wide", 3, 60), Limit("narrow", 2, 60)
        both = [(narrow, "ann"), (wide, "all")]
        await limiter.take_all(both)
        await limiter.take_all(both)
        await limiter.take(wide, "all")
        for _ in range(2):
            with pytest.raises(RateLimited):
                await limiter.take_all([(narrow, "bob"), (wide, "all")])

        await take(limiter, narrow, "bob", 2)
        await limiter.give_back_all(both)
        await limiter.take_all(both)
        for limit, key in both:
            with pytest.raises(RateLimited):
                await limiter.take(limit, key)
