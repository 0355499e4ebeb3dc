"""What another process uses, as Linux tells it."""

import os
from pathlib import Path


def resident_bytes(pid: int) -> int:
    """What it holds of the machine's memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


def cpu_seconds(pid: int) -> float:
    """What it has used of the processor, all threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_resident_bytes(pid: int) -> int:
    """The most that it has held of the machine's memory since `forget_peak`."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def forget_peak(pid: int) -> None:
    """From now on the peak counts anew, from what it holds now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def starved_seconds(pid: int) -> float:
    """For how long its main thread could have gone on, and others had the processors."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9
