"""Jumps of the wall clock, which tokens and message times depend on."""

import logging
from dataclasses import dataclass, field

from chat_core.ports.system import Clock

LOOK_SECONDS = 1.0
JUMP_SECONDS = 2.0
"""Smallest difference between the wall clock and elapsed time that counts as a jump.

A clock that is adjusted gradually moves by less than a thousandth.
"""
RECENT_SECONDS = 600.0
"""How long the readiness check reports a jump."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class ClockJumps:
    """Compares the wall clock with the monotonic clock once a second."""

    clock: Clock
    ahead: int = 0
    back: int = 0
    _offset_at_start: float = field(init=False)
    _last_offset: float = field(init=False)
    _last_jump_at: float | None = None

    def __post_init__(self) -> None:
        self._offset_at_start = self._last_offset = self._offset()

    async def run(self) -> None:
        """Check for jumps until cancelled."""
        while True:
            await self.clock.sleep(LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Count a jump if the clock has jumped since the last call."""
        offset = self._offset()
        moved, self._last_offset = offset - self._last_offset, offset
        if abs(moved) < JUMP_SECONDS:
            return
        self._last_jump_at = self.clock.monotonic()
        if moved > 0:
            self.ahead += 1
        else:
            self.back += 1
        logger.warning(
            "the clock jumped by %+.1f seconds: docs/operations.md says what to do", moved
        )

    def is_recent(self) -> bool:
        """Return whether the clock jumped in the last ten minutes."""
        at = self._last_jump_at
        return at is not None and self.clock.monotonic() - at < RECENT_SECONDS

    def seconds(self) -> float:
        """Return the seconds by which the wall clock differs from elapsed time since the start."""
        return self._offset() - self._offset_at_start

    def _offset(self) -> float:
        return self.clock.now().timestamp() - self.clock.monotonic()
