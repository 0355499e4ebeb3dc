import pytest

from chat_core.measures import Commits, Histogram


def test_a_value_counts_at_the_first_bound_that_it_does_not_pass() -> None:
    histogram = Histogram((1.0, 2.0, 5.0))
    for value in (0.5, 1.0, 1.5, 2.0, 5.0, 5.1, 99.0):
        histogram.observe(value)

    assert histogram.counts == [2, 2, 1, 2]
    assert histogram.total == pytest.approx(114.1)


def test_nothing_is_counted_at_first() -> None:
    histogram = Histogram((1.0, 2.0))

    assert (histogram.counts, histogram.total) == ([0, 0, 0], 0)


def test_of_a_commit_its_writes_and_its_seconds_are_counted() -> None:
    commits = Commits()
    commits.observe(3, 0.02)
    commits.observe(200, 0.5)

    assert (sum(commits.sizes.counts), sum(commits.seconds.counts)) == (2, 2)
    assert commits.sizes.total == 203
    assert commits.seconds.total == pytest.approx(0.52)
