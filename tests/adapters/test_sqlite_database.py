import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chat_core.conversations import TitleChanged
from chat_core.errors import Unavailable, UsernameTaken
from chat_core.ports.log import Appended, Stale
from chat_core.testing.makers import (
    alter,
    create,
    direct,
    draft,
    group,
    session,
    stored_users,
    user,
)
from chat_core.testing.sessions_refresh_contract import chain
from chat_sqlite import SCHEMA_VERSION, DatabaseRefused, SqliteDatabase
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


@pytest.fixture
def other_process(database: SqliteDatabase, path: Path) -> Iterator[sqlite3.Connection]:
    """A second connection to the file, as another process has it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


async def pragma(database: SqliteDatabase, name: str) -> object:
    def ask(connection: sqlite3.Connection) -> object:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]

    return await database.write(ask)


def statements(connection: sqlite3.Connection) -> list[str]:
    seen: list[str] = []
    connection.set_trace_callback(seen.append)
    return seen


# what a commit is


async def test_a_commit_is_on_the_disk_before_it_is_reported(database: SqliteDatabase) -> None:
    assert await pragma(database, "journal_mode") == "wal"
    assert await pragma(database, "synchronous") == 2  # FULL


async def test_appends_that_wait_share_one_commit(database: SqliteDatabase, stores: Stores) -> None:
    ann, bob = await stored_users(stores.users, "ann", "bob")
    talk = direct(ann, bob)
    seen = await database.write(statements)
    before = database.commits.sizes.total

    await asyncio.gather(*(stores.log.append(draft(talk, ann)) for _ in range(50)))

    assert seen.count("BEGIN IMMEDIATE") == 1
    assert database.commits.sizes.total - before == 50


async def test_a_refused_write_undoes_nothing_of_those_that_share_its_transaction(
    database: SqliteDatabase, stores: Stores
) -> None:
    ann, bob = await stored_users(stores.users, "ann", "bob")
    talk = direct(ann, bob)
    await stores.log.append(draft(talk, ann))
    seen = await database.write(statements)

    cyd = user("cyd")
    outcomes = await asyncio.gather(
        stores.log.append(draft(talk, ann)),
        stores.users.add(user("ANN"), "hash"),
        stores.users.add(cyd, "hash"),
        return_exceptions=True,
    )

    assert seen.count("COMMIT") == 2  # the first is of the write that began to trace
    assert isinstance(outcomes[1], UsernameTaken)
    assert await stores.users.get([cyd.id]) == {cyd.id: cyd}
    assert isinstance(outcomes[0], Appended)
    assert outcomes[0].event.seq == 2


async def test_everything_is_there_when_the_file_is_opened_again(path: Path) -> None:
    first = await SqliteDatabase.open(path)
    stores = sqlite_stores_in(first)
    ann, bob = await stored_users(stores.users, "ann", "bob")
    login = session(ann)
    await stores.sessions.add(login, chain("digest"))
    said = await stores.log.append(draft(direct(ann, bob), ann, "still here", client_id="c1"))
    await first.close()

    second = await SqliteDatabase.open(path)
    stores = sqlite_stores_in(second)
    history = await stores.reader.history(
        said.message.conversation_id, before=None, after=None, limit=9
    )
    again = await stores.log.append(draft(direct(bob, ann), ann, "still here", client_id="c1"))
    assert list(history.items) == [said.message]
    assert again.duplicate
    assert again.message == said.message
    assert await stores.sessions.get(login.id) == login
    await second.close()


async def test_closing_finishes_what_was_begun(path: Path) -> None:
    database = await SqliteDatabase.open(path)
    stores = sqlite_stores_in(database)
    adding = [asyncio.create_task(stores.users.add(user(), "hash")) for _ in range(20)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*adding)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (20,)


async def test_a_raising_follower_stops_neither_the_appends_nor_the_other_pushes(
    stores: Stores,
) -> None:
    ann, bob = await stored_users(stores.users, "ann", "bob")
    reported: list[object] = []
    told: list[int] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def follower(committed: object) -> None:
        told.append(1)
        if len(told) == 1:
            raise RuntimeError("a mistake")

    stores.log.follow(follower)
    talk = direct(ann, bob)
    appended = await asyncio.gather(*(stores.log.append(draft(talk, ann)) for _ in range(3)))
    loop.set_exception_handler(None)

    assert sorted(each.message.seq for each in appended) == [1, 2, 3]
    assert len(told) == 3
    assert len(reported) == 1


# other processes


async def test_what_another_process_appends_keeps_the_places_right(
    stores: Stores, path: Path
) -> None:
    other = await SqliteDatabase.open(path)
    theirs = sqlite_stores_in(other)
    ann, bob = await stored_users(stores.users, "ann", "bob")
    talk = direct(ann, bob)
    appended = await asyncio.gather(
        *((stores if n % 2 else theirs).log.append(draft(talk, ann)) for n in range(40))
    )
    await other.close()
    assert sorted(each.message.seq for each in appended) == list(range(1, 41))


async def test_what_another_process_changes_is_known_to_the_next_append(
    stores: Stores, path: Path
) -> None:
    other = await SqliteDatabase.open(path)
    theirs = sqlite_stores_in(other)
    ann, bob = await stored_users(stores.users, "ann", "bob")
    friends = await create(stores.log, group(ann, bob))
    await stores.log.append(draft(friends, ann))
    changed = await alter(theirs.log, friends, TitleChanged("New"))
    await other.close()
    with pytest.raises(Stale):
        await stores.log.append(draft(friends, ann))
    assert (await stores.log.append(draft(changed, ann))).message.seq == changed.revision + 1


async def test_a_lock_of_another_process_is_waited_for(
    stores: Stores, other_process: sqlite3.Connection
) -> None:
    other_process.execute("BEGIN IMMEDIATE")
    adding = asyncio.create_task(stores.users.add(user(), "hash"))
    await asyncio.wait({adding}, timeout=0.2)
    assert not adding.done()
    other_process.execute("COMMIT")
    await adding


async def test_a_database_that_stays_locked_is_unavailable_and_works_again_afterwards(
    database: SqliteDatabase, stores: Stores, other_process: sqlite3.Connection
) -> None:
    ann, bob = await stored_users(stores.users, "ann", "bob")
    talk = direct(ann, bob)
    told: list[object] = []
    stores.log.follow(told.append)
    other_process.execute("BEGIN IMMEDIATE")
    outcomes = await asyncio.gather(
        stores.log.append(draft(talk, ann, client_id="c1")),
        stores.users.add(user(), "hash"),
        database.check(),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [Unavailable] * 3
    assert told == []

    other_process.execute("ROLLBACK")
    await database.check()
    again = await stores.log.append(draft(talk, ann, client_id="c1"))
    assert (again.message.seq, again.duplicate, len(told)) == (1, False, 1)


async def test_a_full_disk_is_unavailable_stores_nothing_and_tells_nobody(
    database: SqliteDatabase, stores: Stores
) -> None:
    ann, bob = await stored_users(stores.users, "ann", "bob")
    talk = direct(ann, bob)
    await stores.log.append(draft(talk, ann))
    told: list[object] = []
    stores.log.follow(told.append)

    def fill(connection: sqlite3.Connection) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    await database.write(fill)
    small = draft(talk, ann, "small", client_id="small")
    large = [draft(talk, ann, "x" * 4000, client_id=f"c{n}") for n in range(20)]
    outcomes = await asyncio.gather(
        *(stores.log.append(each) for each in [small, *large]), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert told == []

    await database.write(lambda connection: connection.execute("PRAGMA max_page_count = 100000"))
    again = await asyncio.gather(*(stores.log.append(each) for each in [small, *large]))
    assert [each.message.seq for each in again] == list(range(2, 23))
    assert len(told) == 21


# opening


async def test_a_new_file_is_for_its_owner_only(database: SqliteDatabase, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_of_a_newer_version_is_refused_and_left_alone(
    database: SqliteDatabase, path: Path
) -> None:
    await database.write(lambda c: c.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}"))
    await database.close()
    with pytest.raises(DatabaseRefused, match=f"schema version {SCHEMA_VERSION + 1}.*upgrade"):
        await SqliteDatabase.open(path)


async def test_a_file_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    with pytest.raises(DatabaseRefused, match="another program"):
        await SqliteDatabase.open(path)
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_schema").fetchall()
    assert tables == [("recipes",)]


async def test_a_marked_file_of_another_program_is_refused(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 7")
    with pytest.raises(DatabaseRefused, match="another program"):
        await SqliteDatabase.open(path)


@pytest.mark.parametrize("content", [b"this is no database at all, but quite some text" * 99])
async def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DatabaseRefused, match="can't be opened"):
        await SqliteDatabase.open(path)


async def test_a_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseRefused, match="can't be opened"):
        await SqliteDatabase.open(tmp_path / "nowhere" / "chat.db")


async def test_two_processes_may_make_the_file_at_the_same_time(path: Path) -> None:
    databases = await asyncio.gather(*(SqliteDatabase.open(path) for _ in range(5)))
    for database in databases:
        await database.check()
        await database.close()
