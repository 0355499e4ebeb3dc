"""Ports for servers that have to be at a known one.

Not of those that the system gives to clients, and to whatever listens at port 0: one of these
could be taken before the server is there, or while it is away for a moment.
"""

import fcntl
import itertools
import os
import socket
import tempfile
from pathlib import Path

RANGE_OF_CLIENTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
OURS = range(20_000, 32_768)
"""Below the ports of clients: theirs begin at 32,768 on Linux, and at 49,152 elsewhere."""


def free_port() -> int:
    """A port at which nothing listens, and which no other test gets, whatever process runs it."""
    return next(port for port in _candidates if _claim(port) and _is_free(port))


def ports_of_servers() -> list[int]:
    """Those that no client gets; all of `OURS` where clients may get each of them."""
    try:
        lowest, highest = map(int, RANGE_OF_CLIENTS.read_text().split())
    except OSError:
        return [*OURS]
    return [port for port in OURS if not lowest <= port <= highest] or [*OURS]


def _in_turn() -> "itertools.cycle[int]":
    ports = ports_of_servers()
    begin = os.getpid() * 101 % len(ports)  # processes seldom meet
    return itertools.cycle([*ports[begin:], *ports[:begin]])


def _claim(port: int) -> bool:
    """Whether no other process has claimed it. This one does, to its end."""
    try:
        # A byte of a file that all processes share: the system lets go of it with the process.
        fcntl.lockf(_claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True


_claims = os.open(
    Path(tempfile.gettempdir(), f"chat-core-test-ports-{os.getuid()}"),
    os.O_RDWR | os.O_CREAT,
    0o600,
)
_candidates = _in_turn()
