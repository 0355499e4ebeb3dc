"""What the commands on data do it with: the services over the database that the settings name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from chat_core.errors import NotFound
from chat_core.ids import UserId
from chat_core.ports.storage import UserStore
from chat_core.users import User, is_text
from chat_server.container import DATABASE_REFUSED, Container, open_stores
from chat_server.database_url import MemoryDatabase, MongoDatabase, SqliteDatabase, mask_passwords
from chat_server.settings import Settings, SettingsError


@asynccontextmanager
async def operated(settings: Settings) -> AsyncIterator[Container]:
    """The services; raises `SettingsError` where the database can't be used, or is not kept."""
    if isinstance(settings.database, MemoryDatabase):
        raise SettingsError([KEEPS_NOTHING])
    container = Container(settings=settings)
    try:
        async with open_stores(settings) as stores:
            container.stores.override(stores)
            try:
                yield container
            finally:
                container.hasher().close()
    except DATABASE_REFUSED as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from error


KEEPS_NOTHING = "DATABASE_URL: memory:// keeps nothing, so there is nothing to do anything with"


def sqlite_path(settings: Settings, *, instead: str) -> Path:
    """The file of an SQLite database; for others raises `SettingsError`.

    With MongoDB that says which command to take instead.
    """
    match settings.database:
        case SqliteDatabase(path):
            return path
        case MongoDatabase():
            raise SettingsError(
                [f"DATABASE_URL: is MongoDB, which has tools of its own: {instead}"]
            )
        case MemoryDatabase():
            raise SettingsError([KEEPS_NOTHING])


def is_sqlite(settings: Settings) -> bool:
    """Whether the database is one file."""
    return isinstance(settings.database, SqliteDatabase)


def mongo_address(settings: Settings) -> str:
    """A MongoDB's URL for its own tools: all of its databases, and no password to be seen."""
    if not isinstance(settings.database, MongoDatabase):
        return ""
    parts = urlsplit(mask_passwords(settings.database.url))
    return urlunsplit(parts._replace(path="/"))


async def user_named(users: UserStore, name: str) -> User:
    """The user with that user name, e-mail address or id; erased ones have an id alone.

    Raises `NotFound`.
    """
    if is_text(name):
        credentials = await users.credentials(name)
        if credentials is not None:
            return credentials.user
        found = await users.get([UserId(name)])
        for user in found.values():
            return user
    raise NotFound(f"There is no user with the name, e-mail address or id {name!r}.")
