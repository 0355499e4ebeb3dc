"""What a frame counts for."""

import pytest

from chat_socketio.inbound import UNIT_BYTES, cost


@pytest.mark.parametrize(
    ("size", "counts"), [(0, 1), (UNIT_BYTES - 1, 1), (UNIT_BYTES, 2), (16 * UNIT_BYTES, 17)]
)
def test_a_frame_counts_once_more_for_each_further_four_kibibytes(size: int, counts: int) -> None:
    assert cost(size) == counts
