"""One database of a MongoDB replica set: how it is opened, and what every call to it has."""

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
"""A document as the driver gives it."""

OPEN_SECONDS = 10.0
"""How long opening waits for a primary."""
CALL_SECONDS = 2.0
"""How long a call may take, selecting a server and its retries included."""
CHECK_SECONDS = 1.0
PREPARE_SECONDS = 600.0
"""How long making indexes may take: one reads the whole collection."""

SCHEMA_VERSION = 3
OLDEST_WIRE_VERSION = 17
"""MongoDB 6.0: what the tests run on."""

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
"""What the promise rests on: none of it can be changed by the URL."""

_AUTHENTICATION_FAILED, _UNAUTHORIZED, _DUPLICATE_KEY = 18, 13, 11000
_INDEX_DIFFERS = frozenset({85, 86})


class MongoDatabase:
    """The open database. Make it with `open`, and `close` it.

    One at a time in a process: Beanie binds its documents to one database.
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
        """Connect, and make the collections and indexes that are missing.

        Waits up to `patience` seconds for a primary; later a read or write outside of the log
        takes `call_seconds` at most. Raises `DatabaseRefused` where the database can't be used,
        `DatabaseNotReady` where it may be later.
        """
        database = await cls.connect(url, name, patience=patience, call_seconds=call_seconds)
        try:
            with database.refusals():
                await database._prepare()  # noqa: SLF001  (its own)
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
        """As `open`, but nothing is made: for looking at a database as it is."""
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
        """Close the connections. Again is a no-op."""
        with pymongo.timeout(CHECK_SECONDS):  # to end its sessions the driver looks for a server
            await self._client.close()
        if self._ping is not None:
            self._ping.cancel()
            await asyncio.wait([self._ping])

    def collection(self, document: type[Document]) -> AsyncCollection[Row]:
        """The collection of a document class, for plain documents."""
        return self._database[document.get_collection_name()]

    @asynccontextmanager
    async def session(self, seconds: float | None = None) -> AsyncIterator[AsyncClientSession]:
        """A session whose reads see everything that this process was told is stored.

        Also where another member has become primary meanwhile. All that is done in it takes
        `seconds` at most, else `call_seconds`. Raises `Unavailable`.
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
        """A session to keep; the caller ends it."""
        return self._client.start_session(causal_consistency=True)

    def catch_up(self, session: AsyncClientSession) -> None:
        """Let the session's reads see what other sessions of this process were told."""
        if self._latest is not None:
            session.advance_operation_time(self._latest)

    def note(self, session: AsyncClientSession) -> None:
        """Let later sessions see what this one was told."""
        time = session.operation_time
        if time is not None and (self._latest is None or time > self._latest):
            self._latest = time

    async def check(self) -> None:
        """Ask the primary whether it is there. Raises `Unavailable`."""
        # The driver's own deadline does not cover every await of a member that hangs. To cancel
        # one of its calls is no way out: that can leave a lock of its own locked for good.
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
        """What the primary says about itself and its set."""
        answer: Mapping[str, Any] = await self._client.admin.command("hello")
        return answer

    @property
    def plain(self) -> AsyncDatabase[Row]:
        """The database without a model."""
        return self._database

    @property
    def members(self) -> Mapping[str, bool]:
        """The servers that are known, and whether each answers as a member that has data."""
        servers = self._client.topology_description.server_descriptions().values()
        return {
            f"{host}:{port}": each.is_readable for each in servers for host, port in (each.address,)
        }

    @contextmanager
    def refusals(self) -> Iterator[None]:
        """What the driver says of a database that can't be used becomes `DatabaseRefused`."""
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
    """Raises `DatabaseRefused` for a version of the schema that is newer than this program."""
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
