"""The service over a store that breaks when a message, or a search, says so."""

from typing import Any

from chat_core.log import Log
from chat_core.ports.log import Done, Draft, MessageDraft
from chat_server.cli import main
from chat_sqlite import SqliteUserStore

TRIGGER = "break"
REVEALING = "what only the log may tell"

_submit = Log.submit
_search = SqliteUserStore.search


def submit(self: Log, draft: Draft, done: Done) -> None:
    """As the store does, or not."""
    if isinstance(draft, MessageDraft) and draft.body.text == TRIGGER:
        raise RuntimeError(REVEALING)
    _submit(self, draft, done)


async def search(self: SqliteUserStore, prefix: str, **options: Any) -> Any:
    """As the store does, or not."""
    if prefix == TRIGGER:
        raise RuntimeError(REVEALING)
    return await _search(self, prefix, **options)


if __name__ == "__main__":
    Log.submit = submit  # type: ignore[method-assign]
    SqliteUserStore.search = search  # type: ignore[method-assign]
    main()
