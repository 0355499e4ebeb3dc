"""Shutdown: the service refuses new connections, and ends in limited time even if code hangs."""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

STOP_SECONDS = 9.0
"""Maximum time from the signal to the end of the process."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Stopping:
    """Records whether the service is about to stop."""

    has_begun: bool = False

    def begin(self) -> None:
        """Refuse new connections from now on, and end the process in time.

        Calling it again has no effect.
        """
        if not self.has_begun:
            self.has_begun = True
            threading.Thread(target=end_late, name="stop-watchdog", daemon=True).start()


def end_late(
    sleep: Callable[[float], None] = time.sleep, end: Callable[[int], object] = os._exit
) -> None:
    """End the process with exit code 1 if it still runs after `STOP_SECONDS`.

    Usually the process has ended before. A thread that a database blocks can be neither awaited nor
    ended.
    """
    sleep(STOP_SECONDS)
    logger.error(
        "did not stop within %d seconds: something hangs, perhaps the database. Ended anyway; "
        "nothing that was acknowledged is lost",
        STOP_SECONDS,
    )
    end(1)


def end_at_once(signal_number: int) -> NoReturn:
    """End the process immediately after a second signal. Everything acknowledged is stored."""
    with suppress(RuntimeError):  # the signal may have interrupted the writing of another line
        logger.warning("received a second signal: ended at once")
    os._exit(128 + signal_number)
