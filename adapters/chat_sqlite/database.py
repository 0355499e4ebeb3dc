"""One SQLite file: a writing thread, reading threads, and commits that many writes share."""

import asyncio
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from chat_core.errors import Unavailable
from chat_core.measures import Calls, Commits
from chat_core.ports.maintenance import DatabaseNotReady, DatabaseRefused
from chat_sqlite.heads import Heads
from chat_sqlite.room import make_room
from chat_sqlite.schema import migrate
from chat_sqlite.writes import Call, Write

T = TypeVar("T")

READERS = 2
BUSY_SECONDS = 2.0
"""Seconds that a statement waits for another process's write before it raises `Unavailable`."""

CHECK_SECONDS = 1.0
"""Seconds that an empty commit may take before the database counts as stuck."""

TEMPORARY = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
    }
)
"""Primary result codes that mean a problem of the environment, not a bug here."""

HELD = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
"""Result codes that mean another process holds a lock."""


class SqliteDatabase:
    """The open file. Create it with `open`, and `close` it.

    Writes run in one thread, in the order in which they were submitted. A transaction contains all
    writes that wait when it begins, so one durable commit serves them all. Reads run in threads of
    their own and see every write that was reported as done.
    """

    def __init__(self, path: Path, *, readers: int = READERS) -> None:
        self._path = path
        self._connections: list[sqlite3.Connection] = []
        self._local = threading.local()
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        self._readers = ThreadPoolExecutor(readers, "sqlite-reader")
        self.heads = Heads()
        self.commits = Commits()
        self.calls = Calls()
        self._in_doubt = False
        self.committed_at = 0.0
        """When the last transaction ended, by `time.monotonic`."""
        self._waiting: list[Write] = []
        self._is_writing = False
        self._idle: asyncio.Future[None] | None = None

    @classmethod
    async def open(cls, path: Path, *, readers: int = READERS) -> "SqliteDatabase":
        """Open the file, create it if it is missing, and upgrade its schema.

        Raises `DatabaseRefused` if that is impossible, `DatabaseNotReady` if a retry may succeed.
        """
        database = cls(path, readers=readers)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(database._writer, database._prepare)
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Finish the submitted writes, and close the file. Calling it again is a no-op."""
        while self._is_writing:
            if self._idle is None:
                self._idle = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._idle])
            self._idle = None
        await asyncio.to_thread(self._shut_down)

    def submit(self, write: Write) -> None:
        """Queue a write for the next transaction. Call it only in the event loop's thread."""
        self._waiting.append(write)
        if not self._is_writing:
            self._is_writing = True
            asyncio.get_running_loop().call_soon(self._begin)

    async def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run the function in the next transaction; return its result after the commit.

        Cancelling the caller stops neither the function nor the commit.
        """
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.submit(Call(function, result))
        return await result

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Run the function on a connection of a reading thread, and return its result."""
        return await self._read(function, self._readers)

    async def read_as_writer(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Like `read_at_once`, but in the writing thread, after the current transaction."""
        return await self._read(_in_snapshot(function), self._writer)

    async def _read(
        self, function: Callable[[sqlite3.Connection], T], threads: ThreadPoolExecutor
    ) -> T:
        def run() -> T:
            try:
                return function(self._connection())
            except sqlite3.Error as error:
                raise _translated(error) from error

        began = time.monotonic()
        try:
            return await asyncio.get_running_loop().run_in_executor(threads, run)
        except Unavailable:
            self.calls.failed += 1
            raise
        finally:
            self.calls.seconds.observe(time.monotonic() - began)

    async def read_at_once(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """Like `read`, but everything that the function reads comes from one snapshot."""
        return await self.read(_in_snapshot(function))

    async def check(self) -> None:
        """Commit an empty transaction to check that the writer works. Raises `Unavailable`.

        After a failed commit it writes for real until that succeeds, because an empty commit works
        even on a full disk.
        """
        doubted = self._in_doubt
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self.write(self._write_something if doubted else _write_nothing)
        except TimeoutError as error:
            raise Unavailable("The database does not answer") from error
        if doubted:
            self._in_doubt = False

    def free_bytes(self) -> int:
        """Return the free space of the file's disk, in bytes."""
        return shutil.disk_usage(self._path).free

    def _begin(self) -> None:
        """Pass the waiting writes to the writing thread."""
        if not self._waiting:
            self._is_writing = False
            if self._idle is not None and not self._idle.done():
                self._idle.set_result(None)
            return
        writes, self._waiting = self._waiting, []
        for write in writes:
            write.close()
        # The loop's own `run_in_executor` would cost a future and one more iteration.
        self._writer.submit(self._commit_and_tell, asyncio.get_running_loop(), writes)

    def _commit_and_tell(self, loop: asyncio.AbstractEventLoop, writes: list[Write]) -> None:
        began = time.monotonic()
        errors = self._commit(writes)
        loop.call_soon_threadsafe(self._committed, writes, errors, time.monotonic() - began)

    def _committed(
        self, writes: list[Write], errors: list[Exception | None], seconds: float
    ) -> None:
        self.commits.observe(sum(write.size() for write in writes), seconds)
        if any(isinstance(error, Unavailable) for error in errors):
            self.commits.failed += 1
            self._in_doubt = True
        for write, error in zip(writes, errors, strict=True):
            write.done(error)
        # In the loop's next iteration, so that callers who write again share the next commit.
        asyncio.get_running_loop().call_soon(self._begin)

    def _commit(self, writes: list[Write]) -> list[Exception | None]:
        """Run the writes in one transaction; return None or the exception for each."""
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            errors = self._run_all(writes, connection)
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - passed to every waiting caller
            connection.rollback()
            return [_translated(error)] * len(writes)
        finally:
            self.committed_at = time.monotonic()
        return errors

    def _write_something(self, connection: sqlite3.Connection) -> None:
        """Rewrite the version with the same value, which makes SQLite write a page."""
        try:
            make_room(self._path.parent)
        except OSError as error:
            raise Unavailable("The disk is full") from error
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version}")

    def _run_all(
        self, writes: list[Write], connection: sqlite3.Connection
    ) -> list[Exception | None]:
        """Run the writes without savepoints. If one raises, run all again, each in a savepoint.

        A savepoint costs a copy of every page that changes.
        """
        try:
            for write in writes:
                write.run(connection)
        except Exception:
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK")
            connection.execute("BEGIN IMMEDIATE")
            return [self._run(write, connection) for write in writes]
        return [None] * len(writes)

    def _run(self, write: Write, connection: sqlite3.Connection) -> Exception | None:
        connection.execute("SAVEPOINT write")
        try:
            write.run(connection)
        except Exception as error:
            # A full disk, for example, makes SQLite roll back everything, so no write survives.
            if not connection.in_transaction:
                raise
            connection.execute("ROLLBACK TO write")
            connection.execute("RELEASE write")
            return _translated(error)
        connection.execute("RELEASE write")
        return None

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        self._connections.append(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA temp_store = MEMORY")  # savepoints store their pages there
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _prepare(self) -> None:
        try:
            _make_private(self._path)
            connection = self._connection()
            _write_ahead(connection)
            migrate(connection)
        except (OSError, sqlite3.Error) as error:
            is_held = getattr(error, "sqlite_errorcode", 0) & 0xFF in HELD
            kind = DatabaseNotReady if is_held else DatabaseRefused
            raise kind(f"The database {self._path} can't be opened: {error}") from error

    def _shut_down(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        while self._connections:
            self._connections.pop().close()


def _in_snapshot(
    function: Callable[[sqlite3.Connection], T],
) -> Callable[[sqlite3.Connection], T]:
    def run(connection: sqlite3.Connection) -> T:
        connection.execute("BEGIN")
        try:
            return function(connection)
        finally:
            connection.execute("COMMIT")

    return run


def _write_nothing(_: sqlite3.Connection) -> None:
    pass


def _translated(error: Exception) -> Exception:
    """Turn errors of the environment into `Unavailable`, and return any other error unchanged."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None or code & 0xFF not in TEMPORARY:
        return error
    unavailable = Unavailable("The database is temporarily unavailable", retry_after=1.0)
    unavailable.__cause__ = error
    return unavailable


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log.

    This retries in its own loop. If two processes do it to a new file, SQLite refuses one at once,
    despite `busy_timeout`, because each holds a read lock that blocks the other's write.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in HELD or time.monotonic() > until:
                raise
            time.sleep(0.005)  # blocks only the writing thread
        else:
            return


def _make_private(path: Path) -> None:
    """Create a new file with access for its owner only, because it contains every message."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
