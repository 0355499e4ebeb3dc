import asyncio

import pytest

from chat_core.memory import RandomIds, SystemClock
from chat_core.ports.system import Clock
from chat_core.testing.clock import START, ManualClock
from chat_core.testing.ids import CountedIds
from chat_core.testing.makers import at
from chat_core.testing.system_contracts import ClockContract, IdGeneratorContract
from tests.support.waiting import settle


class TestSystemClock(ClockContract):
    @pytest.fixture
    def clock(self) -> SystemClock:
        return SystemClock()


class TestManualClock(ClockContract):
    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    async def let_pass(self, clock: Clock, seconds: float) -> None:
        assert isinstance(clock, ManualClock)
        clock.advance(seconds)


class TestRandomIds(IdGeneratorContract):
    @pytest.fixture
    def ids(self) -> RandomIds:
        return RandomIds()


class TestCountedIds(IdGeneratorContract):
    @pytest.fixture
    def ids(self) -> CountedIds:
        return CountedIds()


async def test_a_manual_clock_wakes_those_whose_time_has_come_earliest_first() -> None:
    clock = ManualClock()
    woken: list[float] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    sleepers = [asyncio.create_task(sleep(seconds)) for seconds in (3, 1, 2, 10)]
    await settle()
    assert clock.waiting == 4
    sleepers[3].cancel()
    await settle()
    assert clock.waiting == 3

    clock.advance(2.999)
    await settle()
    assert (woken, clock.waiting, clock.now()) == ([1, 2], 1, at(2.999))
    clock.advance(0.001)
    await asyncio.gather(*sleepers[:3])
    assert woken == [1, 2, 3]


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock()

    assert (clock.now(), clock.monotonic()) == (START, 0.0)
    clock.advance(0.0014)
    assert (clock.now(), clock.monotonic()) == (at(0.001), 0.001)
