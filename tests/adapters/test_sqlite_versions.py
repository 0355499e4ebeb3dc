import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from chat_core import Body, MessageSent, UserId
from chat_core.conversations import (
    MemberDeleted,
    Receipt,
)
from chat_core.errors import ClientIdConflict, RefreshReused, SessionRevoked, TokenInvalid
from chat_core.ids import MessageId
from chat_core.sessions import RefreshLimits, RefreshUse
from chat_core.testing.makers import (
    acting,
    alter,
    at,
    draft,
    revise,
    user,
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


def make_version(number: int, path: Path, rows: str) -> None:
    """A file as that version left it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("".join(MIGRATIONS[:number]) + rows)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {number}")
        connection.commit()


async def test_a_file_of_the_first_version_goes_on_with_all_that_is_in_it(path: Path) -> None:
    make_version(1, path, VERSION_1_ROWS)
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
    assert [(each.seq, each.message.text) for each in entries if type(each) is MessageSent] == [
        (1, "hello"),
        (2, "hi"),
    ]
    users = await stores.users.get([ann, bob])
    assert [users[each].display_name for each in (ann, bob)] == ["Ann", "Bob"]
    await database.close()


async def test_a_file_of_the_first_version_can_be_written_to_in_every_way(path: Path) -> None:
    make_version(1, path, VERSION_1_ROWS)
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
    await database.close()


VERSION_0_1_ROWS = """
INSERT INTO users (pk, id, password_hash, created_at) VALUES
  (1, 'u-ann', 'h', 1000), (2, 'u-bob', 'h', 1000);
INSERT INTO conversations (pk, id, kind, pair, revision, last_seq, active_at, created_at) VALUES
  (1, 'c-1', 'direct', 'u-ann u-bob', 0, 5, 6000, 1000);
INSERT INTO members (conversation_pk, user_pk, role, joined_at, delivered_seq, read_seq) VALUES
  (1, 1, 'member', 1000, 5, 5), (1, 2, 'member', 1000, 5, 5);
INSERT INTO messages (pk, id, conversation_pk, seq, updated_seq, sender_pk, content, client_id,
                      created_at, edited_at, deleted_at, first_digest) VALUES
  (7, 'm-1', 1, 1, 1, 1, 'hello', 'as it was', 2000, NULL, NULL, NULL),
  (9, 'm-2', 1, 2, 4, 1, 'HELLO', 'edited', 3000, 5000, NULL,
   x'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'),
  (8, 'm-3', 1, 3, 5, 1, NULL, 'deleted', 4000, NULL, 6000,
   x'2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824');
INSERT INTO changes (conversation_pk, seq, kind, actor_pk, at, message_pk) VALUES
  (1, 4, 'edited', 1, 5000, 9), (1, 5, 'deleted', 1, 6000, 8);
"""
"""Ann's messages, each first sent as "hello"."""


@pytest.mark.parametrize("client_id", ["as it was", "edited", "deleted"])
async def test_what_version_0_1_stored_is_repeated_by_what_was_sent_first(
    path: Path, client_id: str
) -> None:
    make_version(4, path, VERSION_0_1_ROWS)
    database = await SqliteDatabase.open(path)
    stores = sqlite_stores_in(database)
    ann = user("ann")
    talk = await stores.conversations.direct(UserId("u-ann"), UserId("u-bob"))
    assert talk is not None
    hello = replace(draft(talk, ann, "hello", client_id=client_id), actor=acting(UserId("u-ann")))

    again = await stores.log.append(hello)
    assert (again.duplicate, again.message.client_message_id) == (True, client_id)
    for other in (Body("HELLO"), Body("Hello"), Body("hello", {"part": 1})):
        with pytest.raises(ClientIdConflict):
            await stores.log.append(replace(hello, body=other))
    assert len((await stores.reader.history(talk.id, before=None, after=0, limit=9)).items) == 3
    await database.close()


VERSION_4_ROWS = """
INSERT INTO users (pk, id, password_hash, created_at) VALUES (1, 'u-ann', 'h', 1000);
INSERT INTO sessions (
    pk, id, user_pk, device, created_at, last_seen_at, current_digest, previous_digest, replaced_at
) VALUES (1, 's-1', 1, 'phone', 1000, 3000, x'a3', x'a2', 3000);
INSERT INTO refresh_tokens VALUES (x'a1', 1), (x'a2', 1), (x'a3', 1);
"""
SECOND = timedelta(seconds=1)
THEN = datetime(1970, 1, 1, tzinfo=UTC) + 3 * SECOND
LIMITS = RefreshLimits(timedelta(days=9), timedelta(days=9))


def old_token(number: int, replacement: bytes, seconds: float) -> RefreshUse:
    """One without a family, used that long after the latest refresh by the version before."""
    digest = bytes([0xA0 + number])
    return RefreshUse(b"of %x" % number, digest, replacement, THEN + seconds * SECOND, LIMITS)


async def refresh_rows(database: SqliteDatabase) -> int:
    return int(
        await database.read(
            lambda c: c.execute("SELECT count(*) FROM refresh_tokens").fetchone()[0]
        )
    )


@pytest.fixture
async def with_tokens(path: Path) -> AsyncIterator[SqliteDatabase]:
    """A file as version 4 left it, with a session that was refreshed twice."""
    make_version(4, path, VERSION_4_ROWS)
    database = await SqliteDatabase.open(path)
    yield database
    await database.close()


async def test_a_refresh_token_without_a_family_goes_on_working_and_leaves_no_row(
    with_tokens: SqliteDatabase,
) -> None:
    sessions = sqlite_stores_in(with_tokens).sessions
    login = await sessions.refresh(old_token(3, b"b1", 60))
    assert (login.id, login.user_id, login.device) == ("s-1", "u-ann", "phone")
    assert (login.address, login.user_agent) == (None, None)
    await sessions.refresh(old_token(3, b"b2", 61))  # the answer got lost
    for number in range(2, 20):
        use = replace(old_token(3, b"b%d" % (number + 1), 70 + number), presented=b"b%d" % number)
        await sessions.refresh(use)
    assert await refresh_rows(with_tokens) == 3

    with pytest.raises(RefreshReused) as caught:
        await sessions.refresh(replace(old_token(3, b"c", 99), presented=b"b1"))
    assert caught.value.session_id == login.id
    with pytest.raises(SessionRevoked):
        await sessions.refresh(old_token(1, b"c", 99))


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_refresh_token_without_a_family_is_recognised_after_its_use(
    with_tokens: SqliteDatabase, number: int
) -> None:
    sessions = sqlite_stores_in(with_tokens).sessions
    await sessions.refresh(old_token(3, b"b", 60))
    with pytest.raises(RefreshReused):
        await sessions.refresh(old_token(number, b"c", 71))
    with pytest.raises(SessionRevoked):
        await sessions.refresh(replace(old_token(3, b"c", 72), presented=b"b"))


async def test_an_answer_that_the_version_before_lost_can_be_asked_for_again(
    with_tokens: SqliteDatabase,
) -> None:
    sessions = sqlite_stores_in(with_tokens).sessions
    await sessions.refresh(old_token(2, b"b1", 9))
    await sessions.refresh(old_token(2, b"b2", 10))
    await sessions.refresh(replace(old_token(2, b"b3", 11), presented=b"b2"))
    with pytest.raises(RefreshReused):  # the answer that was lost
        await sessions.refresh(old_token(3, b"c", 12))


async def test_the_tokens_of_a_session_from_before_are_forgotten_with_it(
    with_tokens: SqliteDatabase,
) -> None:
    sessions = sqlite_stores_in(with_tokens).sessions
    await sessions.refresh(old_token(3, b"b", 60))
    assert not await sessions.knows(UserId("u-ann"), "192.0.2.1")
    assert await sessions.purge(THEN + 70 * SECOND, limit=9) == 1
    assert await refresh_rows(with_tokens) == 0
    with pytest.raises(TokenInvalid):
        await sessions.refresh(old_token(3, b"c", 80))


async def test_a_step_that_fails_leaves_the_file_at_its_version(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_version(1, path, VERSION_1_ROWS)
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
