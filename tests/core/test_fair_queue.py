import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_core import UserId
from chat_core.errors import RateLimited
from chat_core.services.fair_queue import PATIENCE_SECONDS, FairQueue, Turn
from chat_core.testing.clock import ManualClock

ANN, BOB, EVE = UserId("ann"), UserId("bob"), UserId("eve")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def settled() -> None:
    """Let every task go on until it waits."""
    for _ in range(5):
        await asyncio.sleep(0)


@dataclass
class Reading:
    """A call that takes turns for as long as it is told to."""

    reads: FairQueue
    user_id: UserId
    is_admitted: bool = False
    has_turn: bool = False
    turns: int = 0
    _go_on: "asyncio.Queue[str]" = field(default_factory=asyncio.Queue)

    def start(self) -> "asyncio.Task[None]":
        self.task = asyncio.get_running_loop().create_task(self._read())
        return self.task

    def next_slice(self) -> None:
        self._go_on.put_nowait("next")

    def finish(self) -> None:
        self._go_on.put_nowait("finish")

    async def _read(self) -> None:
        async with self.reads.call(self.user_id) as turn:
            self.is_admitted = True
            try:
                while True:
                    await self._slice(turn)
                    if self.told == "finish":
                        return
            finally:
                self.is_admitted = False

    async def _slice(self, turn: Turn) -> None:
        async with turn:
            self.has_turn = True
            self.turns += 1
            try:
                self.told = await self._go_on.get()
            finally:
                self.has_turn = False


async def started(reads: FairQueue, *users: UserId) -> list[Reading]:
    readings = [Reading(reads, user) for user in users]
    for reading in readings:
        reading.start()
    await settled()
    return readings


async def test_a_user_has_so_many_calls_at_once_and_the_others_wait(clock: ManualClock) -> None:
    reads = FairQueue(clock, calls_at_once=2)
    one, two, three = await started(reads, ANN, ANN, ANN)
    assert [each.is_admitted for each in (one, two, three)] == [True, True, False]
    one.finish()
    await settled()
    assert [each.is_admitted for each in (one, two, three)] == [False, True, True]
    two.finish()
    three.finish()
    await asyncio.gather(two.task, three.task)
    assert (reads.users, reads.refused, clock.waiting) == (0, 0, 0)


async def test_a_call_that_waits_too_long_is_refused_and_others_are_not(
    clock: ManualClock,
) -> None:
    reads = FairQueue(clock, calls_at_once=1)
    held, waits = await started(reads, ANN, ANN)
    clock.advance(PATIENCE_SECONDS - 1)
    (late, others) = await started(reads, ANN, BOB)
    clock.advance(1)
    with pytest.raises(RateLimited) as caught:
        await waits.task
    assert caught.value.retry_after == PATIENCE_SECONDS
    assert reads.refused == 1
    assert others.has_turn
    held.finish()
    await settled()
    assert late.has_turn
    for each in (late, others):
        each.finish()
    await asyncio.gather(held.task, late.task, others.task)
    assert (reads.users, reads.refused, clock.waiting) == (0, 1, 0)


async def test_one_user_has_one_turn_at_a_time_however_many_are_free(clock: ManualClock) -> None:
    reads = FairQueue(clock, turns_at_once=4)
    one, two, other = await started(reads, ANN, ANN, BOB)
    assert [each.has_turn for each in (one, two, other)] == [True, False, True]
    one.next_slice()
    await settled()
    assert [each.has_turn for each in (one, two, other)] == [False, True, True]
    for each in (one, two, other):
        each.finish()
    await asyncio.gather(one.task, two.task, other.task)


async def test_between_the_slices_of_a_long_call_everyone_else_has_a_turn(
    clock: ManualClock,
) -> None:
    reads = FairQueue(clock, turns_at_once=1)
    long, again, bob, eve = await started(reads, ANN, ANN, BOB, EVE)
    order = []
    for _ in range(8):
        (reader,) = [each for each in (long, again, bob, eve) if each.has_turn]
        order.append(reader)
        reader.next_slice()
        await settled()
    assert order == [long, bob, eve, again, bob, eve, long, bob]
    for each in (long, again, bob, eve):
        each.finish()
        each.task.cancel()
    await asyncio.gather(*(each.task for each in (long, again, bob, eve)), return_exceptions=True)
    assert reads.users == 0


@pytest.mark.parametrize("cancelled", range(4))
async def test_a_caller_that_hangs_up_holds_nothing(clock: ManualClock, cancelled: int) -> None:
    """One has the turn, one waits for it, one waits to be admitted, one is of somebody else."""
    reads = FairQueue(clock, calls_at_once=2, turns_at_once=1)
    readings = await started(reads, ANN, ANN, ANN, BOB)
    readings[cancelled].task.cancel()
    await settled()
    others = [each for number, each in enumerate(readings) if number != cancelled]
    for each in others:
        each.finish()
    await asyncio.gather(*(each.task for each in others))
    assert (reads.users, reads.refused, clock.waiting) == (0, 0, 0)
    (last,) = await started(reads, EVE)
    assert last.has_turn
    last.finish()
    await last.task


