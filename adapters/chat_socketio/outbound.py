"""What was written to clients and is not taken yet: bounded for each, and for all together."""

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
"""Of the bound: as much is written before the connections are looked at again, in any case."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OutboundBound:
    """What a connection may leave untaken, after an attempt to write, and what all may together."""

    packets: int = 256
    bytes: int = 1_048_576
    total_bytes: int = 33_554_432


class Reader(Protocol):
    """A connection, by what its client reads of what was written to it."""

    @abstractmethod
    def untaken_bytes(self) -> int:
        """Those that wait for the client."""

    @abstractmethod
    def cut_off(self) -> None:
        """End the connection now. Again is a no-op."""


class Outbound:
    """One account of what waits for all clients: socket events, control frames, HTTP answers.

    Writers only add up what they write. Once that could be past the bound, `look` asks every
    connection what really waits, and cuts off those with the most. So a write costs an addition,
    and a flood shows before it fills the memory.
    """

    def __init__(self, bound: OutboundBound) -> None:
        self.bound = bound
        self.cut_offs = 0
        """Clients so far that did not take what was sent to them."""
        self._cuts = CountedLog(
            logger, "disconnected a client that does not read what the server sends"
        )
        self._readers: list[Callable[[], Iterable[Reader]]] = []
        self._written = 0
        self._room: float = bound.total_bytes
        self._is_due = False

    def watch(self, readers: Callable[[], Iterable[Reader]]) -> None:
        """From now on these connections count, too."""
        self._readers.append(readers)

    def wrote(self, size: int) -> None:
        """Count bytes that were written. To be called in the event loop's thread."""
        self._written += size
        if self._written > self._room and not self._is_due:
            self._is_due = True
            # In the next turn: then the system has taken what it can.
            asyncio.get_running_loop().call_soon(self.look)

    def look(self) -> None:
        """Cut off the connections with the most untaken bytes, until all are within the bound."""
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
        """A client was cut off; `about` are ids that the log line carries."""
        self.cut_offs += 1
        self._cuts.note(about=about)

    def _all(self) -> Iterable[Reader]:
        return chain.from_iterable(readers() for readers in self._readers)
