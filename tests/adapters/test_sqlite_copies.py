"""Copies of the database file: what a backup holds, and when one is not taken back."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from chat_core.testing.makers import direct, draft, say, stored_users
from chat_sqlite import SCHEMA_VERSION, CopyRefused, SqliteDatabase, back_up, restore, vacuum
from tests.support.stores import sqlite_stores_in


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = await SqliteDatabase.open(path)
    yield database
    await database.close()


async def fill(database: SqliteDatabase, *names: str) -> None:
    await stored_users(sqlite_stores_in(database).users, *names)


def names(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute("SELECT username FROM users ORDER BY pk")]


def ignore(done: int, pages: int) -> None:
    assert 0 <= done <= pages


def others(path: Path) -> set[str]:
    """The files beside it that are neither it nor its write-ahead log."""
    return {each.name for each in path.parent.iterdir() if not each.name.startswith(path.name)}


async def test_a_backup_is_one_moment_whatever_is_written_meanwhile(
    database: SqliteDatabase, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database, "ann")
    target, steps = tmp_path / "backup.db", []
    monkeypatch.setattr("chat_sqlite.copies.PAGES", 1)

    def write_meanwhile(done: int, pages: int) -> None:
        steps.append((done, pages))
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE users SET username = 'changed'")

    copied = back_up(path, target, write_meanwhile)
    assert steps[-1][0] == steps[-1][1] > 0
    assert names(target) == ["ann"]
    assert names(path) == ["changed"]
    assert (copied.size, copied.schema_version) == (target.stat().st_size, SCHEMA_VERSION)
    assert target.stat().st_mode & 0o777 == 0o600
    assert others(path) == {"backup.db"}


async def test_a_backup_that_is_interrupted_leaves_what_was_there(
    database: SqliteDatabase, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(database, "ann")
    target = tmp_path / "backup.db"
    back_up(path, target, ignore)
    await fill(database, "bob")

    monkeypatch.setattr("chat_sqlite.copies.PAGES", 1)

    def interrupt(done: int, pages: int) -> None:
        if done > pages // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(path, target, interrupt)
    assert names(target) == ["ann"]
    assert others(path) == {"backup.db"}


async def test_a_database_in_use_is_not_replaced(
    database: SqliteDatabase, path: Path, tmp_path: Path
) -> None:
    backup, aside = tmp_path / "backup.db", tmp_path / "aside.db"
    await fill(database, "ann")
    back_up(path, backup, ignore)
    await fill(database, "bob")
    with pytest.raises(CopyRefused, match="is in use: stop the server"):
        restore(backup, path, aside, ignore)

    await fill(database, "eve")  # it goes on as if nothing had been tried
    assert names(path) == ["ann", "bob", "eve"]
    assert not aside.exists()
    await database.close()
    restore(backup, path, aside, ignore)
    assert (names(path), names(aside)) == (["ann"], ["ann", "bob", "eve"])
    again = await SqliteDatabase.open(path)
    await fill(again, "joe")
    await again.close()
    assert names(path) == ["ann", "joe"]
    assert {path.stat().st_mode & 0o777, aside.stat().st_mode & 0o777} == {0o600}


async def test_nobody_opens_a_database_while_it_is_restored_and_an_interruption_undoes_it(
    database: SqliteDatabase, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat_sqlite.copies.PAGES", 1)
    backup = tmp_path / "backup.db"
    back_up(path, backup, ignore)
    await fill(database, "ann")
    await database.close()
    seen = []

    def look(done: int, pages: int) -> None:
        ignore(done, pages)
        with closing(sqlite3.connect(path, timeout=0)) as connection:
            try:
                connection.execute("SELECT * FROM users").fetchall()
            except sqlite3.OperationalError as error:
                seen.append(str(error))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore(backup, path, tmp_path / "aside.db", look)
    assert set(seen) == {"database is locked"}
    assert names(path) == ["ann"]


async def test_where_nothing_was_a_backup_is_put_as_it_is(
    database: SqliteDatabase, path: Path, tmp_path: Path
) -> None:
    await fill(database, "ann")
    backup, target, aside = (tmp_path / name for name in ("backup.db", "new.db", "aside.db"))
    back_up(path, backup, ignore)
    restore(backup, target, aside, ignore)

    assert names(target) == ["ann"]
    assert target.stat().st_mode & 0o777 == 0o600
    assert not aside.exists()


def foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs (x)")


def replaced(path: Path) -> None:
    path.unlink()
    foreign(path)


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")


def damaged(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


def in_use(path: Path) -> None:
    path.with_name(f"{path.name}-wal").write_bytes(b"what is not in the file yet")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda path: path.unlink(), "There is no file"),
        (lambda path: path.write_bytes(b"text" * 2000), "is not an SQLite database"),
        (replaced, "is not a chat-core database"),
        (newer, "upgrade chat-core first"),
        (damaged, "is damaged"),
        (in_use, "make a backup of it first"),
    ],
)
async def test_what_is_no_backup_changes_nothing(
    database: SqliteDatabase, path: Path, tmp_path: Path, spoil: Callable[[Path], object], why: str
) -> None:
    backup, aside = tmp_path / "backup.db", tmp_path / "aside.db"
    back_up(path, backup, ignore)
    await fill(database, "ann")
    await database.close()
    spoil(backup)
    with pytest.raises(CopyRefused, match=why):
        restore(backup, path, aside, ignore)

    assert names(path) == ["ann"]
    assert not aside.exists()


@pytest.mark.parametrize("copy", [back_up, lambda path, _target, _told: vacuum(path)])
async def test_what_is_no_database_is_not_copied(
    tmp_path: Path, copy: Callable[[Path, Path, object], object]
) -> None:
    path = tmp_path / "theirs.db"
    with pytest.raises(CopyRefused, match="There is no file"):
        copy(path, tmp_path / "target", ignore)
    foreign(path)
    with pytest.raises(CopyRefused, match="is not a chat-core database"):
        copy(path, tmp_path / "target", ignore)
    assert {each.name for each in tmp_path.iterdir()} == {"theirs.db"}


async def test_what_was_deleted_is_in_no_file_after_a_vacuum_and_others_go_on(
    database: SqliteDatabase, path: Path
) -> None:
    stores = sqlite_stores_in(database)
    ann, bob = await stored_users(stores.users, "ann", "bob")
    of = direct(ann, bob)
    for number in range(300):
        await say(stores.log, of, ann, f"secret words, number {number}, " * 9)
    await database.write(lambda connection: connection.execute("DELETE FROM messages").rowcount)

    def traces() -> int:
        return sum(b"secret" in each.read_bytes() for each in path.parent.iterdir())

    assert traces() > 0
    before, after = vacuum(path)
    assert traces() == 0
    assert after < before
    appended = await stores.log.append(draft(of, bob, "on"))
    assert appended.message.seq == 301
