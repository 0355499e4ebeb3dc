"""The schema of the database file, and the migrations from every earlier version.

Times are whole milliseconds since 1970 in UTC. Users and conversations have small integer keys in
addition to their ids, because the many messages refer to them.
"""

import sqlite3

from chat_core.ports.maintenance import DatabaseRefused

APPLICATION_ID = 0x63686174
"""Marks a file as ours (`PRAGMA application_id`): "chat" in ASCII."""

_VERSION_1 = """
CREATE TABLE users (
    pk INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    username TEXT,
    username_key TEXT,
    display_name TEXT,
    display_key TEXT,
    email TEXT,
    email_key TEXT UNIQUE,
    password_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    deleted_at INTEGER,
    last_seen_at INTEGER
) STRICT;
CREATE UNIQUE INDEX users_by_username ON users (username_key);
CREATE INDEX users_by_display_name ON users (display_key, id);

CREATE TABLE sessions (
    pk INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    user_pk INTEGER NOT NULL REFERENCES users (pk),
    device TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    refresh_digest BLOB NOT NULL
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_pk);

CREATE TABLE conversations (
    pk INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('direct', 'group')),
    title TEXT,
    pair TEXT UNIQUE,  -- direct: both user ids in order, with a space between
    revision INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE members (
    conversation_pk INTEGER NOT NULL REFERENCES conversations (pk),
    user_pk INTEGER NOT NULL REFERENCES users (pk),
    role TEXT NOT NULL CHECK (role IN ('member', 'admin', 'owner')),
    joined_at INTEGER NOT NULL,
    delivered_seq INTEGER NOT NULL,
    read_seq INTEGER NOT NULL,
    PRIMARY KEY (conversation_pk, user_pk)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_user ON members (user_pk, conversation_pk);

CREATE TABLE messages (
    pk INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    conversation_pk INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    updated_seq INTEGER NOT NULL,
    sender_pk INTEGER NOT NULL,
    content TEXT,
    client_id TEXT,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    deleted_at INTEGER
) STRICT;
CREATE UNIQUE INDEX messages_by_place ON messages (conversation_pk, seq);
CREATE UNIQUE INDEX messages_by_client_id ON messages (sender_pk, client_id)
    WHERE client_id IS NOT NULL;
"""

_VERSION_2 = """
ALTER TABLE sessions RENAME COLUMN refresh_digest TO current_digest;
ALTER TABLE sessions ADD COLUMN previous_digest BLOB;
ALTER TABLE sessions ADD COLUMN replaced_at INTEGER;
ALTER TABLE sessions ADD COLUMN ended_at INTEGER;
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE refresh_tokens (
    digest BLOB PRIMARY KEY,
    session_pk INTEGER NOT NULL REFERENCES sessions (pk)
) STRICT, WITHOUT ROWID;
INSERT INTO refresh_tokens SELECT current_digest, pk FROM sessions;

ALTER TABLE conversations ADD COLUMN creator_pk INTEGER;
ALTER TABLE conversations ADD COLUMN client_id TEXT;
CREATE UNIQUE INDEX conversations_by_client_id ON conversations (creator_pk, client_id)
    WHERE client_id IS NOT NULL;

ALTER TABLE members ADD COLUMN removed_seq INTEGER;  -- NULL: is a member
ALTER TABLE members ADD COLUMN is_gone INTEGER NOT NULL DEFAULT 0;  -- direct: the account is gone

ALTER TABLE messages ADD COLUMN first_digest BLOB;  -- of what was first sent, once it was revised

CREATE TABLE changes (
    conversation_pk INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    actor_pk INTEGER NOT NULL,
    at INTEGER NOT NULL,
    message_pk INTEGER,  -- edits and deletions
    user_pk INTEGER,
    role TEXT,
    title TEXT,
    members TEXT,  -- creations: a JSON list of [user id, role]
    PRIMARY KEY (conversation_pk, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX changes_by_message ON changes (message_pk, seq) WHERE message_pk IS NOT NULL;

CREATE TABLE blocks (
    user_pk INTEGER NOT NULL REFERENCES users (pk),
    other_pk INTEGER NOT NULL REFERENCES users (pk),
    blocked_at INTEGER NOT NULL,
    PRIMARY KEY (user_pk, other_pk)
) STRICT, WITHOUT ROWID;
"""

