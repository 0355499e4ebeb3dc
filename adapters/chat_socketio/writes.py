"""Writes of one iteration of the event loop, sent together."""

import asyncio
from abc import abstractmethod
from typing import Protocol


class Writer(Protocol):
    """An object that has data to write."""

    @abstractmethod
    def flush(self) -> None:
        """Write all queued data."""


class Writes:
    """The websockets that have data to write.

    They write in the loop's next iteration, so the pushes and acks of one commit are sent together.
    """

    def __init__(self) -> None:
        self._waiting: list[Writer] = []

    def note(self, writer: Writer) -> None:
        """Schedule a writer that has data."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self._waiting.append(writer)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.flush()
