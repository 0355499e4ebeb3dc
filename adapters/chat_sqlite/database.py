"""One SQLite file: a thread that writes, threads that read, and commits that many share."""

import asyncio
import os
import sqlite3
import threading
from abc import abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from chat_core.errors import Unavailable
from chat_core.measures import Commits
from chat_sqlite.schema import DatabaseRefused, migrate

T = TypeVar("T")

READERS = 2
BUSY_SECONDS = 2.0
"""How long a statement waits for another process's write before it is `Unavailable`."""

CHECK_SECONDS = 1.0
"""How long a commit of nothing may take before the database counts as stuck."""

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
"""Primary result codes that tell of the surroundings, not of a mistake in here."""


class Write(Protocol):
    """A piece of work for the writer. Several share a transaction and its commit."""

    def size(self) -> int:
        """How many writes it counts for."""
        return 1

    @abstractmethod
    def close(self) -> None:
        """Called in the event loop's thread right before it runs: nothing may be added now."""

    @abstractmethod
    def run(self, connection: sqlite3.Connection) -> None:
        """Write, in the writer's thread; what raises undoes only its own.

        It may be run anew after everything that it wrote was rolled back.
        """

    @abstractmethod
    def done(self, error: Exception | None) -> None:
        """Called in the event loop's thread: committed, or what went wrong."""


class SqliteDatabase:
    """The open file. Make it with `open`, and `close` it.

    Writes run in one thread, in the order in which they were submitted; all that wait when a
    transaction begins are in it, so that one durable commit serves them all. Reads run in threads
    of their own and see every write that was reported done.
    """

    def __init__(self, path: Path, *, readers: int = READERS) -> None:
        self._path = path
        self._connections: list[sqlite3.Connection] = []
        self._local = threading.local()
        self._writer = ThreadPoolExecutor(1, "sqlite-writer")
        self._readers = ThreadPoolExecutor(readers, "sqlite-reader")
        self.commits = Commits()
        self._waiting: list[Write] = []
        self._draining: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, *, readers: int = READERS) -> "SqliteDatabase":
        """Open the file, made where it is missing, and bring its schema up to date.

        Raises `DatabaseRefused` where that can't be.
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
        """Finish what was submitted, and close the file. Again is a no-op."""
        while self._draining is not None:
            await asyncio.wait([self._draining])
        await asyncio.to_thread(self._shut_down)

    def submit(self, write: Write) -> None:
        """Queue a write for the next transaction. To be called from the event loop's thread."""
        self._waiting.append(write)
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain())

    async def write(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """What the function returns, once its writes are committed. Cancelling stops neither."""
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.submit(_Call(function, result))
        return await result

    async def read(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """What the function returns on a connection of a reading thread."""

        def run() -> T:
            try:
                return function(self._connection())
            except sqlite3.Error as error:
                raise _translated(error) from error

        return await asyncio.get_running_loop().run_in_executor(self._readers, run)

    async def read_at_once(self, function: Callable[[sqlite3.Connection], T]) -> T:
        """As `read`; all that the function reads was so at one moment."""

        def in_snapshot(connection: sqlite3.Connection) -> T:
            connection.execute("BEGIN")
            try:
                return function(connection)
            finally:
                connection.execute("COMMIT")

        return await self.read(in_snapshot)

    async def check(self) -> None:
        """Commit nothing, to see that the writer does. Raises `Unavailable`."""
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self.write(lambda _: None)
        except TimeoutError as error:
            raise Unavailable("The database does not answer") from error

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                writes, self._waiting = self._waiting, []
                for write in writes:
                    write.close()
                began = loop.time()
                errors = await loop.run_in_executor(self._writer, self._commit, writes)
                size = sum(write.size() for write in writes)
                self.commits.observe(size, loop.time() - began)
                for write, error in zip(writes, errors, strict=True):
                    write.done(error)
        finally:
            self._draining = None

    def _commit(self, writes: list[Write]) -> list[Exception | None]:
        """Run the writes in one transaction: for each None, or what it raised."""
        connection = self._connection()
        try:
            connection.execute("BEGIN IMMEDIATE")
            errors = self._run_all(writes, connection)
            connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - handed to every caller that waits
            connection.rollback()
            return [_translated(error)] * len(writes)
        return errors

    def _run_all(
        self, writes: list[Write], connection: sqlite3.Connection
    ) -> list[Exception | None]:
        """Run the writes as if none were refused; if one is, anew, each in a savepoint.

        A savepoint costs a copy of every page that is changed.
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
            # A full disk, say, makes SQLite roll back everything: then no write stands.
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
        connection.execute("PRAGMA temp_store = MEMORY")  # where savepoints keep their pages
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _prepare(self) -> None:
        try:
            _make_private(self._path)
            connection = self._connection()
            connection.execute("PRAGMA journal_mode = WAL")
            migrate(connection)
        except (OSError, sqlite3.Error) as error:
            raise DatabaseRefused(f"The database {self._path} can't be opened: {error}") from error

    def _shut_down(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        while self._connections:
            self._connections.pop().close()


class _Call(Write, Generic[T]):
    """A function as a write, and the future of its result."""

    def __init__(
        self, function: Callable[[sqlite3.Connection], T], result: "asyncio.Future[T]"
    ) -> None:
        self._function = function
        self._result = result
        self._value: T

    def close(self) -> None:
        """See `Write.close`."""

    def run(self, connection: sqlite3.Connection) -> None:
        """See `Write.run`."""
        self._value = self._function(connection)

    def done(self, error: Exception | None) -> None:
        """See `Write.done`."""
        if self._result.done():
            return
        if error is None:
            self._result.set_result(self._value)
        else:
            self._result.set_exception(error)


def _translated(error: Exception) -> Exception:
    """`Unavailable` for what comes from the surroundings; anything else as it is."""
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or code is None or code & 0xFF not in TEMPORARY:
        return error
    unavailable = Unavailable("The database is not available just now", retry_after=1.0)
    unavailable.__cause__ = error
    return unavailable


def _make_private(path: Path) -> None:
    """A new file is for its owner only: it holds everything that everyone said."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
