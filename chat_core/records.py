"""Records: cheap dataclasses for objects that every message creates."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """Make a slotted dataclass that type checkers treat as frozen, but that is not at run time.

    It is for the few classes that every message creates. A frozen dataclass sets each of its fields
    by a call; `python -m timeit` shows the cost. All other classes are frozen dataclasses.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
