"""What the writer's thread is given to do."""

import asyncio
import sqlite3
from abc import abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Write(Protocol):
    """A piece of work for the writer. Several share a transaction and its commit."""

    def size(self) -> int:
        """How many writes it counts for."""
        return 1

    @abstractmethod
    def close(self) -> None:
        """Called in the event loop's thread right before it runs: nothing may be added now."""

    @abstractmethod
    def run(self, connection: sqlite3.Connection) -> None:
        """Write, in the writer's thread; what raises undoes only its own.

        It may be run anew after everything that it wrote was rolled back.
        """

    @abstractmethod
    def done(self, error: Exception | None) -> None:
        """Called in the event loop's thread: committed, or what went wrong."""


class Call(Write, Generic[T]):
    """A function as a write, and the future of its result."""

    def __init__(
        self, function: Callable[[sqlite3.Connection], T], result: "asyncio.Future[T]"
    ) -> None:
        self._function = function
        self._result = result
        self._value: T

    def close(self) -> None:
        """See `Write.close`."""

    def run(self, connection: sqlite3.Connection) -> None:
        """See `Write.run`."""
        self._value = self._function(connection)

    def done(self, error: Exception | None) -> None:
        """See `Write.done`."""
        if self._result.done():
            return
        if error is None:
            self._result.set_result(self._value)
        else:
            self._result.set_exception(error)
