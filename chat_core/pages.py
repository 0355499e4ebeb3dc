"""Pages of longer lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from chat_core.errors import Invalid

Item = TypeVar("Item")
Cursor = TypeVar("Cursor")

MAX_LIMIT = 200
DEFAULT_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[Item, Cursor]):
    """Some items in order, and the place to continue from; `next` is None at the end."""

    items: Sequence[Item]
    next: Cursor | None


def check_limit(limit: int) -> int:
    """Check that a limit is from 1 to 200. Raises `Invalid`."""
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid.field("limit", f"must be from 1 to {MAX_LIMIT}")
    return limit
