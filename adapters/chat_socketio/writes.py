"""Writes of one turn of the event loop, which leave together."""

import asyncio
from abc import abstractmethod
from typing import Protocol


class Writer(Protocol):
    """What has something to write."""

    @abstractmethod
    def flush(self) -> None:
        """Write all that waits."""


class Writes:
    """The websockets that have something to write.

    They write in the loop's next turn: what comes of one commit, pushes and acks, leaves together.
    """

    def __init__(self) -> None:
        self._waiting: list[Writer] = []

    def note(self, writer: Writer) -> None:
        """It has something to write."""
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self._write)
        self._waiting.append(writer)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.flush()
