"""Read-only access to the database of the original system, which Mongoose wrote.

It has two collections: `users` with `username`, `email`, `password` (a hash by bcryptjs), and
`messages` with `sender`, `receiver`, `content`; both have `createdAt`. MongoDB has not validated
any of this, so a missing field, or one of another type, is None here, and the caller decides about
it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from bson import CodecOptions, ObjectId
from bson.codec_options import DatetimeConversion
from bson.errors import BSONError
from pymongo import AsyncMongoClient
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from chat_core.errors import Unavailable
from chat_core.ports.maintenance import DatabaseRefused
from chat_mongo.database import Row
from chat_mongo.errors import NO_URL, RETRY_AFTER, is_temporary

DEFAULT_NAME = "test"
"""The database that Mongoose uses if the URL has no database name."""
SCHEMES = ("mongodb://", "mongodb+srv://")
USERS, MESSAGES = "users", "messages"

SELECT_SECONDS = 5.0
"""Seconds to wait for a server that answers."""
BATCH = 500
BATCH_BYTES = 4_000_000
"""Maximum characters of text in a batch; a single document may have 16 MB."""
LISTED = 20

_CURSOR_IS_GONE = frozenset({43, 175, 237})  # CursorNotFound, QueryPlanKilled, CursorKilled
_MAY_NOT = frozenset({13, 18})  # Unauthorized, AuthenticationFailed

_LENIENT = CodecOptions[Row](
    tz_aware=True,
    # Dates after the year 9999 or before the year 1 become Python's last or first date.
    datetime_conversion=DatetimeConversion.DATETIME_CLAMP,
    # Invalid UTF-8 bytes become lone surrogates, which the caller can detect.
    unicode_decode_error_handler="surrogateescape",
)

_WRITTEN_AT = {
    "$ifNull": [
        {"$convert": {"input": "$createdAt", "to": "date", "onError": None, "onNull": None}},
        {
            "$cond": [
                {"$eq": [{"$type": "$_id"}, "objectId"]},
                {"$toDate": "$_id"},
                datetime(1970, 1, 1, tzinfo=UTC),
            ]
        },
    ]
}
"""`createdAt`, or the time in the ObjectId if `createdAt` is missing."""


@dataclass(frozen=True, slots=True)
class OriginalUser:
    """An account. A field is None if it was missing or not a text."""

    id: str | None
    username: str | None
    email: str | None
    password_hash: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OriginalMessage:
    """A message. A field is None if it was missing, or was neither a text nor an id."""

    id: str | None
    sender_id: str | None
    receiver_id: str | None
    content: str | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OriginalCounts:
    """Estimated numbers of documents, from the server's metadata."""

    users: int
    messages: int


Found = TypeVar("Found")


class OriginalDatabase:
    """The open database. Create it with `open`, and `close` it."""

    def __init__(self, client: AsyncMongoClient[Row]) -> None:
        self._client = client
        self._database: AsyncDatabase[Row] = client.get_default_database(
            DEFAULT_NAME, codec_options=_LENIENT
        )

    @classmethod
    async def open(cls, url: str) -> "OriginalDatabase":
        """Connect to a server of any kind, and check that it has the original's database.

        Raises `DatabaseRefused` if it does not; the message contains no password.
        """
        if not url.startswith(SCHEMES):
            raise DatabaseRefused(f"is not a MongoDB URL: write {' or '.join(SCHEMES)}HOST…")
        milliseconds = int(SELECT_SECONDS * 1000)
        try:
            database = cls(
                AsyncMongoClient(
                    url,
                    appname="chat-core import",
                    connectTimeoutMS=milliseconds,
                    serverSelectionTimeoutMS=milliseconds,
                )
            )
        except (PyMongoError, ValueError):
            raise DatabaseRefused(NO_URL) from None
        try:
            await database._check()
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def name(self) -> str:
        """The name of the database."""
        return self._database.name

    async def close(self) -> None:
        """Close the connections. Calling it again is a no-op."""
        await self._client.close()

    async def counts(self) -> OriginalCounts:
        """Return estimates of the numbers of users and messages. Raises `Unavailable`."""
        with _explained():
            return OriginalCounts(
                await self._database[USERS].estimated_document_count(),
                await self._database[MESSAGES].estimated_document_count(),
            )

    def users(self) -> "Batches[OriginalUser]":
        """Return all accounts, oldest first."""
        return Batches(self._database, USERS, ("username", "email", "password"), _user)

    def messages(self) -> "Batches[OriginalMessage]":
        """Return all messages, oldest first."""
        return Batches(self._database, MESSAGES, ("sender", "receiver", "content"), _message)

    async def _check(self) -> None:
        try:
            with _explained():
                found = await self._database.list_collection_names()
        except Unavailable as error:
            raise DatabaseRefused(self._why_no_answer(error.__cause__)) from error
        if USERS in found:
            return
        there = ", ".join(sorted(found)[:LISTED]) + (", …" if len(found) > LISTED else "")
        raise DatabaseRefused(
            f"the database {self.name} is not the original system's: it has no collection {USERS} "
            f"({f'it has {there}' if there else 'it is empty or does not exist'}); name the "
            f"database in the URL, as in mongodb://HOST/NAME (the default is {DEFAULT_NAME})"
        )

    def _why_no_answer(self, error: BaseException | None) -> str:
        if not isinstance(error, ServerSelectionTimeoutError):
            return f"MongoDB does not answer: {error}"
        servers = self._client.topology_description.server_descriptions().values()
        where = ", ".join(sorted(f"{host}:{port}" for host, port in (s.address for s in servers)))
        reasons = sorted({str(each.error) for each in servers if each.error is not None})
        because = f" ({'; '.join(reasons)})" if reasons else ""
        return f"no MongoDB answers at {where or 'that address'}{because}"


