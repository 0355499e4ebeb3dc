"""The machine's clock, and random ids."""

import asyncio
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from chat_core.ports.system import Clock, IdGenerator, Timer


class SystemClock(Clock):
    """The machine's time. Calls in the same millisecond return the same object."""

    def __init__(self) -> None:
        self._ms = 0
        self._now = datetime.fromtimestamp(0, UTC)

    def now(self) -> datetime:
        """See `Clock.now`."""
        ms = time.time_ns() // 1_000_000
        if ms != self._ms:
            self._ms, self._now = ms, datetime.fromtimestamp(ms / 1000, UTC)
        return self._now

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """See `Clock.call_later`."""
        return asyncio.get_running_loop().call_later(seconds, callback)


class RandomIds(IdGenerator):
    """Random UUIDs (version 4, RFC 9562), 32 hexadecimal digits."""

    def new_id(self) -> str:
        """See `IdGenerator.new_id`."""
        return uuid.uuid4().hex
