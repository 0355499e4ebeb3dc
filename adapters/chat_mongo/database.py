"""One database of a MongoDB replica set: opening it, and sessions for calls."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from types import MappingProxyType
from typing import Any

import pymongo
from beanie import Document, init_beanie
from bson import Timestamp
from pymongo import AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.server_type import SERVER_TYPE

from chat_core.errors import Unavailable
from chat_core.measures import Calls
from chat_core.ports.maintenance import DatabaseNotReady, DatabaseRefused
from chat_mongo.documents import DOCUMENTS, MetaDocument
from chat_mongo.errors import NO_URL, is_temporary, translated

Row = dict[str, Any]
"""A document as the driver returns it."""

OPEN_SECONDS = 10.0
"""Seconds to wait for a primary when opening."""
CALL_SECONDS = 2.0
"""Maximum seconds for a call, including server selection and retries."""
CHECK_SECONDS = 1.0
PREPARE_SECONDS = 600.0
"""Maximum seconds for creating indexes; each index reads its whole collection."""

SCHEMA_VERSION = 3
OLDEST_WIRE_VERSION = 17
"""MongoDB 6.0, the version that the tests use."""

_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        "appname": "chat-core",
        "connectTimeoutMS": 2000,
        "heartbeatFrequencyMS": 2000,
        "journal": True,
        "readConcernLevel": "majority",
        "readPreference": "primary",
        "retryReads": True,
        "retryWrites": True,
        "tz_aware": True,
        "w": "majority",
    }
)
"""The durability guarantee depends on these options, so the URL can't change them."""

_AUTHENTICATION_FAILED, _UNAUTHORIZED, _DUPLICATE_KEY = 18, 13, 11000
_INDEX_DIFFERS = frozenset({85, 86})


