"""Bringing a database up to date before the service starts on it."""

from collections.abc import Sequence

from chat_server.databases import DatabaseRefused, maintenance
from chat_server.settings import Settings, SettingsError


async def migrate(settings: Settings, *, dry_run: bool) -> Sequence[str]:
    """What was done to the database, or would be.

    Raises `SettingsError` where it can't be used.
    """
    database = maintenance(settings)
    if database is None:
        raise SettingsError(
            ["DATABASE_URL: memory:// stores nothing, so there is nothing to migrate"]
        )
    try:
        return await (database.pending() if dry_run else database.migrate())
    except DatabaseRefused as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from error
