"""Stopping: known to whoever lets people in, bounded in time whatever hangs."""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

STOP_SECONDS = 9.0
"""From the signal to the end of the process, at the latest."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Stopping:
    """Whether the service is about to stop."""

    has_begun: bool = False

    def begin(self) -> None:
        """From now on nobody new is let in, and the process ends in time. Again is a no-op."""
        if not self.has_begun:
            self.has_begun = True
            threading.Thread(target=end_late, name="stop-watchdog", daemon=True).start()


def end_late(
    sleep: Callable[[float], None] = time.sleep, end: Callable[[int], object] = os._exit
) -> None:
    """End the process, should it still be there after `STOP_SECONDS`: exit code 1.

    It ends before that where everything goes as it should. A thread that a database holds can be
    neither waited for nor ended.
    """
    sleep(STOP_SECONDS)
    logger.error(
        "did not stop within %d seconds: something hangs, perhaps the database. Ended anyway; "
        "same, and nothing that was acknowledged is lost",
        STOP_SECONDS,
    )
    end(1)


def end_at_once(signal_number: int) -> NoReturn:
    """A second signal: whoever sends it does not want to wait. What was acknowledged is stored."""
    with suppress(RuntimeError):  # this may have interrupted the writing of another line
        logger.warning("received a second signal: ended at once")
    os._exit(128 + signal_number)
