"""A command's access to accounts and sessions, beside a server that may be running.

What a command ends reaches that server when it next asks, within a second (ADR 11).
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from chat_core.services.administration import Administration
from chat_server.container import DATABASE_REFUSED, Container, open_stores
from chat_server.database_url import MemoryDatabase, SqliteDatabase
from chat_server.settings import Settings, SettingsError

Result = TypeVar("Result")


async def administer(
    settings: Settings, work: Callable[[Administration], Awaitable[Result]]
) -> Result:
    """What that returns, with the database open meanwhile; it has to be there already.

    Raises `SettingsError` where it can't be used, and whatever the work raises.
    """
    if isinstance(settings.database, SqliteDatabase) and not settings.database.path.exists():
        missing = f"there is no file {settings.database.path}"
        raise SettingsError([f"DATABASE_URL: {missing}; is this the folder of the service?"])
    return await administer_new(settings, work)


async def administer_new(
    settings: Settings, work: Callable[[Administration], Awaitable[Result]]
) -> Result:
    """The same, with a database that is made where it is missing."""
    if isinstance(settings.database, MemoryDatabase):
        raise SettingsError(
            ["DATABASE_URL: memory:// is within the server that runs, out of reach"]
        )
    container = Container(settings=settings)
    try:
        async with open_stores(settings) as stores:
            container.stores.override(stores)
            try:
                return await work(container.administration())
            finally:
                container.hasher().close()
    except DATABASE_REFUSED as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from error
