import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from chat_core import ConversationId, MessageSent, ProfileChange, Role, Session, User, UserId
from chat_core.conversations import (
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    Receipt,
    RoleChanged,
    TitleChanged,
)
from chat_core.errors import RefreshReused, Unavailable, UsernameTaken
from chat_core.ids import MessageId
from chat_core.sessions import RefreshLimits, RefreshUse
from chat_core.testing.makers import (
    alter,
    at,
    creation,
    direct,
    draft,
    group,
    revise,
    say,
    session,
    stored_users,
    user,
)
from chat_sqlite import SCHEMA_VERSION, DatabaseRefused, SqliteDatabase
from chat_sqlite.schema import APPLICATION_ID, MIGRATIONS
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

    await asyncio.gather(*(stores.log.append(draft(talk, ann)) for _ in range(50)))

    assert seen.count("BEGIN IMMEDIATE") == 1


async def test_a_refused_write_undoes_nothing_of_those_that_share_its_transaction(
    database: SqliteDatabase, stores: Stores
) -> None:
    ann, bob = await stored_users(stores.users, "ann", "bob")
    seen = await database.write(statements)

    cyd = user("cyd")
    outcomes = await asyncio.gather(
        stores.users.add(cyd, "hash"),
        stores.users.add(user("ANN"), "hash"),
        stores.log.append(draft(direct(ann, bob), ann)),
        return_exceptions=True,
    )

    assert seen.count("BEGIN IMMEDIATE") == 1
    assert isinstance(outcomes[1], UsernameTaken)
    assert await stores.users.get([cyd.id]) == {cyd.id: cyd}
    assert len((await stores.conversations.overviews(ann.id, after=None, limit=9)).items) == 1


async def test_everything_is_there_when_the_file_is_opened_again(path: Path) -> None:
    first = await SqliteDatabase.open(path)
    stores = sqlite_stores_in(first)
    ann, bob = await stored_users(stores.users, "ann", "bob")
    login = session(ann)
    await stores.sessions.add(login, b"digest")
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
    assert [each.message.seq for each in again] == list(range(1, 22))
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


# versions


VERSION_1_ROWS = """
INSERT INTO users VALUES
  (1, 'u-ann', 'Ann', 'ann', 'Ann', 'ann', 'ann@a.org', 'ann@a.org', 'h', 1000, NULL, 2000),
  (2, 'u-bob', 'bob', 'bob', 'Bob', 'bob', NULL, NULL, 'h', 1000, NULL, NULL);
INSERT INTO sessions VALUES (1, 's-1', 1, 'phone', 1000, 1500, x'ab');
INSERT INTO conversations VALUES
  (1, 'c-1', 'direct', NULL, 'u-ann u-bob', 0, 2, 3000, 1000);
INSERT INTO members VALUES (1, 1, 'member', 1000, 1, 1), (1, 2, 'member', 1000, 2, 2);
INSERT INTO messages VALUES
  (1, 'm-1', 1, 1, 1, 1, 'hello', 'c1', 2000, NULL, NULL),
  (2, 'm-2', 1, 2, 2, 2, 'hi', NULL, 3000, NULL, NULL);
"""


