"""Limits for outbound data that clients have not taken yet: for each client, and in total."""

import asyncio
import logging
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Protocol

from chat_socketio.counted_log import CountedLog

LEAST_ROOM = 1 / 16
"""The least that may be written between two checks, as a part of the total limit."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboundBound:
    """Maximum unread data of one connection after an attempt to write, and of all together."""

    packets: int = 256
    bytes: int = 1_048_576
    total_bytes: int = 33_554_432


class Reader(Protocol):
    """A connection that reports how much data its client has not read."""

    @abstractmethod
    def untaken_bytes(self) -> int:
        """Return the number of bytes that wait for the client."""

    @abstractmethod
    def cut_off(self) -> None:
        """End the connection immediately. Calling it again is a no-op."""


class Outbound:
    """Adds up the data that waits for clients: socket events, control frames, HTTP responses.

    Writers only add the size of each write. When the total could exceed the limit, `look` asks
    every connection how much is really waiting, and disconnects those with the most. So a write
    costs only an addition, and a flood is noticed before it fills the memory.
    """

    def __init__(self, bound: OutboundBound) -> None:
        self.bound = bound
        self.cut_offs = 0
        """Number of clients disconnected so far because they did not read."""
        self._cuts = CountedLog(
            logger, "disconnected a client that does not read what the server sends"
        )
        self._readers: list[Callable[[], Iterable[Reader]]] = []
        self._written = 0
        self._room: float = bound.total_bytes
        self._is_due = False

    def watch(self, readers: Callable[[], Iterable[Reader]]) -> None:
        """Include these connections from now on."""
        self._readers.append(readers)

    def wrote(self, size: int) -> None:
        """Count written bytes. Call it only in the event loop's thread."""
        self._written += size
        if self._written > self._room and not self._is_due:
            self._is_due = True
            # In the next iteration of the loop, after the system has taken what it can.
            asyncio.get_running_loop().call_soon(self.look)

    def look(self) -> None:
        """Disconnect the connections with the most unread bytes, until the total is low enough."""
        waiting = [(each.untaken_bytes(), each) for each in self._all()]
        total = sum(size for size, _ in waiting)
        if total > self.bound.total_bytes:
            for size, reader in sorted(waiting, key=itemgetter(0), reverse=True):
                reader.cut_off()
                total -= size
                if total <= self.bound.total_bytes:
                    break
        self._written, self._is_due = 0, False
        self._room = max(self.bound.total_bytes - total, self.bound.total_bytes * LEAST_ROOM)

    def count_cut_off(self, about: Mapping[str, str] | None = None) -> None:
        """Count a disconnected client. `about` holds ids for the log line."""
        self.cut_offs += 1
        self._cuts.note(about=about)

    def _all(self) -> Iterable[Reader]:
        return chain.from_iterable(readers() for readers in self._readers)
