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
