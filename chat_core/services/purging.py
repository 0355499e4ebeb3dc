"""Purging: delete sessions that ended or expired long ago."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from chat_core.errors import Unavailable
from chat_core.ports.storage import SessionStore
from chat_core.ports.system import Clock
from chat_core.sessions import RefreshLimits

BATCH = 200
"""Sessions to delete in one step, each with at most a few hundred refresh tokens."""
REST_SECONDS = 0.1
EVERY_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class SessionPurge:
    """Once a day, delete sessions that are no longer of any use.

    Sessions stay after their limits for as long as the limits themselves, plus a token's life.
    Until then the store can tell the use of an old refresh token from an unknown token.
    """

    sessions: SessionStore
    clock: Clock
    lasting: RefreshLimits
    token_life: timedelta

    async def purge(self) -> int:
        """Delete these sessions, and return how many. Raises `Unavailable`."""
        try:
            before = self.clock.now() - self.lasting.idle - self.lasting.total - self.token_life
        except OverflowError:
            return 0  # sessions last for ever
        purged = 0
        while True:
            count = await self.sessions.purge(before, limit=BATCH)
            purged += count
            if count < BATCH:
                return purged
            await self.clock.sleep(REST_SECONDS)

    async def run(self) -> None:
        """Purge at once and then daily, until cancelled."""
        while True:
            with suppress(Unavailable):
                await self.purge()
            await self.clock.sleep(EVERY_SECONDS)
