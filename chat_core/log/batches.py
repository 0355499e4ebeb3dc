"""Batches of drafts that share a commit, and the plan of each round."""

import asyncio

from chat_core.conversations import Conversation
from chat_core.errors import Unavailable
from chat_core.ports.log import Done, Draft, Outcome, tell
from chat_core.ports.log_store import Write

RETRY_AFTER = 1.0


class Plan:
    """The plan of one round: what to do with each draft, by its index in the batch."""

    def __init__(self) -> None:
        self.writing: list[int] = []
        self.writes: list[Write] = []
        """The writes of the drafts in `writing`, in the same order."""
        self.refused: list[int] = []
        self.unknown: list[int] = []
        """Drafts whose heads must be read first."""
        self.are_read = False
        """Whether these heads were read. Then a missing head means that nothing is stored."""
        self.outdated: list[Conversation] = []
        """Conversations whose heads must be read again."""


class Batch:
    """Drafts that are committed together, and the deadline of their callers."""

    def __init__(self, patience: float | None) -> None:
        self.drafts: list[Draft] = []
        self.callers: list[Done | None] = []
        """The caller of each draft, or None if the draft needs no more work."""
        self.is_over = False
        self._timer: asyncio.TimerHandle | None = None
        if patience is not None:
            self._timer = asyncio.get_running_loop().call_later(patience, self._give_up)

    def answer(self, index: int, outcome: Outcome) -> None:
        """Settle a draft, and call its caller."""
        done, self.callers[index] = self.callers[index], None
        if done is not None:
            tell(done, outcome)

    def fail(self, error: Exception) -> None:
        """Pass an error to each caller that still waits. Their drafts may still be stored."""
        for index, done in enumerate(self.callers):
            if done is not None:
                self.callers[index] = _nobody
                tell(done, error)

    def end(self) -> None:
        """Finish the batch."""
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self) -> None:
        self.is_over = True
        self.fail(too_late())


def _nobody(_: Outcome) -> None:
    """Replaces a caller after the deadline."""


def too_late() -> Unavailable:
    """Return the error for a caller whose deadline has passed."""
    return Unavailable("The database is temporarily unavailable", retry_after=RETRY_AFTER)
