"""Copies of the database file: online backup, restore, and rewriting the file.

These functions are for commands. They block the thread that calls them.
"""

import contextlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chat_sqlite.schema import APPLICATION_ID, SCHEMA_VERSION

PAGES = 1024
"""Pages copied between two progress reports, about 4 MiB."""
LOCK_SECONDS = 10.0
"""Seconds that a copy waits for other writers."""
CHECKPOINT_SECONDS = 30.0
"""Seconds that a vacuum waits for readers of the old pages."""

Told = Callable[[int, int], None]
"""Called with the number of pages done and the total number of pages."""


class CopyRefused(Exception):
    """A file is not suitable for the operation. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Copied:
    """A complete copy: its size in bytes, and its schema version."""

    size: int
    schema_version: int


def back_up(source: Path, target: Path, told: Told) -> Copied:
    """Copy a snapshot of the database into one file that replaces `target`.

    Other programs may write meanwhile. The copy is checked before it gets its name, and only its
    owner can read it. Raises `CopyRefused`.
    """
    with _opened(source) as connection:
        version = _check_ours(connection, source)
        connection.execute("BEGIN")
        # From its first read on, this transaction sees one snapshot, whatever others write.
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        size = _write_copy(connection, target, told)
    return Copied(size, version)


def restore(source: Path, target: Path, aside: Path, told: Told) -> Copied:
    """Replace the database's contents with a backup, after copying the old ones to `aside`.

    No other program may have the database open. The replacement is one transaction, so an
    interruption leaves the old contents. Raises `CopyRefused`.
    """
    with _opened(source, "ro&immutable=1") as backup:
        version = _check_backup(backup, source)
        if not target.exists():
            size = _write_copy(backup, target, told)
            return Copied(size, version)
        with _opened(target) as database:
            _lock(database, target)
            _check_ours(database, target)
            _write_copy(database, aside, lambda _done, _all: None)
            _copy(backup, database, told)
            _check_whole(database, target)
    return Copied(target.stat().st_size, version)


def vacuum(path: Path) -> tuple[int, int]:
    """Rewrite the whole file, so that it contains no deleted data.

    Returns its size before and after, in bytes. Others can read meanwhile, but not write. Raises
    `CopyRefused`.
    """
    with _opened(path) as connection:
        _check_ours(connection, path)
        connection.execute("PRAGMA secure_delete = ON")
        before = _size(path)
        connection.execute("VACUUM")
        _empty_log(connection, path)
        after = _size(path)
    return before, after


@contextlib.contextmanager
def _opened(path: Path, mode: str = "rw") -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise CopyRefused(f"There is no file {path}.")
    try:
        uri = f"{path.absolute().as_uri()}?mode={mode}"
        connection = sqlite3.connect(uri, LOCK_SECONDS, isolation_level=None, uri=True)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise CopyRefused(_why(error, path)) from error
    except OSError as error:
        raise CopyRefused(f"{error.filename or path}: {error.strerror}") from error


def _why(error: sqlite3.Error, path: Path) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_NOTADB:
        return f"{path} is not an SQLite database."
    if code == sqlite3.SQLITE_CORRUPT:
        return f"{path} is damaged ({error}); restore a backup."
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return f"{path} is in use by another program; try again."
    return f"{path}: {error}"


def _check_ours(connection: sqlite3.Connection, path: Path) -> int:
    """Check that the file belongs to chat-core; return its schema version."""
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application_id != APPLICATION_ID:
        raise CopyRefused(f"{path} is not a chat-core database.")
    if version > SCHEMA_VERSION:
        raise CopyRefused(
            f"{path} has schema version {version}, but this version of chat-core supports "
            f"only versions up to {SCHEMA_VERSION}; upgrade chat-core first."
        )
    return int(version)


def _check_backup(connection: sqlite3.Connection, path: Path) -> int:
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        raise CopyRefused(
            f"{path} is a database in use, not a backup ({log.name} lies next to it); "
            "make a backup of it first."
        )
    version = _check_ours(connection, path)
    _check_whole(connection, path)
    return version


def _check_whole(connection: sqlite3.Connection, path: Path) -> None:
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise CopyRefused(f"{path} is damaged: {found}")


def _lock(connection: sqlite3.Connection, path: Path) -> None:
    """Lock the file until the connection closes. Raises `CopyRefused` if anyone has it open."""
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        # Only the last connection can leave WAL mode. Every connection of a process that has the
        # file open counts, even an idle one.
        (mode,) = connection.execute("PRAGMA journal_mode = DELETE").fetchone()
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")  # exclusive locking mode keeps the lock
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise
        raise CopyRefused(_in_use(path)) from error
    if mode != "delete":
        raise CopyRefused(_in_use(path))


def _in_use(path: Path) -> str:
    return f"{path} is in use: stop the server and any other program that has it open, and retry."


def _write_copy(source: sqlite3.Connection, target: Path, told: Told) -> int:
    """Copy into a temporary file, check it, rename it to the target; return its size in bytes."""
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    partial = Path(name)
    try:
        with contextlib.closing(sqlite3.connect(partial, isolation_level=None)) as copy:
            _copy(source, copy, told)
            copy.execute("PRAGMA journal_mode = DELETE")  # a single file, without a WAL
            _check_whole(copy, partial)
        os.fsync(descriptor)
        partial.replace(target)
        _sync_folder(target.parent)
        return target.stat().st_size
    finally:
        os.close(descriptor)
        partial.unlink(missing_ok=True)
        partial.with_name(f"{partial.name}-journal").unlink(missing_ok=True)


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, told: Told) -> None:
    source.backup(
        target, pages=PAGES, progress=lambda _status, left, pages: told(pages - left, pages)
    )


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(each.stat().st_size for each in files if each.exists())


def _empty_log(connection: sqlite3.Connection, path: Path) -> None:
    """Move everything from the write-ahead log into the file, and truncate the log."""
    give_up = time.monotonic() + CHECKPOINT_SECONDS
    while True:
        (busy, _, _) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            return
        if time.monotonic() > give_up:
            raise CopyRefused(
                f"Another program keeps reading {path}, so deleted data is still in "
                f"{path.name}-wal; try again."
            )