class Batches(Generic[Found]):
    """The documents of a collection in batches, in the order of time and id."""

    def __init__(
        self,
        database: AsyncDatabase[Row],
        collection: str,
        fields: Sequence[str],
        read: Callable[[Row], Found],
    ) -> None:
        self._collection = database[collection]
        self._fields = fields
        self._read = read
        self._cursor: AsyncCommandCursor[Row] | None = None
        self._last: Row | None = None

    async def next(self) -> Sequence[Found]:
        """Return the next batch; an empty one at the end.

        Raises `Unavailable`. The next call then continues after the last document returned.
        """
        found: list[Found] = []
        size = 0
        try:
            with _explained():
                if self._cursor is None:
                    self._cursor = await self._open()
                while len(found) < BATCH and size < BATCH_BYTES:
                    row = await anext(self._cursor, None)
                    if row is None:
                        break
                    found.append(self._read(row))
                    size += sum(len(each) for each in row.values() if isinstance(each, str))
                    self._last = row
        except Unavailable:
            self._cursor = None
            if not found:
                raise
        return found

    async def _open(self) -> AsyncCommandCursor[Row]:
        pipeline: list[Mapping[str, Any]] = [
            {"$project": {**dict.fromkeys(self._fields, 1), "at": _WRITTEN_AT}}
        ]
        if self._last is not None:
            at, key = ({"$literal": self._last[name]} for name in ("at", "_id"))
            # In an expression, values of all types have the same total order as in a sort.
            later = {"$gt": ["$at", at]}, {"$and": [{"$eq": ["$at", at]}, {"$gt": ["$_id", key]}]}
            pipeline.append({"$match": {"$expr": {"$or": later}}})
        pipeline.append({"$sort": {"at": 1, "_id": 1}})
        # No index has this order, and the server's memory limit for sorts may be too small.
        return await self._collection.aggregate(pipeline, allowDiskUse=True, batchSize=BATCH)


def _user(row: Row) -> OriginalUser:
    return OriginalUser(
        id=_id(row["_id"]),
        username=_text(row.get("username")),
        email=_text(row.get("email")),
        password_hash=_text(row.get("password")),
        created_at=row["at"],
    )


def _message(row: Row) -> OriginalMessage:
    return OriginalMessage(
        id=_id(row["_id"]),
        sender_id=_id(row.get("sender")),
        receiver_id=_id(row.get("receiver")),
        content=_text(row.get("content")),
        created_at=row["at"],
    )


def _id(value: object) -> str | None:
    return str(value) if isinstance(value, ObjectId) else _text(value)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


@contextmanager
def _explained() -> Iterator[None]:
    """Raise `Unavailable` for errors that a retry may cure, `DatabaseRefused` for all others."""
    try:
        yield
    except BSONError as error:
        raise DatabaseRefused(f"a document can't be read: {error}") from error
    except PyMongoError as error:
        code = error.code if isinstance(error, OperationFailure) else None
        if is_temporary(error) or code in _CURSOR_IS_GONE:
            raise Unavailable(
                "The original system's database is temporarily unavailable",
                retry_after=RETRY_AFTER,
            ) from error
        raise DatabaseRefused(_why_refused(error)) from error


def _why_refused(error: PyMongoError) -> str:
    if not isinstance(error, OperationFailure):
        return f"failed: {error}"
    said = (error.details or {}).get("errmsg", str(error))
    if error.code in _MAY_NOT:
        return f"the user in the URL may not read this database: {said}"
    return f"the server refused: {said}"
