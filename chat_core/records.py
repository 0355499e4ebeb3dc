"""Records: what is made for each message, and made cheaply."""

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[T]) -> type[T]:
    """A slotted dataclass that type checkers treat as frozen, and that is not at run time.

    For the few classes of which every message makes one. A frozen dataclass sets each of its
    fields by a call; `python -m timeit` tells what that costs. Everything else is a frozen
    dataclass.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
