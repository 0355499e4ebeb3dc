"""Ids that are the same in every run."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

from chat_core.ports.system import IdGenerator


@dataclass(slots=True)
class CountedIds(IdGenerator):
    """Counted ids, so that a failing example fails again. They are unique within one generator."""

    _serial: Iterator[int] = field(default_factory=lambda: count(1))

    def new_id(self) -> str:
        """See `IdGenerator.new_id`."""
        return f"id-{next(self._serial)}"