def make_version_1(path: Path) -> None:
    """A file as the first version left it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(MIGRATIONS[0] + VERSION_1_ROWS)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()


async def test_a_file_of_the_first_version_goes_on_with_all_that_is_in_it(path: Path) -> None:
    make_version_1(path)
    database = await SqliteDatabase.open(path)
    stores = sqlite_stores_in(database)
    ann, bob = UserId("u-ann"), UserId("u-bob")
    talk = await stores.conversations.direct(ann, bob)
    assert talk is not None
    overview = await stores.conversations.overview(ann, talk.id)
    entries = await stores.reader.entries(talk.id, after=0, until=9, limit=9)

    assert await pragma(database, "user_version") == SCHEMA_VERSION
    assert (talk.id, talk.members.keys(), talk.has_ended) == ("c-1", {ann, bob}, False)
    assert overview is not None
    assert overview.standing.last_seq == 2
    assert set(overview.standing.receipts) == {Receipt(ann, 1, 1), Receipt(bob, 2, 2)}
    assert [(each.seq, each.message.content) for each in entries if type(each) is MessageSent] == [
        (1, "hello"),
        (2, "hi"),
    ]
    users = await stores.users.get([ann, bob])
    assert [users[each].display_name for each in (ann, bob)] == ["Ann", "Bob"]
    await database.close()


async def test_a_file_of_the_first_version_can_be_written_to_in_every_way(path: Path) -> None:
    make_version_1(path)
    database = await SqliteDatabase.open(path)
    stores = sqlite_stores_in(database)
    ann = (await stores.users.get([UserId("u-ann")]))[UserId("u-ann")]
    talk = await stores.conversations.direct(ann.id, UserId("u-bob"))
    assert talk is not None
    first = await stores.reader.message(MessageId("m-1"))
    assert first is not None

    again = await stores.log.append(draft(talk, ann, "hello", client_id="c1"))
    assert (again.message, again.duplicate) == (first, True)
    edited = await revise(stores.log, talk, first, "Hello", when=at(1))
    assert edited.seq == 3
    again = await stores.log.append(draft(talk, ann, "hello", client_id="c1"))
    assert (again.message, again.duplicate) == (edited.message, True)
    await alter(stores.log, talk, MemberDeleted(ann.id))
    limits = RefreshLimits(timedelta(days=1_000_000), timedelta(days=1_000_000))
    login = await stores.sessions.refresh(RefreshUse(b"\xab", b"new", at(0), limits))
    assert (login.id, login.user_id, login.device) == ("s-1", ann.id, "phone")
    await database.close()


async def test_a_step_that_fails_leaves_the_file_at_its_version(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_version_1(path)
    half = "CREATE TABLE half (x);\nINSERT INTO nowhere VALUES (1);\n"
    with monkeypatch.context() as patch:
        patch.setattr("chat_sqlite.schema.MIGRATIONS", (MIGRATIONS[0], half))
        with pytest.raises(DatabaseRefused):
            await SqliteDatabase.open(path)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
    database = await SqliteDatabase.open(path)
    assert await pragma(database, "user_version") == SCHEMA_VERSION
    await database.close()


# plans


def full_scans(connection: sqlite3.Connection, statement: str) -> list[str]:
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}")]
    scans = [step for step in plan if step.startswith("SCAN")]
    return [scan for scan in scans if "USING" not in scan and "(" not in scan]


async def test_every_query_has_its_index(
    database: SqliteDatabase, stores: Stores, path: Path
) -> None:
    ann, bob, eve = await stored_users(stores.users, "ann", "bob", "eve")
    login = session(ann)
    seen = await database.write(statements)
    # Each of its reading threads has a connection of its own.
    readers = [await database.read(statements) for _ in range(8)]

    await use_users(stores, ann, bob)
    await use_sessions(stores, login)
    said = await stores.log.append(draft(direct(ann, bob), ann, client_id="c1"))
    await stores.log.append(draft(direct(ann, bob), ann, client_id="c1"))
    await use_conversations(stores, said.message.conversation_id, ann, bob)
    await use_a_group(stores, [ann, bob, eve])
    await stores.blocks.block(ann.id, bob.id, at(1))
    await stores.blocks.between(bob.id, ann.id)
    await stores.blocks.blocked_by(ann.id, after=bob.id, limit=5)
    await stores.blocks.unblock(ann.id, bob.id)
    await stores.users.erase(eve.id, at(9))

    asked = [*seen, *(statement for reader in readers for statement in reader)]
    verbs = ("SELECT", "UPDATE", "DELETE", "INSERT INTO blocks", "WITH")
    asked = [each for each in asked if each.lstrip().startswith(verbs)]
    assert len(set(asked)) > 50
    with closing(sqlite3.connect(path)) as connection:
        assert full_scans(connection, "SELECT * FROM users WHERE email = 'a@b'") == ["SCAN users"]
        assert {each: scans for each in asked if (scans := full_scans(connection, each))} == {}


async def use_users(stores: Stores, ann: User, bob: User) -> None:
    await stores.users.get([ann.id])
    await stores.users.credentials("bob")
    await stores.users.search("a", without=bob.id, after=None, limit=5)
    await stores.users.search("", without=bob.id, after=None, limit=5)
    await stores.users.saw({ann.id: at(1)})
    await stores.users.update(ann.id, ProfileChange("Ann", "ann@example.org"))
    await stores.users.set_password_hash(ann.id, "another")


async def use_sessions(stores: Stores, login: Session) -> None:
    limits = RefreshLimits(timedelta(days=1), timedelta(days=1))
    await stores.sessions.add(login, b"digest")
    await stores.sessions.get(login.id)
    await stores.sessions.relabel(login.id, "tablet")
    await stores.sessions.refresh(RefreshUse(b"digest", b"new", at(1), limits))
    await stores.sessions.of_user(login.user_id)
    await stores.sessions.ended_since(at(0))
    with pytest.raises(RefreshReused):
        await stores.sessions.refresh(RefreshUse(b"digest", b"newer", at(60), limits))
    await stores.sessions.end([login.id], at(61))


async def use_conversations(stores: Stores, of: ConversationId, ann: User, bob: User) -> None:
    await stores.log.open_direct(direct(ann, bob))
    await stores.conversations.get(of)
    await stores.conversations.direct(ann.id, bob.id)
    await stores.conversations.overview(ann.id, of)
    await stores.conversations.overviews(ann.id, after=None, limit=5)
    await stores.conversations.peers([ann.id])
    await stores.reader.history(of, before=5, after=None, limit=5)
    await stores.reader.history(of, before=None, after=0, limit=5)
    await stores.receipts.move(of, bob.id, delivered=1, read=1)


async def use_a_group(stores: Stores, people: list[User]) -> None:
    ann, bob, eve = people
    wanted = group(ann, bob)
    await stores.log.append(creation(wanted, ann, client_id="g1"))
    await stores.log.append(creation(group(ann, bob), ann, client_id="g1"))
    sending = draft(wanted, bob, "one", client_id="b1")
    one = (await stores.log.append(sending)).message
    await stores.log.repeated(sending)
    edited = await revise(stores.log, wanted, one, "One")
    (two,) = await say(stores.log, wanted, bob, "two")
    await revise(stores.log, wanted, two, None)
    await stores.log.append(draft(wanted, bob, "three", client_id="b3"))
    await alter(
        stores.log,
        wanted,
        TitleChanged("New"),
        MemberAdded(eve.id, Role.MEMBER),
        RoleChanged(eve.id, Role.ADMIN),
        MemberRemoved(eve.id),
        MemberDeleted(bob.id),
    )
    await stores.reader.message(edited.message.id)
    await stores.reader.entries(wanted.id, after=0, until=99, limit=99)
    await stores.reader.entries(wanted.id, after=0, until=3, limit=99)
    for user in (ann, eve):
        await stores.reader.standing(user.id, wanted.id)
