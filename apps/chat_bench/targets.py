"""What is measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from chat_bench.dialects import Dialect


@dataclass(frozen=True, slots=True)
class Target:
    """A server that runs, and its processes as far as they are known."""

    name: str
    url: str
    dialect: Dialect
    server_pids: Sequence[int] = ()
    database_pids: Sequence[int] = ()


HTTP = "-http"
"""A named target that ends so is the one without it, with messages sent over HTTP."""
