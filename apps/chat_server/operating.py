"""The services for commands, over the database that the settings name.

A server may be running on the same database. It notices what a command ended at its next check,
within a second (ADR 11).
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

from chat_core.errors import NotFound
from chat_core.ids import UserId
from chat_core.ports.storage import UserStore
from chat_core.services.administration import Administration
from chat_core.users import User, is_text
from chat_server.container import Container
from chat_server.database_url import MemoryDatabase, MongoDatabase, SqliteDatabase, mask_passwords
from chat_server.databases import DatabaseRefused, open_stores
from chat_server.security_log import SecurityLog, write_to_stderr
from chat_server.settings import Settings, SettingsError

Result = TypeVar("Result")

OUT_OF_REACH = (
    "DATABASE_URL: memory:// exists only inside the running server, so commands can't reach it"
)


@asynccontextmanager
async def operated(settings: Settings, *, made: bool = False) -> AsyncIterator[Container]:
    """Yield the services over an existing database; with `made`, create one that is missing.

    Raises `SettingsError` if the database can't be used.
    """
    match settings.database:
        case MemoryDatabase():
            raise SettingsError([OUT_OF_REACH])
        case SqliteDatabase(path) if not made and not path.exists():
            missing = f"{path} does not exist"
            raise SettingsError(
                [f"DATABASE_URL: {missing}; run the command in the service's folder"]
            )
    container = Container(settings=settings)
    container.security_events.override(SecurityLog(container.clock(), write_to_stderr))
    try:
        async with open_stores(settings) as stores:
            container.stores.override(stores)
            try:
                yield container
            finally:
                container.hasher().close()
    except DatabaseRefused as error:
        raise SettingsError([f"DATABASE_URL: {error}"]) from error


async def administer(
    settings: Settings,
    work: Callable[[Administration], Awaitable[Result]],
    *,
    made: bool = False,
) -> Result:
    """Return the result of `work`, which runs with the database open; see `operated`."""
    async with operated(settings, made=made) as container:
        return await work(container.administration())


def sqlite_path(settings: Settings, *, instead: str) -> Path:
    """Return the path of the SQLite file.

    Raises `SettingsError` for other databases; for MongoDB, it names the command to use instead.
    """
    match settings.database:
        case SqliteDatabase(path):
            return path
        case MongoDatabase():
            raise SettingsError([f"DATABASE_URL: is MongoDB, which has its own tools: {instead}"])
        case MemoryDatabase():
            raise SettingsError([OUT_OF_REACH])


def is_sqlite(settings: Settings) -> bool:
    """Return whether the database is an SQLite file."""
    return isinstance(settings.database, SqliteDatabase)


def mongo_address(settings: Settings) -> str:
    """Return a MongoDB URL for its own tools: for all databases, with the password masked."""
    if not isinstance(settings.database, MongoDatabase):
        return ""
    parts = urlsplit(mask_passwords(settings.database.url))
    return urlunsplit(parts._replace(path="/"))


async def user_named(users: UserStore, name: str) -> User:
    """Return the user with that username, e-mail address or id; erased users have only an id.

    Raises `NotFound`.
    """
    if is_text(name):
        credentials = await users.credentials(name)
        if credentials is not None:
            return credentials.user
        found = await users.get([UserId(name)])
        for user in found.values():
            return user
    raise NotFound(f"There is no user with the username, e-mail address or id {name!r}.")
