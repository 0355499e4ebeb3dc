"""How fast something is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_core.limits import LONGEST_PAUSE_SECONDS, Limit, Pace

LIMIT = Limit("packets", 100, 1.0)


def test_as_many_as_the_burst_cost_no_pause() -> None:
    pace = Pace(LIMIT, 0.0)
    assert [pace.spend(1, 0.0) for _ in range(100)] == [0.0] * 100
    assert pace.spend(1, 0.0) == pytest.approx(0.11)


def test_what_costs_more_brings_the_pause_sooner() -> None:
    for cost in (1, 2, 17, 100):
        pace = Pace(LIMIT, 0.0)
        assert not pace.spend(100 - cost, 0.0)
        assert not pace.spend(cost, 0.0)
        assert pace.spend(1, 0.0)


def test_no_pause_is_longer_than_two_seconds_and_a_debt_remains() -> None:
    pace = Pace(LIMIT, 0.0)
    assert pace.spend(1000, 0.0) == LONGEST_PAUSE_SECONDS
    assert pace.spend(1, 2.0) == LONGEST_PAUSE_SECONDS
    assert pace.spend(1, 9.1) == 0.0


def test_rest_gives_no_more_than_the_burst() -> None:
    pace = Pace(LIMIT, 0.0)
    assert not pace.spend(100, 1000.0)
    assert pace.spend(1, 1000.0)


@given(st.lists(st.tuples(st.integers(1, 20), st.floats(0, 0.5)), max_size=300))
def test_who_pauses_as_long_as_asked_is_read_at_the_rate(reads: list[tuple[int, float]]) -> None:
    """What is read in a time is never more than the burst, the rate, and one read."""
    pace, now, spent = Pace(LIMIT, 0.0), 0.0, 0
    for cost, idle in reads:
        spent += cost
        now += pace.spend(cost, now) + idle
        assert spent <= 100 + 100 * now + 20 + 1e-6
