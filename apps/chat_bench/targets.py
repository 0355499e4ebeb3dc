"""The servers to measure."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat_bench.dialects import Dialect


@dataclass(frozen=True, slots=True)
class Target:
    """A running server and its known processes."""

    name: str
    url: str
    dialect: Dialect
    server_pids: Sequence[int] = ()
    database_pids: Sequence[int] = ()


HTTP = "-http"
"""Suffix for a named target: the same server, but messages are sent over HTTP."""
