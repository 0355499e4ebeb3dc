import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chat_core.findings import Finding, Level
from chat_core.memory import SystemClock
from chat_core.ports.maintenance import Maintenance
from chat_core.testing.maintenance_contract import (
    Lookout,
    MaintenanceContract,
    UserCounter,
    problems,
)
from chat_core.testing.makers import direct, draft, stored_users
from chat_sqlite import SCHEMA_VERSION, DatabaseRefused, SqliteDatabase, SqliteMaintenance
from chat_sqlite.schema import APPLICATION_ID, MIGRATIONS, statements
from tests.support.stores import sqlite_stores_in


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


def write(path: Path, *script: str) -> None:
    """Do that to the file, past everything of ours."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in script:
            connection.execute(statement)


@pytest.fixture
async def current(path: Path) -> SqliteMaintenance:
    database = await SqliteDatabase.open(path)
    stores = sqlite_stores_in(database)
    ann, bob = await stored_users(stores.users, "ann", "bob")
    for number in range(200):
        await stores.log.append(draft(direct(ann, bob), ann, f"{number} " + "text" * 99))
    await database.close()
    return SqliteMaintenance(path)


@pytest.fixture
def behind(path: Path) -> SqliteMaintenance:
    write(
        path,
        *(each for step in MIGRATIONS[:2] for each in statements(step)),
        f"PRAGMA application_id = {APPLICATION_ID}",
        "PRAGMA user_version = 2",
        "INSERT INTO users (id, username, username_key, password_hash, created_at)"
        " VALUES ('u-ann', 'ann', 'ann', 'h', 1000)",
    )
    return SqliteMaintenance(path)


@pytest.fixture
def absent(path: Path) -> SqliteMaintenance:
    return SqliteMaintenance(path)


@pytest.fixture
async def unusable(path: Path, current: SqliteMaintenance) -> SqliteMaintenance:
    write(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    return current


@pytest.fixture
def refusals() -> list[type[Exception]]:
    return [DatabaseRefused]


@pytest.fixture
def count_users(path: Path) -> UserCounter:
    async def count(_: Maintenance) -> int:
        with closing(sqlite3.connect(path)) as connection:
            return int(connection.execute("SELECT count(*) FROM users").fetchone()[0])

    return count


@pytest.fixture
def is_there(path: Path) -> Lookout:
    async def look(_: Maintenance) -> bool:
        return path.exists()

    return look


class TestSqliteMaintenance(MaintenanceContract):
    pass


async def said(maintenance: Maintenance, clock: SystemClock, subject: str) -> Finding:
    (finding,) = [each for each in await maintenance.examine(clock) if each.subject == subject]
    return finding


async def test_each_step_is_told_by_what_it_changes(behind: SqliteMaintenance) -> None:
    first, *_ = await behind.pending()

    assert first == "upgrades the schema from version 2 to 3: adds column users.disabled_at"


async def test_a_new_file_gets_the_whole_schema(absent: SqliteMaintenance) -> None:
    assert await absent.pending() == [f"creates the schema, version {SCHEMA_VERSION}"]


async def test_an_old_schema_is_told_with_what_to_do(
    behind: SqliteMaintenance, clock: SystemClock
) -> None:
    schema = await said(behind, clock, "schema")

    assert (schema.level, schema.said[:14]) == (Level.WARNING, "has version 2;")
    assert "chat-server migrate" in schema.remedy
    assert (await said(behind, clock, "journal")).level is Level.WARNING


async def test_a_damaged_page_is_found(
    current: SqliteMaintenance, path: Path, clock: SystemClock
) -> None:
    with path.open("r+b") as file:
        file.seek(4096 * 12)
        file.write(b"\xff" * 4096)

    (found,) = problems(await current.examine(clock))
    assert found.subject in {"integrity", "database"}
    assert "restore a backup" in found.remedy


@pytest.mark.parametrize(
    "content", [b"no database at all " * 999, b"SQLite format 3\0" + b"\1" * 999]
)
async def test_what_is_no_database_is_a_problem(
    path: Path, clock: SystemClock, content: bytes
) -> None:
    path.write_bytes(content)
    path.chmod(0o600)

    (found,) = problems(await SqliteMaintenance(path).examine(clock))
    assert found.subject == "database"
    assert "restore a backup" in found.remedy
    assert path.read_bytes() == content


async def test_another_programs_file_is_a_problem(path: Path, clock: SystemClock) -> None:
    write(path, "CREATE TABLE notes (x)")

    found = await said(SqliteMaintenance(path), clock, "schema")
    assert found.level is Level.PROBLEM
    assert "another program" in found.said
    assert "use another file" in found.remedy


async def test_an_index_that_is_gone_is_a_problem(
    current: SqliteMaintenance, path: Path, clock: SystemClock
) -> None:
    write(path, "DROP INDEX users_by_display_name")

    (found,) = problems(await current.examine(clock))
    assert (found.subject, found.said) == ("schema", "lacks index users_by_display_name")


async def test_times_after_now_are_a_problem(
    current: SqliteMaintenance, path: Path, clock: SystemClock
) -> None:
    later = "(unixepoch() + 3600) * 1000"
    write(path, f"UPDATE messages SET created_at = {later}")  # noqa: S608

    (found,) = problems(await current.examine(clock))
    assert found.subject == "clock"


@pytest.fixture
def writing(path: Path) -> Iterator[None]:
    """Somebody else writes, and does not come to an end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def test_a_file_that_somebody_else_holds_is_told(
    current: SqliteMaintenance, writing: None, clock: SystemClock
) -> None:
    assert (await said(current, clock, "writing")).level is Level.WARNING


async def test_a_file_that_others_can_read_is_told(
    current: SqliteMaintenance, path: Path, clock: SystemClock
) -> None:
    path.chmod(0o640)
    found = await said(current, clock, "file mode")

    assert (found.level, found.remedy) == (Level.WARNING, f"chmod 600 {path}")


async def test_a_folder_that_is_not_there_is_a_problem(tmp_path: Path, clock: SystemClock) -> None:
    (found,) = await SqliteMaintenance(tmp_path / "no" / "chat.db").examine(clock)

    assert (found.level, found.subject) == (Level.PROBLEM, "database")


async def test_a_full_disk_is_a_problem(
    current: SqliteMaintenance, clock: SystemClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for free, level in ((99_000_000, Level.PROBLEM), (900_000_000, Level.WARNING)):
        usage = type("Usage", (), {"free": free})
        monkeypatch.setattr("shutil.disk_usage", lambda _, usage=usage: usage)
        assert (await said(current, clock, "disk")).level is level
