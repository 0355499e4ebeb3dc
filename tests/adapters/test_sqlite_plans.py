import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from chat_sqlite import SqliteDatabase
from tests.support.every_query import ask_everything
from tests.support.stores import Stores, sqlite_stores_in


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    database = await SqliteDatabase.open(path)
    yield database
    await database.close()


@pytest.fixture
def stores(database: SqliteDatabase) -> Stores:
    return sqlite_stores_in(database)


def statements(connection: sqlite3.Connection) -> list[str]:
    seen: list[str] = []
    connection.set_trace_callback(seen.append)
    return seen


def full_scans(connection: sqlite3.Connection, statement: str) -> list[str]:
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    scans = [step for step in plan if step.startswith("SCAN")]
    harmless = ("USING", "(", "CONSTANT ROW")
    return [scan for scan in scans if not any(each in scan for each in harmless)]


async def test_every_query_has_its_index(
    database: SqliteDatabase, stores: Stores, path: Path
) -> None:
    seen = await database.write(statements)
    # Each of its reading threads has a connection of its own.
    readers = [await database.read(statements) for _ in range(8)]

    await ask_everything(stores)

    asked = [*seen, *(statement for reader in readers for statement in reader)]
    verbs = ("SELECT", "UPDATE", "DELETE", "INSERT INTO blocks", "WITH")
    asked = [each for each in asked if each.lstrip().startswith(verbs)]
    assert len(set(asked)) > 50
    with closing(sqlite3.connect(path)) as connection:
        assert full_scans(connection, "SELECT * FROM users WHERE email = 'a@b'") == ["SCAN users"]
        assert {each: scans for each in asked if (scans := full_scans(connection, each))} == {}
