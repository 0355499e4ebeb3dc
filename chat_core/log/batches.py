"""Drafts that are committed together, and what one round of judgement does with them."""

import asyncio

from chat_core.conversations import Conversation
from chat_core.errors import Unavailable
from chat_core.ports.log import Done, Draft, Outcome, tell
from chat_core.ports.log_store import Write

RETRY_AFTER = 1.0


class Plan:
    """What one round does with drafts, each by its index in the batch."""

    def __init__(self) -> None:
        self.writing: list[int] = []
        self.writes: list[Write] = []
        """Of those, in their order."""
        self.refused: list[int] = []
        self.unknown: list[int] = []
        """Those whose heads have to be read first."""
        self.are_read = False
        """Whether these have been, so that a conversation without a head is not stored."""
        self.outdated: list[Conversation] = []
        """Conversations whose heads have to be read again."""


class Batch:
    """Drafts that are committed together, and the time that their callers have."""

    def __init__(self, patience: float | None) -> None:
        self.drafts: list[Draft] = []
        self.callers: list[Done | None] = []
        """Of each draft; None once nothing more is to be done for it."""
        self.is_over = False
        self._timer: asyncio.TimerHandle | None = None
        if patience is not None:
            self._timer = asyncio.get_running_loop().call_later(patience, self._give_up)

    def answer(self, index: int, outcome: Outcome) -> None:
        """A draft is settled: tell its caller."""
        done, self.callers[index] = self.callers[index], None
        if done is not None:
            tell(done, outcome)

    def fail(self, error: Exception) -> None:
        """Tell an error to every caller who still waits, whatever becomes of the drafts."""
        for index, done in enumerate(self.callers):
            if done is not None:
                self.callers[index] = _nobody
                tell(done, error)

    def end(self) -> None:
        """No more comes of it."""
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self) -> None:
        self.is_over = True
        self.fail(too_late())


def _nobody(_: Outcome) -> None:
    """The caller has been told that the time is over."""


def too_late() -> Unavailable:
    """What a caller hears for whom the time is over."""
    return Unavailable("The database is temporarily unavailable", retry_after=RETRY_AFTER)
