"""Ports to time and chance."""

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Timer(Protocol):
    """A call that is due some time."""

    @abstractmethod
    def cancel(self) -> None:
        """It will not be made; after it was, a no-op."""


class Clock(Protocol):
    """The time."""

    @abstractmethod
    def now(self) -> datetime:
        """The wall clock: UTC, whole milliseconds. It may jump."""

    @abstractmethod
    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Return once that much monotonic time has gone by."""

    @abstractmethod
    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back once that much monotonic time has gone by, in the event loop's thread."""


class IdGenerator(Protocol):
    """New identifiers."""

    @abstractmethod
    def new_id(self) -> str:
        """A new one: unique for ever, 1 to 64 characters of URL-safe ASCII."""
