"""Inspection and maintenance of a MongoDB database, for operators."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any

import bson
import pymongo
from pymongo import IndexModel
from pymongo.errors import OperationFailure, PyMongoError

from chat_core.findings import Finding, Level, fine, problem, warning
from chat_core.ports.maintenance import DatabaseRefused, Maintenance
from chat_core.ports.system import Clock
from chat_mongo.database import OPEN_SECONDS, SCHEMA_VERSION, MongoDatabase, check_version
from chat_mongo.documents import DOCUMENTS, MetaDocument

CALL_SECONDS = 5.0
SEEN_SECONDS = 2.5
"""Seconds to wait until all members have answered, a little more than the driver's heartbeat."""
SKEW, FAR_SKEW = timedelta(seconds=2), timedelta(minutes=1)
LITTLE_ROOM, NO_ROOM = 0.1, 0.02
"""Thresholds of free disk space, as parts of the total."""

_DATABASE, _SCHEMA, _INDEXES, _WRITING = "database", "schema", "indexes", "writing"
_MEMBERS, _CLOCK, _DISK = "replica set", "clock", "disk"
_ONLY = "partialFilterExpression"


@dataclass(frozen=True, slots=True)
class MongoMaintenance(Maintenance):
    """One database of a replica set, which may be unreachable, old, or changed by hand."""

    url: str = field(repr=False)
    name: str
    patience: float = OPEN_SECONDS
    """Seconds to wait for a primary."""

    async def pending(self) -> Sequence[str]:
        """See `Maintenance.pending`."""
        async with self._connected() as database:
            with database.refusals():
                return [each async for each in _pending(database)]

    async def migrate(self) -> Sequence[str]:
        """See `Maintenance.migrate`."""
        pending = await self.pending()
        if pending:
            await (await MongoDatabase.open(self.url, self.name, patience=self.patience)).close()
        return pending

    async def examine(self, clock: Clock) -> Sequence[Finding]:
        """See `Maintenance.examine`."""
        found: list[Finding] = []
        try:
            async with self._connected() as database:
                with database.refusals():
                    async for finding in _examine(database, clock):
                        found.append(finding)  # noqa: PERF401  (kept if a later step raises)
        except DatabaseRefused as error:
            said, separator, remedy = str(error).rpartition("; ")
            if not separator:
                said, remedy = remedy, _BRING_BACK
            found.append(problem(_DATABASE, said, remedy.rstrip(".")))
        return found

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[MongoDatabase]:
        database = await MongoDatabase.connect(
            self.url, self.name, patience=self.patience, call_seconds=CALL_SECONDS
        )
        try:
            yield database
        finally:
            await database.close()


_BRING_BACK = (
    "check that it is running and that DATABASE_URL has its address and a user with access"
)


async def _pending(database: MongoDatabase) -> AsyncIterator[str]:
    stored = await _stored_version(database)
    if stored is None:
        yield f"records schema version {SCHEMA_VERSION}"
    elif stored < SCHEMA_VERSION:
        yield f"upgrades the schema from version {stored} to {SCHEMA_VERSION}"
    for collection, declared in _declared():
        there = await database.plain[collection].index_information()
        for index in declared:
            if index.document["name"] not in there:
                yield f"creates the index {index.document['name']} of {collection}"


async def _examine(database: MongoDatabase, clock: Clock) -> AsyncIterator[Finding]:
    asked_at = clock.now()
    hello = await database.hello()
    there = hello["localTime"].replace(tzinfo=UTC)  # the client's options don't apply to commands
    skew = max(asked_at - there, there - clock.now(), timedelta(0))
    build = await database.plain.command("buildInfo")
    yield fine(_DATABASE, f"MongoDB {build['version']} answers, {database.name} is its database")
    yield await _members(database, hello)
    yield await _writing(database)
    yield _schema(await _stored_version(database))
    async for finding in _indexes(database):
        yield finding
    yield _clock(skew)
    yield await _room(database)


async def _stored_version(database: MongoDatabase) -> int | None:
    stored = await database.plain[MetaDocument.Settings.name].find_one({"_id": "schema"})
    if stored is None:
        return None
    version = int(stored["version"])
    check_version(version)
    return version


def _declared() -> Iterator[tuple[str, Sequence[IndexModel]]]:
    for document in DOCUMENTS:
        settings = document.Settings
        yield settings.name, getattr(settings, "indexes", [])


