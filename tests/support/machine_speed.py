"""How fast this machine is just now, for tests that bound seconds.

assert took < 2.0 * times_slower()
(error,) = await within(2.0, client.wait_for("auth_error"))
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from tests.support.waiting import PATIENCE_SECONDS

T = TypeVar("T")

REFERENCE_SECONDS = 0.0039
"""What `_work` took on an idle machine when the bounds of the tests were chosen."""
REPEATS = 40

LINEAR = 3.0
"""Twice the input may take so many times as long: 2 if it is linear, 4 if it is quadratic."""
TOO_FAST_SECONDS = 0.002
"""Less than that can't be compared: the clock and the caches decide."""
ATTEMPTS = 8


def times_slower() -> float:
    """How many times longer something takes here than on the idle reference machine, at least 1."""
    began = time.perf_counter()
    for _ in range(REPEATS):
        _work()
    return max(1.0, (time.perf_counter() - began) / REPEATS / REFERENCE_SECONDS)


async def within(seconds: float, work: Awaitable[T]) -> T:
    """What comes of it; fails if that takes longer, but for how busy the machine is then."""
    began = time.monotonic()
    try:
        return await asyncio.wait_for(work, max(3 * seconds, PATIENCE_SECONDS))
    finally:
        check_took(time.monotonic() - began, seconds)


def check_took(took: float, seconds: float) -> None:
    """Fails if it was longer, but for how busy the machine is just now: call it at once."""
    if took >= seconds:
        slower = times_slower()
        assert took < seconds * slower, f"{took:.1f} s, on a machine {slower:.1f} times slower"


def is_linear(call: Callable[[int], object], size: int) -> bool:
    """Whether what a call takes grows no faster than its input, which has that size at most.

    Compares the CPU time of the calling thread for `size` and for half of it, the fastest of a few.
    """
    half = whole = float("inf")
    for _ in range(ATTEMPTS):
        half = min(half, _cpu_seconds(call, size // 2))
        whole = min(whole, _cpu_seconds(call, size))
        if whole < max(TOO_FAST_SECONDS, LINEAR * half):
            return True
    return False


def _cpu_seconds(call: Callable[[int], object], size: int) -> float:
    began = time.thread_time()
    call(size)
    return time.thread_time() - began


def _work() -> int:
    counted: dict[str, int] = {}
    for number in range(20_000):
        word = str(number % 1000)
        counted[word] = counted.get(word, 0) + number
    return sum(counted.values())
