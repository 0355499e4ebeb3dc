"""The service over a store that breaks when a message, or a search, says so."""

from typing import Any

from chat_core.ports.log import Appended, Draft, MessageDraft
from chat_server.cli import main
from chat_sqlite import SqliteConversationLog, SqliteUserStore

TRIGGER = "break"
REVEALING = "what only the log may tell"

_append = SqliteConversationLog.append
_search = SqliteUserStore.search


async def append(self: SqliteConversationLog, draft: Draft) -> Appended:
    """As the store does, or not."""
    if isinstance(draft, MessageDraft) and draft.content == TRIGGER:
        raise RuntimeError(REVEALING)
    return await _append(self, draft)


async def search(self: SqliteUserStore, prefix: str, **options: Any) -> Any:
    """As the store does, or not."""
    if prefix == TRIGGER:
        raise RuntimeError(REVEALING)
    return await _search(self, prefix, **options)


if __name__ == "__main__":
    SqliteConversationLog.append = append  # type: ignore[method-assign]
    SqliteUserStore.search = search  # type: ignore[method-assign]
    main()
