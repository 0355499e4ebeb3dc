"""Inspection and maintenance of a database file, for operators."""

import asyncio
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from chat_core.findings import Finding, Level, fine, problem, warning
from chat_core.ports.maintenance import DatabaseRefused, Maintenance
from chat_core.ports.system import Clock
from chat_sqlite.database import BUSY_SECONDS, SqliteDatabase
from chat_sqlite.rows import from_ms
from chat_sqlite.schema import SCHEMA_VERSION, file_version
from chat_sqlite.schema_changes import changes, missing_parts

T = TypeVar("T")

LITTLE_ROOM, NO_ROOM = 1_000_000_000, 100_000_000
"""Thresholds of free disk space, in bytes."""
AHEAD = timedelta(seconds=5)
"""How far a stored time may lie in the future."""
SHOWN = 3
"""Maximum number of faults in the report."""

_DATABASE, _SCHEMA, _WRITING, _WHOLE = "database", "schema", "writing", "integrity"
_CLOCK, _DISK, _SECRECY = "clock", "disk", "file mode"
_RESTORE = "stop the service, keep a copy of the file, then restore a backup"
_LET_IN = "give the service's user read and write access to the file and its folder"
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@dataclass(frozen=True, slots=True)
class SqliteMaintenance(Maintenance):
    """One file, which may be missing, old, damaged, or another program's."""

    path: Path

    async def pending(self) -> Sequence[str]:
        """See `Maintenance.pending`."""

        def look(connection: sqlite3.Connection) -> list[str]:
            return list(changes(connection, file_version(connection)))

        return await asyncio.to_thread(self._look, look)

    async def migrate(self) -> Sequence[str]:
        """See `Maintenance.migrate`."""
        pending = await self.pending()
        if pending:
            await (await SqliteDatabase.open(self.path)).close()
        return pending

    async def examine(self, clock: Clock) -> Sequence[Finding]:
        """See `Maintenance.examine`."""
        found: list[Finding] = []

        def look() -> None:
            for finding in self._examine(clock):
                found.append(finding)  # noqa: PERF402 (kept if a later step raises)

        try:
            await asyncio.to_thread(look)
        except OSError as error:
            said = f"{error.filename or self.path}: {error.strerror}"
            found.append(problem(_DATABASE, said, _LET_IN))
        return found

    def _look(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run the function on the file, or on an empty database if there is no file."""
        try:
            with closing(self._connect()) as connection:
                return function(connection)
        except (OSError, sqlite3.Error) as error:
            raise DatabaseRefused(f"The database {self.path} can't be opened: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        if not self.path.exists():
            return sqlite3.connect(":memory:")
        return sqlite3.connect(
            f"file:{quote(str(self.path.absolute()))}?mode=rw",  # this mode never creates a file
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
        )

    def _examine(self, clock: Clock) -> Iterator[Finding]:
        folder = self.path.absolute().parent
        if not folder.is_dir():
            yield problem(
                _DATABASE, f"{folder} does not exist", "create it, or correct DATABASE_URL"
            )
            return
        if not self.path.exists():
            yield warning(
                _DATABASE,
                f"{self.path} does not exist yet",
                "the first start creates it; if it should exist, correct DATABASE_URL",
            )
        else:
            yield from self._examine_file(clock)
        yield _room(folder)

    def _examine_file(self, clock: Clock) -> Iterator[Finding]:
        try:
            with closing(self._connect()) as connection:
                version = file_version(connection)
                yield fine(_DATABASE, f"{self.path} opens")
                yield from _examine_schema(connection, version)
                yield _writing(connection, version)
                yield from _examine_pages(connection)
                if version == SCHEMA_VERSION:
                    yield _clock(connection, clock.now())
        except DatabaseRefused as error:
            said, _, remedy = str(error).partition("; ")
            yield problem(_SCHEMA, said, remedy.rstrip("."))
        except sqlite3.Error as error:
            yield self._broken(error)
        if stat.S_IMODE(self.path.stat().st_mode) & 0o077:
            yield warning(
                _SECRECY,
                f"other users of this machine can open {self.path}",
                f"chmod 600 {self.path}",
            )

    def _broken(self, error: sqlite3.Error) -> Finding:
        said = f"{self.path} can't be read: {error}"
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _BUSY:
            return warning(
                _DATABASE, said, "find out which program locks it (fuser), and try again"
            )
        if code in {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY}:
            return problem(_DATABASE, said, _LET_IN)
        return problem(
            _DATABASE, said, f"check that DATABASE_URL names the right file; if so, {_RESTORE}"
        )


def _examine_schema(connection: sqlite3.Connection, version: int) -> Iterator[Finding]:
    if version < SCHEMA_VERSION:
        yield warning(
            _SCHEMA,
            f"has version {version}; this program needs {SCHEMA_VERSION}",
            "make a backup, then run chat-server migrate or start the service, which migrates too",
        )
        return
    missing = missing_parts(connection)
    if missing:
        yield problem(_SCHEMA, f"lacks {', '.join(missing)}", _RESTORE)
    else:
        yield fine(_SCHEMA, f"has version {version}")


def _writing(connection: sqlite3.Connection, version: int) -> Finding:
    try:
        # BEGIN succeeds even on a read-only file, so this also writes.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        connection.rollback()
        if error.sqlite_errorcode & 0xFF in _BUSY:
            return warning(
                _WRITING,
                f"waited {BUSY_SECONDS:g} s for another program that is writing",
                "find out which one (fuser), and whether it is stuck",
            )
        return problem(_WRITING, str(error), _LET_IN)
    return fine(_WRITING, "is possible")


def _examine_pages(connection: sqlite3.Connection) -> Iterator[Finding]:
    (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
    if mode != "wal":
        yield warning(
            "journal", f"is {mode}, not wal", "start the service, or run chat-server migrate"
        )
    else:
        yield fine("journal", "is wal")
    faults = [fault for (fault,) in connection.execute("PRAGMA quick_check(100)")]
    if faults != ["ok"]:
        more = f", and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        yield problem(_WHOLE, "; ".join(faults[:SHOWN]) + more, _RESTORE)
    else:
        yield fine(_WHOLE, "every page is in order")


_NEWEST = """
SELECT max(at) FROM (
    SELECT created_at AS at FROM (SELECT created_at FROM messages ORDER BY pk DESC LIMIT 1)
    UNION ALL SELECT created_at FROM (SELECT created_at FROM sessions ORDER BY pk DESC LIMIT 1)
    UNION ALL SELECT created_at FROM (SELECT created_at FROM users ORDER BY pk DESC LIMIT 1)
)
"""


def _clock(connection: sqlite3.Connection, now: datetime) -> Finding:
    (newest,) = connection.execute(_NEWEST).fetchone()
    if newest is not None and from_ms(newest) > now + AHEAD:
        return problem(
            _CLOCK,
            f"shows {now:%Y-%m-%d %H:%M:%S} UTC, but the newest stored record is from"
            f" {from_ms(newest):%Y-%m-%d %H:%M:%S}",
            "correct the clock, and keep it correct with NTP (timedatectl)",
        )
    return fine(_CLOCK, "is later than every stored record")


def _room(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    if free >= LITTLE_ROOM:
        return fine(_DISK, f"{free / 1e9:,.1f} GB are free in {folder}")
    level = Level.WARNING if free >= NO_ROOM else Level.PROBLEM
    said = f"{free / 1e6:,.0f} MB are free in {folder}"
    return Finding(
        level, _DISK, said, "free some space: nothing can be stored when the disk is full"
    )
