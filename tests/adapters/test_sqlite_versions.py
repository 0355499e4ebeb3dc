import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from chat_core import MessageSent, UserId
from chat_core.conversations import (
    MemberDeleted,
    Receipt,
)
from chat_core.ids import MessageId
from chat_core.sessions import RefreshLimits, RefreshUse
from chat_core.testing.makers import (
    alter,
    at,
    draft,
    revise,
)
from chat_sqlite import SCHEMA_VERSION, DatabaseRefused, SqliteDatabase
from chat_sqlite.schema import APPLICATION_ID, MIGRATIONS
from tests.support.stores import sqlite_stores_in


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


async def pragma(database: SqliteDatabase, name: str) -> object:
    def ask(connection: sqlite3.Connection) -> object:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]

    return await database.write(ask)


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
    assert (str(talk.id), set(talk.members), talk.has_ended) == ("c-1", {ann, bob}, False)
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
    assert (login.address, login.user_agent) == (None, None)
    assert not await stores.sessions.knows(ann.id, "192.0.2.1")
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
