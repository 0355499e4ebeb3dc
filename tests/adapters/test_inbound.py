"""The budget of what a connection sends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_core.limits import Limit
from chat_socketio.inbound import LONGEST_PAUSE_SECONDS, UNIT_BYTES, InboundBudget

LIMIT = Limit("packets", 100, 1.0)


def test_as_many_as_the_burst_cost_no_pause() -> None:
    budget = InboundBudget(LIMIT, 0.0)
    assert [budget.spend(10, 0.0) for _ in range(100)] == [0.0] * 100
    assert budget.spend(10, 0.0) == pytest.approx(0.11)


def test_a_frame_counts_once_more_for_each_further_four_kibibytes() -> None:
    budget = InboundBudget(LIMIT, 0.0)
    for size, cost in ((0, 1), (UNIT_BYTES - 1, 1), (UNIT_BYTES, 2), (16 * UNIT_BYTES, 17)):
        budget = InboundBudget(LIMIT, 0.0)
        for _ in range(100 - cost):
            assert not budget.spend(0, 0.0)
        assert not budget.spend(size, 0.0)
        assert budget.spend(0, 0.0)


def test_no_pause_is_longer_than_two_seconds_and_a_debt_remains() -> None:
    budget = InboundBudget(LIMIT, 0.0)
    for _ in range(1000):
        pause = budget.spend(0, 0.0)
    assert pause == LONGEST_PAUSE_SECONDS
    assert budget.spend(0, 2.0) == LONGEST_PAUSE_SECONDS
    assert budget.spend(0, 9.1) == 0.0


def test_rest_gives_no_more_than_the_burst() -> None:
    budget = InboundBudget(LIMIT, 0.0)
    assert not any(budget.spend(0, 1000.0) for _ in range(100))
    assert budget.spend(0, 1000.0)


@given(
    st.lists(st.tuples(st.integers(0, 70_000), st.floats(0, 0.5)), max_size=300),
)
def test_whoever_pauses_as_long_as_asked_is_read_at_the_rate(
    frames: list[tuple[int, float]],
) -> None:
    """What is read in a time is never more than the burst, the rate, and one frame."""
    budget, now, spent, largest = InboundBudget(LIMIT, 0.0), 0.0, 0, 0
    for size, idle in frames:
        cost = 1 + size // UNIT_BYTES
        spent, largest = spent + cost, max(largest, cost)
        now += budget.spend(size, now) + idle
        assert spent <= 100 + 100 * now + largest + 1e-6
