"""Ports to the time and to new ids."""

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Timer(Protocol):
    """A pending call."""

    @abstractmethod
    def cancel(self) -> None:
        """Cancel the call. If it was already made, do nothing."""


class Clock(Protocol):
    """The current time, and timers."""

    @abstractmethod
    def now(self) -> datetime:
        """Return the wall-clock time in UTC, in whole milliseconds. It may jump."""

    @abstractmethod
    def monotonic(self) -> float:
        """Return the seconds since some fixed moment. It never decreases."""

    @abstractmethod
    async def sleep(self, seconds: float) -> None:
        """Wait for that much monotonic time."""

    @abstractmethod
    def call_later(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back after that much monotonic time, in the event loop's thread."""


class IdGenerator(Protocol):
    """A source of new ids."""

    @abstractmethod
    def new_id(self) -> str:
        """Return a new id, unique for ever, with 1 to 64 characters of URL-safe ASCII."""
