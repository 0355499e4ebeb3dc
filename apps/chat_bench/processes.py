"""CPU and memory of processes and their children."""

import contextlib
import ctypes
import time
from collections.abc import Sequence

import msgspec
import psutil

MEBIBYTE = 2**20
_clock_of = getattr(ctypes.CDLL(None), "clock_getcpuclockid", None)
"""The POSIX function, or None if the C library lacks it, as on macOS."""


class ProcessesError(Exception):
    """A process to be measured does not exist."""


class Sample(msgspec.Struct, frozen=True):
    """The total use of some processes so far."""

    cpu_seconds: float
    resident_bytes: int


class Usage(msgspec.Struct, frozen=True):
    """The use of some processes during the measurement."""

    cores: float
    """CPU seconds per second."""
    cpu_us_each: float | None
    """CPU microseconds per counted unit, or None if nothing was counted."""
    resident_mib_before: float
    """Memory before any client connected."""
    resident_mib_after: float


def sample(pids: Sequence[int]) -> Sample:
    """Sample these processes and all their children. Raises `ProcessesError`."""
    cpu_seconds, resident_bytes = 0.0, 0
    for pid in pids:
        try:
            parent = psutil.Process(pid)
            family = [parent, *parent.children(recursive=True)]
        except psutil.NoSuchProcess as error:
            raise ProcessesError(f"process {pid} does not exist") from error
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):  # the process has just ended
                cpu_seconds += _cpu_seconds(process)
                resident_bytes += process.memory_info().rss
    return Sample(cpu_seconds, resident_bytes)


def usage(before: Sample, begin: Sample, end: Sample, *, seconds: float, done: int) -> Usage:
    """Return the use between the second and the third sample; memory is compared with the first."""
    cpu_seconds = end.cpu_seconds - begin.cpu_seconds
    return Usage(
        cores=cpu_seconds / seconds,
        cpu_us_each=1_000_000 * cpu_seconds / done if done else None,
        resident_mib_before=before.resident_bytes / MEBIBYTE,
        resident_mib_after=end.resident_bytes / MEBIBYTE,
    )


def _cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time to the nanosecond, or in the kernel's ticks of 10 ms if that fails."""
    clock = ctypes.c_int()
    if _clock_of is not None and _clock_of(process.pid, ctypes.byref(clock)) == 0:
        with contextlib.suppress(OSError):  # the process has just ended
            return time.clock_gettime(clock.value)
    times = process.cpu_times()
    return float(times.user + times.system)