class MongoDatabase:
    """The open database. Create it with `open`, and `close` it.

    A process can have only one at a time, because Beanie binds its documents to one database.
    """

    def __init__(
        self, client: AsyncMongoClient[Row], name: str, call_seconds: float = CALL_SECONDS
    ) -> None:
        self.name = name
        self._client = client
        self._database = client[name]
        self._call_seconds = call_seconds
        self.calls = Calls()
        self._latest: Timestamp | None = None
        self._ping: asyncio.Task[bool] | None = None

    @classmethod
    async def open(
        cls,
        url: str,
        name: str = "chat",
        *,
        patience: float = OPEN_SECONDS,
        call_seconds: float = CALL_SECONDS,
    ) -> "MongoDatabase":
        """Connect, and create missing collections and indexes.

        Waits up to `patience` seconds for a primary. Later reads, and writes outside the log, take
        at most `call_seconds`. Raises `DatabaseRefused` if the database can't be used,
        `DatabaseNotReady` if a retry may succeed.
        """
        database = await cls.connect(url, name, patience=patience, call_seconds=call_seconds)
        try:
            with database.refusals():
                await database._prepare()  # noqa: SLF001  (the class's own method)
        except BaseException:
            await database.close()
            raise
        return database

    @classmethod
    async def connect(
        cls,
        url: str,
        name: str = "chat",
        *,
        patience: float = OPEN_SECONDS,
        call_seconds: float = CALL_SECONDS,
    ) -> "MongoDatabase":
        """Connect like `open`, but create nothing, in order to inspect the database."""
        try:
            options = {**_OPTIONS, "timeoutMS": int(call_seconds * 1000)}
            database = cls(AsyncMongoClient(url, **options), name, call_seconds)
        except (PyMongoError, ValueError):
            raise DatabaseRefused(NO_URL) from None
        try:
            with database.refusals(), pymongo.timeout(patience):
                _check_kind(await database.hello())
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Close the connections. Calling it again is a no-op."""
        with pymongo.timeout(CHECK_SECONDS):  # the driver needs a server to end its sessions
            await self._client.close()
        if self._ping is not None:
            self._ping.cancel()
            await asyncio.wait([self._ping])

    def collection(self, document: type[Document]) -> AsyncCollection[Row]:
        """Return the collection of a document class, for use with plain documents."""
        return self._database[document.get_collection_name()]

    @asynccontextmanager
    async def session(self, seconds: float | None = None) -> AsyncIterator[AsyncClientSession]:
        """Open a session whose reads see every write that was confirmed to this process.

        This holds even after another member has become primary. Everything in the session takes at
        most `seconds`, by default `call_seconds`. Raises `Unavailable`.
        """
        began = time.monotonic()
        try:
            most = self._call_seconds if seconds is None else seconds
            with translated(), pymongo.timeout(most):
                async with self._client.start_session(causal_consistency=True) as session:
                    self.catch_up(session)
                    try:
                        yield session
                    finally:
                        self.note(session)
        except Unavailable:
            self.calls.failed += 1
            raise
        finally:
            self.calls.seconds.observe(time.monotonic() - began)

    def long_session(self) -> AsyncClientSession:
        """Start a session without a time limit. The caller must end it."""
        return self._client.start_session(causal_consistency=True)

    def catch_up(self, session: AsyncClientSession) -> None:
        """Let the session's reads see all writes confirmed to other sessions of this process."""
        if self._latest is not None:
            session.advance_operation_time(self._latest)

    def note(self, session: AsyncClientSession) -> None:
        """Let later sessions see the writes confirmed to this one."""
        time = session.operation_time
        if time is not None and (self._latest is None or time > self._latest):
            self._latest = time

    async def check(self) -> None:
        """Check that the primary answers. Raises `Unavailable`."""
        # The driver's own deadline does not cover every await if a member hangs. Cancelling its
        # call is not safe either: it can leave one of the driver's locks locked for good.
        if self._ping is None or self._ping.done():
            self._ping = asyncio.get_running_loop().create_task(self._answers())
        await asyncio.wait([self._ping], timeout=CHECK_SECONDS + 0.5)
        if not self._ping.done() or not self._ping.result():
            raise Unavailable("The database does not answer")

    async def _answers(self) -> bool:
        try:
            with translated(), pymongo.timeout(CHECK_SECONDS):
                await self._client.admin.command("ping")
        except Unavailable:
            return False
        return True

    async def hello(self) -> Mapping[str, Any]:
        """Return the primary's answer to `hello`, about itself and its replica set."""
        answer: Mapping[str, Any] = await self._client.admin.command("hello")
        return answer

    @property
    def plain(self) -> AsyncDatabase[Row]:
        """The driver's object for the database, for access without Beanie."""
        return self._database

    @property
    def members(self) -> Mapping[str, bool]:
        """The known servers, and whether each answers as a member that has data."""
        servers = self._client.topology_description.server_descriptions().values()
        return {
            f"{host}:{port}": each.is_readable for each in servers for host, port in (each.address,)
        }

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """Turn the driver's errors into `DatabaseRefused` or `DatabaseNotReady`."""
        try:
            yield
        except ServerSelectionTimeoutError as error:
            raise DatabaseNotReady(self._why_no_primary()) from error
        except PyMongoError as error:
            kind = DatabaseNotReady if is_temporary(error) else DatabaseRefused
            raise kind(_why_refused(error)) from error

    async def _prepare(self) -> None:
        await self._check_version()
        with pymongo.timeout(PREPARE_SECONDS):
            await init_beanie(database=self._database, document_models=list(DOCUMENTS))
            await self._database[MetaDocument.Settings.name].update_one(
                {"_id": "schema", "version": {"$lt": SCHEMA_VERSION}},
                {"$set": {"version": SCHEMA_VERSION}},
            )

    async def _check_version(self) -> None:
        stored = await self._database[MetaDocument.Settings.name].find_one_and_update(
            {"_id": "schema"}, {"$setOnInsert": {"version": SCHEMA_VERSION}}, upsert=True
        )
        if stored is not None:
            check_version(stored["version"])

    def _why_no_primary(self) -> str:
        servers = self._client.topology_description.server_descriptions().values()
        where = ", ".join(f"{host}:{port}" for host, port in (each.address for each in servers))
        if any(each.server_type == SERVER_TYPE.RSGhost for each in servers):
            return (
                f"the mongod at {where} belongs to a replica set that was never initiated: run "
                "rs.initiate() in mongosh, once"
            )
        reasons = {str(each.error) for each in servers if each.error is not None}
        because = f" ({'; '.join(sorted(reasons))})" if reasons else ""
        return (
            f"no primary of a replica set answers at {where}{because}; check that it is running, "
            "that the address is right, and that most of its members reach each other"
        )


def check_version(stored: int) -> None:
    """Raise `DatabaseRefused` if the schema version is newer than this program supports."""
    if stored > SCHEMA_VERSION:
        raise DatabaseRefused(
            f"The database has schema version {stored}, but this version of chat-core supports "
            f"only versions up to {SCHEMA_VERSION}; upgrade chat-core, or restore an older backup."
        )


def _check_kind(hello: Mapping[str, Any]) -> None:
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise DatabaseRefused(
            "this mongod is not a replica set, and chat-core needs one; a single member is enough: "
            "start it with --replSet rs0, and run rs.initiate() in mongosh, once"
        )
    if hello["maxWireVersion"] < OLDEST_WIRE_VERSION:
        raise DatabaseRefused("this mongod is too old; chat-core needs MongoDB 6.0 or later")


def _why_refused(error: PyMongoError) -> str:
    if not isinstance(error, OperationFailure):
        return f"failed: {error}"
    said = (error.details or {}).get("errmsg", str(error))
    if error.code in {_AUTHENTICATION_FAILED, _UNAUTHORIZED}:
        return f"the user in the URL may not do this: {said}"
    if error.code in _INDEX_DIFFERS:
        return (
            f"an index differs from the one this version declares; drop it and start again: {said}"
        )
    if error.code == _DUPLICATE_KEY:
        return f"an index can't be created because its values are not unique: {said}"
    return f"the server refused: {said}"
