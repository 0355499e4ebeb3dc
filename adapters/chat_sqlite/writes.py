"""The units of work for the writing thread."""

import asyncio
import sqlite3
from abc import abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

T = TypeVar("T")


class Write(Protocol):
    """One unit of work for the writing thread. Several share a transaction and its commit."""

    def size(self) -> int:
        """Return the number of writes that it counts as."""
        return 1

    @abstractmethod
    def close(self) -> None:
        """Stop accepting additions. Called in the event loop's thread right before `run`."""

    @abstractmethod
    def run(self, connection: sqlite3.Connection) -> None:
        """Write, in the writing thread. An exception undoes only this write.

        It may run a second time, after a rollback of everything that it wrote.
        """

    @abstractmethod
    def done(self, error: Exception | None) -> None:
        """Report the commit, or the error. Called in the event loop's thread."""


class Call(Write, Generic[T]):
    """A function to run as a write, and the future of its result."""

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
