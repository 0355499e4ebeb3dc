"""What commands work with: the services over the database that the settings name.

A server may be running on it. What a command ends there reaches that server when it next asks,
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
    """The services over a database that is there; one that is missing may be `made`.

    Raises `SettingsError` where it can't be used.
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
    """What that returns, with the database open meanwhile; see `operated`."""
    async with operated(settings, made=made) as container:
        return await work(container.administration())


def sqlite_path(settings: Settings, *, instead: str) -> Path:
    """The file of an SQLite database; for others raises `SettingsError`.

    With MongoDB that says which command to take instead.
    """
    match settings.database:
        case SqliteDatabase(path):
            return path
        case MongoDatabase():
            raise SettingsError([f"DATABASE_URL: is MongoDB, which has its own tools: {instead}"])
        case MemoryDatabase():
            raise SettingsError([OUT_OF_REACH])


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
    raise NotFound(f"There is no user with the username, e-mail address or id {name!r}.")
