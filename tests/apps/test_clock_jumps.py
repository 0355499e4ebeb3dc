"""A wall clock that jumps is counted and told, and nothing that lasts is measured by it."""

import asyncio
import logging
from datetime import timedelta

import pytest

from chat_core.testing.clock import ManualClock
from chat_server.clock_jumps import JUMP_SECONDS, LOOK_SECONDS, RECENT_SECONDS, ClockJumps
from tests.support.waiting import until


def test_a_jump_is_counted_by_its_direction_and_told_in_seconds(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = ManualClock()
    jumps = ClockJumps(clock)
    clock.wall += timedelta(seconds=90)
    jumps.look()
    jumps.look()
    assert (jumps.ahead, jumps.back, jumps.seconds()) == (1, 0, 90)
    clock.wall -= timedelta(seconds=100)
    jumps.look()
    assert (jumps.ahead, jumps.back, jumps.seconds()) == (1, 1, -10)
    assert [message.partition(" seconds")[0] for message in caplog.messages] == [
        "the clock jumped by +90.0",
        "the clock jumped by -100.0",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


def test_time_that_goes_by_is_no_jump_nor_is_a_clock_that_is_set_right_little_by_little() -> None:
    clock = ManualClock()
    jumps = ClockJumps(clock)
    for _ in range(100):
        clock.advance(LOOK_SECONDS)
        clock.wall += timedelta(seconds=JUMP_SECONDS / 10)
        jumps.look()
    assert (jumps.ahead, jumps.back) == (0, 0)
    assert jumps.seconds() == pytest.approx(10 * JUMP_SECONDS)


def test_a_jump_is_recent_for_a_while() -> None:
    clock = ManualClock()
    jumps = ClockJumps(clock)
    assert not jumps.is_recent()
    clock.wall += timedelta(days=1)
    jumps.look()
    clock.advance(RECENT_SECONDS - 1)
    assert jumps.is_recent()
    clock.advance(1)
    assert not jumps.is_recent()


async def test_it_looks_once_a_second() -> None:
    clock = ManualClock()
    jumps = ClockJumps(clock)
    looking = asyncio.create_task(jumps.run())
    for ahead in (1, 2):
        await until(lambda: clock.waiting)
        clock.wall += timedelta(hours=1)
        clock.advance(LOOK_SECONDS)
        await until(lambda: jumps.ahead == ahead)  # noqa: B023
    looking.cancel()