async def _members(database: MongoDatabase, hello: Mapping[str, Any]) -> Finding:
    hosts = [*hello.get("hosts", []), *hello.get("passives", [])]
    if not hosts:
        return fine(_MEMBERS, "unknown: the router in front of them does not list them")
    if len(hosts) == 1:
        return warning(
            _MEMBERS,
            f"{hello['setName']} has one member: if its machine is lost, everything is lost",
            "make backups, or use three members",
        )
    try:
        async with asyncio.timeout(SEEN_SECONDS):
            while not all(database.members.get(host) for host in hosts):  # noqa: ASYNC110 (the driver's own tasks see them)
                await asyncio.sleep(0.05)
    except TimeoutError:
        away = [host for host in hosts if not database.members.get(host)]
        return warning(
            _MEMBERS,
            f"{len(away)} of the {len(hosts)} members of {hello['setName']} do not answer:"
            f" {', '.join(away)}",
            "start them again: without a majority nothing can be stored",
        )
    return fine(_MEMBERS, f"all {len(hosts)} members of {hello['setName']} answer")


async def _writing(database: MongoDatabase) -> Finding:
    """Check that writes work, using an update that matches no document.

    A majority acknowledges it like any other write.
    """
    meta = database.plain[MetaDocument.Settings.name]
    try:
        with pymongo.timeout(CALL_SECONDS):
            await meta.update_one({"_id": "nothing has this id"}, {"$set": {"writes": 0}})
    except OperationFailure as error:
        return problem(
            _WRITING,
            f"writes are refused: {(error.details or {}).get('errmsg', error)}",
            "give the user of DATABASE_URL the role readWrite on the database",
        )
    except PyMongoError as error:
        return problem(
            _WRITING,
            f"writes are not acknowledged by a majority within {CALL_SECONDS:g} s: {error}",
            "start the missing members again, or find out what slows them",
        )
    return fine(_WRITING, "writes are acknowledged by a majority")


def _schema(stored: int | None) -> Finding:
    if stored is None:
        return warning(
            _SCHEMA,
            "does not exist yet",
            "start the service or run chat-server migrate to create it; if it should exist,"
            " correct the database name at the end of DATABASE_URL",
        )
    if stored < SCHEMA_VERSION:
        return warning(
            _SCHEMA,
            f"has version {stored}; this program needs {SCHEMA_VERSION}",
            "make a backup, then run chat-server migrate or start the service, which migrates too",
        )
    return fine(_SCHEMA, f"has version {stored}")


async def _indexes(database: MongoDatabase) -> AsyncIterator[Finding]:
    missing, is_fine = [], True
    for collection, declared in _declared():
        there = await database.plain[collection].index_information()
        for index in declared:
            name = index.document["name"]
            if name in there and not _is_like(there[name], index):
                is_fine = False
                yield problem(
                    _INDEXES,
                    f"{name} of {collection} differs from the one this version declares",
                    f'drop it (db.{collection}.dropIndex("{name}")), then run chat-server migrate',
                )
            elif name not in there:
                missing.append(f"{name} of {collection}")
    if missing:
        yield warning(
            _INDEXES, f"these are missing: {', '.join(missing)}", "run chat-server migrate"
        )
    elif is_fine:
        yield fine(_INDEXES, "all exist")


def _is_like(there: Mapping[str, Any], declared: IndexModel) -> bool:
    wanted = declared.document
    return (
        list(there["key"]) == list(wanted["key"].items())
        and there.get("unique", False) == wanted.get("unique", False)
        # Compared in their encoded form, because the server returns times without a time zone.
        and bson.encode(there.get(_ONLY, {})) == bson.encode(wanted.get(_ONLY, {}))
    )


def _clock(skew: timedelta) -> Finding:
    if skew <= SKEW:
        return fine(_CLOCK, "agrees with the database server's clock")
    return Finding(
        Level.PROBLEM if skew > FAR_SKEW else Level.WARNING,
        _CLOCK,
        f"is {skew.total_seconds():,.0f} s off from the database server's clock",
        "correct both clocks, and keep them correct with NTP (timedatectl)",
    )


async def _room(database: MongoDatabase) -> Finding:
    stats = await database.plain.command("dbStats")
    total = stats.get("fsTotalSize", 0)
    if not total:
        return fine(_DISK, "unknown: the database server does not report its free space")
    free = total - stats["fsUsedSize"]
    said = f"{free / 1e9:,.1f} of {total / 1e9:,.1f} GB are free on the database server"
    if free / total >= LITTLE_ROOM:
        return fine(_DISK, said)
    level = Level.PROBLEM if free / total < NO_ROOM else Level.WARNING
    return Finding(level, _DISK, said, "free some space: mongod stops when the disk is full")
