"""Purging: sessions that have been over for long are forgotten."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from chat_core.errors import Unavailable
from chat_core.ports.storage import SessionStore
from chat_core.ports.system import Clock
from chat_core.sessions import RefreshLimits

BATCH = 200
"""Sessions, with some hundred refresh tokens each at most, that are forgotten in one step."""
REST_SECONDS = 0.1
EVERY_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class SessionPurge:
    """Forget sessions once a day that nobody can do or learn anything with any more.

    Those are past their limits for longer than the limits are: until then the use of an old
    refresh token is told from a token that nobody was given.
    """

    sessions: SessionStore
    clock: Clock
    lasting: RefreshLimits
    token_life: timedelta

    async def purge(self) -> int:
        """Forget them: how many. Raises `Unavailable`."""
        try:
            before = self.clock.now() - self.lasting.idle - self.lasting.total - self.token_life
        except OverflowError:
            return 0  # they last for ever
        purged = 0
        while True:
            count = await self.sessions.purge(before, limit=BATCH)
            purged += count
            if count < BATCH:
                return purged
            await self.clock.sleep(REST_SECONDS)

    async def run(self) -> None:
        """Purge now and then once a day, until cancelled."""
        while True:
            with suppress(Unavailable):
                await self.purge()
            await self.clock.sleep(EVERY_SECONDS)
