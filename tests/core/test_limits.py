from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_core.limits import SLACK, Limit, TokenBucket

limits = st.builds(Limit, st.just("limit"), burst=st.integers(1, 50), seconds=st.floats(0.5, 3600))
starts = st.floats(0, 1e7)
steps = st.lists(st.floats(0, 100) | st.just(0.0), min_size=1, max_size=200)


@given(limit=limits, start=starts, waits=steps)
def test_over_no_window_more_than_a_burst_and_what_was_refilled_is_taken(
    limit: Limit, start: float, waits: list[float]
) -> None:
    bucket, now, taken = TokenBucket.full(limit, start), start, []
    for wait in waits:
        now += wait
        if bucket.take(now) == 0:
            taken.append(now)

    rate = limit.burst / limit.seconds
    for first, begin in enumerate(taken):
        for last, end in enumerate(taken[first:], start=first):
            assert last - first + 1 <= limit.burst + rate * (end - begin) + 1e-5


@given(limit=limits, start=starts, waits=steps)
def test_whoever_waits_as_long_as_told_is_taken(
    limit: Limit, start: float, waits: list[float]
) -> None:
    bucket, now = TokenBucket.full(limit, start), start
    for wait in waits:
        now += wait / 10
        told = bucket.take(now)
        if told:
            now += told
            assert bucket.take(now) == 0


@given(limit=limits, start=starts, data=st.data())
def test_whoever_waits_less_than_told_is_refused(
    limit: Limit, start: float, data: st.DataObject
) -> None:
    bucket = TokenBucket.full(limit, start)
    for _ in range(limit.burst):
        assert bucket.take(start) == 0
    told = bucket.take(start)
    early = data.draw(st.floats(0, 0.999))

    assert bucket.take(start + told * early) > 0


@given(limit=limits, start=starts, part=st.floats(0.01, 0.99))
def test_whoever_has_waited_a_part_of_the_time_is_told_the_rest(
    limit: Limit, start: float, part: float
) -> None:
    bucket = TokenBucket.full(limit, start)
    for _ in range(limit.burst):
        bucket.take(start)
    told = bucket.take(start)

    rest = bucket.take(start + told * part)
    assert rest == pytest.approx(told * (1 - part), rel=1e-3, abs=1e-6)


@given(limit=limits, start=starts)
def test_a_refusal_takes_nothing(limit: Limit, start: float) -> None:
    bucket = TokenBucket.full(limit, start)
    for _ in range(limit.burst):
        bucket.take(start)

    assert len({bucket.take(start) for _ in range(10)}) == 1


@given(limit=limits, start=starts, rest=st.floats(1, 10))
def test_after_a_rest_a_bucket_is_full_and_no_fuller(
    limit: Limit, start: float, rest: float
) -> None:
    bucket = TokenBucket.full(limit, start)
    assert bucket.is_full(start)
    for _ in range(limit.burst):
        bucket.take(start)
    assert not bucket.is_full(start)

    assert bucket.is_full(start + rest * limit.seconds * 1.001)
    assert bucket.tokens == limit.burst


@given(limit=limits, start=starts, back=st.floats(0, 100))
def test_time_that_goes_back_neither_takes_nor_refills(
    limit: Limit, start: float, back: float
) -> None:
    bucket = TokenBucket.full(limit, start)
    for _ in range(limit.burst):
        assert bucket.take(start - back) == 0

    assert bucket.take(start - back) > 0
    assert bucket.take(start) > 0


@given(limit=limits, start=starts, times=st.integers(1, 60))
def test_what_is_given_back_can_be_taken_again_up_to_a_burst(
    limit: Limit, start: float, times: int
) -> None:
    bucket = TokenBucket.full(limit, start)
    for _ in range(limit.burst):
        bucket.take(start)
    for _ in range(times):
        bucket.give_back(start)
    taken = 0
    while bucket.take(start) == 0:
        taken += 1

    assert taken == min(times, limit.burst)
    assert bucket.tokens >= -SLACK


@given(limit=limits, start=starts, waits=steps, data=st.data())
def test_whoever_takes_several_together_gets_no_more_than_whoever_takes_them_one_by_one(
    limit: Limit, start: float, waits: list[float], data: st.DataObject
) -> None:
    together, alone, now = TokenBucket.full(limit, start), TokenBucket.full(limit, start), start
    for wait in waits:
        now += wait
        count = data.draw(st.integers(1, limit.burst))
        told = together.take(now, count)
        if told == 0:
            assert [alone.take(now) for _ in range(count)] == [0] * count
        else:
            assert TokenBucket(limit, together.tokens, now).take(now + told, count) == 0


@given(limit=limits, start=starts, more=st.integers(1, 100))
def test_more_than_a_burst_at_once_is_never_taken(limit: Limit, start: float, more: int) -> None:
    bucket = TokenBucket.full(limit, start)

    assert bucket.take(start, limit.burst + more) == inf
    assert bucket.take(start, limit.burst) == 0
