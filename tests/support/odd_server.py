"""The service in odd circumstances, which a signal brings about.

SIGUSR1 puts the clock ahead by an hour, or back again by the next one; SIGUSR2 lets every commit
hang for good.
"""

import signal
import threading
import time
from types import FrameType

from chat_server.cli import main
from chat_sqlite import SqliteDatabase

HOUR_NS = 3_600_000_000_000

_time_ns = time.time_ns
_ahead_ns = 0


def jump(_: int, __: FrameType | None) -> None:
    """Put the clock ahead, or back."""
    global _ahead_ns  # noqa: PLW0603
    _ahead_ns = HOUR_NS - _ahead_ns


def hang(_: int, __: FrameType | None) -> None:
    """Let the writer's thread never come back."""
    SqliteDatabase._commit = lambda *_: threading.Event().wait()  # type: ignore[assignment,method-assign]


if __name__ == "__main__":
    time.time_ns = lambda: _time_ns() + _ahead_ns
    time.time = lambda: (_time_ns() + _ahead_ns) / 1e9
    signal.signal(signal.SIGUSR1, jump)
    signal.signal(signal.SIGUSR2, hang)
    main()