async def test_a_caller_that_hangs_up_as_its_turn_comes_passes_it_on(clock: ManualClock) -> None:
    reads = FairQueue(clock, turns_at_once=1)
    async with reads.call(BOB) as turn, turn:
        gone, waits = await started(reads, ANN, EVE)
    gone.task.cancel()
    await settled()
    assert (gone.turns, waits.has_turn) == (0, True)
    waits.finish()
    await waits.task
    assert reads.users == 0


async def test_a_caller_that_hangs_up_as_it_is_admitted_leaves_its_place(
    clock: ManualClock,
) -> None:
    reads = FairQueue(clock, calls_at_once=1)
    async with reads.call(ANN):
        gone, waits = await started(reads, ANN, ANN)
    gone.task.cancel()
    await settled()
    assert (gone.turns, waits.has_turn) == (0, True)
    waits.finish()
    await waits.task
    assert reads.users == 0


async def test_a_caller_that_hangs_up_gains_its_user_no_turn(clock: ManualClock) -> None:
    reads = FairQueue(clock, turns_at_once=1)
    async with reads.call(ANN):
        async with reads.call(BOB) as turn, turn:
            (gone,) = await started(reads, ANN)
            gone.task.cancel()
            await settled()
            one, two, other = await started(reads, ANN, ANN, EVE)
        for each in (one, other, two):
            await settled()
            assert [every.has_turn for every in (one, two, other)].count(True) == 1
            assert each.has_turn
            each.finish()
            await each.task


async def test_a_call_that_fails_leaves_its_place_and_its_turn(clock: ManualClock) -> None:
    reads = FairQueue(clock, calls_at_once=1, turns_at_once=1)
    for _ in range(2):
        with pytest.raises(LookupError):
            async with reads.call(ANN) as turn, turn:
                raise LookupError
    assert reads.users == 0


Step = tuple[str, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["start", "next", "finish", "cancel", "wait"]),
        st.integers(0, 9),
    ),
    max_size=60,
)


@given(steps, st.integers(1, 3), st.integers(1, 3))
def test_no_one_starves_and_no_turn_leaks(
    told: list[Step], calls_at_once: int, turns_at_once: int
) -> None:
    asyncio.run(History(FairQueue(ManualClock(), calls_at_once, turns_at_once)).run(told))


@dataclass
class History:
    """Calls of four users that start, go on, end and are cancelled in any order."""

    reads: FairQueue
    live: list[Reading] = field(default_factory=list)
    passed: dict[UserId, list[UserId]] = field(default_factory=dict)
    """Of each user who waits for a turn: who else got one since."""

    async def run(self, told: list[Step]) -> None:
        for what, which in told:
            before = {id(each): each.turns for each in self.live}
            self._step(what, which)
            await settled()
            self._check(before)
        for each in self.live:
            each.task.cancel()
        await asyncio.gather(*(each.task for each in self.live), return_exceptions=True)
        assert self.reads.users == 0
        async with self.reads.call(EVE) as turn, turn:
            pass

    def _step(self, what: str, which: int) -> None:
        if what == "start":
            reading = Reading(self.reads, UserId(f"user{which % 4}"))
            reading.start()
            self.live.append(reading)
        elif what == "wait":
            clock = self.reads.clock
            assert isinstance(clock, ManualClock)
            clock.advance(which)
        elif self.live:
            reading = self.live[which % len(self.live)]
            acts: dict[str, Callable[[], object]] = {
                "next": reading.next_slice,
                "finish": reading.finish,
                "cancel": reading.task.cancel,
            }
            acts[what]()

    def _check(self, before: dict[int, int]) -> None:
        got = [
            each.user_id for each in self.live for _ in range(each.turns - before.get(id(each), 0))
        ]
        self.live = [each for each in self.live if not each.task.done()]
        holding = [each.user_id for each in self.live if each.has_turn]
        assert len(holding) == len(set(holding)) <= self.reads.turns_at_once
        waiting = {e.user_id for e in self.live if e.is_admitted and not e.has_turn} - set(holding)
        assert not waiting or len(holding) == self.reads.turns_at_once
        for user in {each.user_id for each in self.live}:
            admitted = [e for e in self.live if e.user_id == user and e.is_admitted]
            alive = [e for e in self.live if e.user_id == user]
            assert len(admitted) == min(len(alive), self.reads.calls_at_once)
        still = {user for user in waiting if user in self.passed and user not in got}
        passed = {user: self.passed[user] + got for user in still}
        assert all(len(others) == len(set(others)) for others in passed.values())
        self.passed = {user: passed.get(user, []) for user in waiting}
