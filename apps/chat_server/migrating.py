"""Migrating a database before the service starts with it."""

from collections.abc import Sequence

from chat_server.databases import DatabaseRefused, maintenance
from chat_server.settings import Settings, SettingsError


async def migrate(settings: Settings, *, dry_run: bool) -> Sequence[str]:
    """Migrate the database, and return the steps that were done.

    With `dry_run`, changes nothing and returns the steps to do. Raises `SettingsError` if the
    database can't be used.
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
