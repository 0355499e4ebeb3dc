"""What processes cost: CPU and memory, with those that they started."""

import contextlib
import ctypes
import time
from collections.abc import Sequence

import msgspec
import psutil

MEBIBYTE = 2**20
_clock_of = getattr(ctypes.CDLL(None), "clock_getcpuclockid", None)
"""POSIX; None where the C library lacks it, as on macOS."""


class ProcessesError(Exception):
    """A process that is to be measured is not there."""


class Sample(msgspec.Struct, frozen=True):
    """What some processes have used up to now."""

    cpu_seconds: float
    resident_bytes: int


class Usage(msgspec.Struct, frozen=True):
    """What some processes used while it was counted."""

    cores: float
    """CPU seconds a second."""
    cpu_us_each: float | None
    """CPU microseconds for each of what was counted; None if nothing was."""
    resident_mib_before: float
    """Before any client connected."""
    resident_mib_after: float


def sample(pids: Sequence[int]) -> Sample:
    """Of these processes and all that they have started. Raises `ProcessesError`."""
    cpu_seconds, resident_bytes = 0.0, 0
    for pid in pids:
        try:
            parent = psutil.Process(pid)
            family = [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess as error:
            raise ProcessesError(f"there is no process {pid}") from error
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended in between
                cpu_seconds += _cpu_seconds(process)
                resident_bytes += process.memory_info().rss
    return Sample(cpu_seconds, resident_bytes)


def usage(before: Sample, begin: Sample, end: Sample, *, seconds: float, done: int) -> Usage:
    """What was used from the second sample to the third; memory is compared with the first."""
    cpu_seconds = end.cpu_seconds - begin.cpu_seconds
    return Usage(
        cores=cpu_seconds / seconds,
        cpu_us_each=1_000_000 * cpu_seconds / done if done else None,
        resident_mib_before=before.resident_bytes / MEBIBYTE,
        resident_mib_after=end.resident_bytes / MEBIBYTE,
    )


def _cpu_seconds(process: psutil.Process) -> float:
    """By the process's own clock, to the nanosecond; without it, in the kernel's 10 ms ticks."""
    clock = ctypes.c_int()
    if _clock_of is not None and _clock_of(process.pid, ctypes.byref(clock)) == 0:
        with contextlib.suppress(OSError):  # it ended in between
            return time.clock_gettime(clock.value)
    times = process.cpu_times()
    return float(times.user + times.system)
