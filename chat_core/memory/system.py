"""The machine's clock, and random ids."""

import asyncio
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from chat_core.ports.system import Clock, IdGenerator, Timer


class SystemClock(Clock):
    """The machine's time."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.fromtimestamp(time.time_ns() // 1_000_000 / 1000, UTC)

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