_VERSION_3 = """
ALTER TABLE users ADD COLUMN disabled_at INTEGER;
"""

_VERSION_4 = """
ALTER TABLE conversations ADD COLUMN first_seq INTEGER NOT NULL DEFAULT 1;

CREATE INDEX sessions_by_seen ON sessions (last_seen_at);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_pk);
"""

_VERSION_5 = """
ALTER TABLE users ADD COLUMN password_change_required INTEGER NOT NULL DEFAULT 0;

ALTER TABLE sessions ADD COLUMN address TEXT;
ALTER TABLE sessions ADD COLUMN network TEXT;  -- that the address counts in: of IPv6 the /64
ALTER TABLE sessions ADD COLUMN user_agent TEXT;
CREATE INDEX sessions_by_network ON sessions (user_pk, network);
DROP INDEX sessions_by_user;
CREATE INDEX sessions_that_last ON sessions (user_pk, last_seen_at) WHERE ended_at IS NULL;

-- Of what all refresh tokens of the session share. NULL: they are rows of refresh_tokens, to which
-- none are added any more.
ALTER TABLE sessions ADD COLUMN family_digest BLOB;
CREATE UNIQUE INDEX sessions_by_family ON sessions (family_digest) WHERE family_digest IS NOT NULL;
"""

_VERSION_6 = """
ALTER TABLE messages ADD COLUMN more TEXT;  -- of the body, beside its text in content

-- The places of all entries count up together: a message's is its pk, a change's this. NULL: from
-- before there were places.
ALTER TABLE changes ADD COLUMN place INTEGER;
CREATE UNIQUE INDEX changes_by_place ON changes (place) WHERE place IS NOT NULL;

CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

MIGRATIONS = (_VERSION_1, _VERSION_2, _VERSION_3, _VERSION_4, _VERSION_5, _VERSION_6)
"""The script at index n upgrades a file from version n to version n + 1."""

SCHEMA_VERSION = len(MIGRATIONS)


def migrate(connection: sqlite3.Connection) -> None:
    """Upgrade the file to the current schema, in one transaction, in one process at a time.

    Raises `DatabaseRefused` if the file belongs to a newer version or to another program.
    """
    if _version(connection) == SCHEMA_VERSION:
        return
    # Another process may be migrating. Inside the lock, all of its changes are visible, or none.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in range(file_version(connection), SCHEMA_VERSION):
            for statement in statements(MIGRATIONS[step]):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def file_version(connection: sqlite3.Connection) -> int:
    """Return the version of the file's schema, or 0 for an empty file.

    Raises `DatabaseRefused` if the file belongs to a newer version or to another program.
    """
    version = _version(connection)
    if version == 0 and _has_tables(connection):
        raise DatabaseRefused(
            "The database file belongs to another program; use another file in DATABASE_URL."
        )
    return version


def _version(connection: sqlite3.Connection) -> int:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application_id not in (0, APPLICATION_ID):
        raise DatabaseRefused(
            "The database file belongs to another program; use another file in DATABASE_URL."
        )
    if application_id == 0:
        return 0
    if version > SCHEMA_VERSION:
        raise DatabaseRefused(
            f"The database has schema version {version}, but this version of chat-core supports "
            f"only versions up to {SCHEMA_VERSION}; upgrade chat-core, or restore an older backup."
        )
    return int(version)


def _has_tables(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is not None


def statements(script: str) -> list[str]:
    """Split a migration script into its statements."""
    found, statement = [], ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            found.append(statement)
            statement = ""
    return found
