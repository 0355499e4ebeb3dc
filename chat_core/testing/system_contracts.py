# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `Clock` with its `Timer`, and `IdGenerator`."""

import asyncio
import re
import threading
from datetime import timedelta

from chat_core.ports.system import Clock, IdGenerator

TICK_SECONDS = 0.001
"""The most seconds by which an event loop may round a timer."""


class ClockContract:
    """Tests that every `Clock` must pass. Subclass it, and give it a `clock` fixture."""

    async def let_pass(self, clock: Clock, seconds: float) -> None:
        """Let time pass. Override it for a clock that does not move by itself."""

    def test_now_is_utc_in_whole_milliseconds(self, clock: Clock) -> None:
        for _ in range(100):
            now = clock.now()
            assert now.utcoffset() == timedelta(0)
            assert now.microsecond % 1000 == 0

    async def test_monotonic_time_never_goes_back(self, clock: Clock) -> None:
        readings = []
        for _ in range(100):
            readings.append(clock.monotonic())
            await self.let_pass(clock, 0.001)

        assert readings == sorted(readings)

    async def test_a_sleep_returns_once_that_much_monotonic_time_has_gone_by(
        self, clock: Clock
    ) -> None:
        started = clock.monotonic()
        sleeper = asyncio.create_task(clock.sleep(0.02))
        await asyncio.sleep(0)
        assert not sleeper.done()
        await self.let_pass(clock, 0.02)
        await sleeper

        assert clock.monotonic() - started >= 0.02 - TICK_SECONDS

    async def test_a_call_is_made_once_that_much_monotonic_time_has_gone_by_in_the_loops_thread(
        self, clock: Clock
    ) -> None:
        called = asyncio.Event()
        calls: list[tuple[float, int]] = []

        def call() -> None:
            calls.append((clock.monotonic(), threading.get_ident()))
            called.set()

        started = clock.monotonic()
        clock.call_later(0.02, call)
        await asyncio.sleep(0)
        assert calls == []
        await self.let_pass(clock, 0.02)
        await called.wait()

        ((moment, thread),) = calls
        assert moment - started >= 0.02 - TICK_SECONDS
        assert thread == threading.get_ident()

    async def test_a_call_that_was_cancelled_is_not_made(self, clock: Clock) -> None:
        calls: list[str] = []
        clock.call_later(0.01, lambda: calls.append("cancelled")).cancel()
        clock.call_later(0.02, lambda: calls.append("kept"))
        slept = asyncio.create_task(clock.sleep(0.03))
        await asyncio.sleep(0)
        await self.let_pass(clock, 0.03)
        await slept

        assert calls == ["kept"]

    async def test_to_cancel_a_call_after_it_was_made_is_a_no_op(self, clock: Clock) -> None:
        called = asyncio.Event()
        timer = clock.call_later(0.001, called.set)
        await self.let_pass(clock, 0.001)
        await called.wait()

        timer.cancel()

    async def test_a_sleep_of_no_time_returns(self, clock: Clock) -> None:
        await clock.sleep(0)


class IdGeneratorContract:
    """Tests that every `IdGenerator` must pass. Subclass it, and give it an `ids` fixture."""

    def test_every_id_is_new(self, ids: IdGenerator) -> None:
        made = [ids.new_id() for _ in range(10_000)]

        assert len(set(made)) == 10_000

    def test_an_id_is_1_to_64_characters_of_url_safe_ascii(self, ids: IdGenerator) -> None:
        for _ in range(100):
            assert re.fullmatch(r"[A-Za-z0-9._~-]{1,64}", ids.new_id())
