"""Descriptions of schema migrations, found by applying them to an empty copy in memory."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from chat_sqlite.schema import MIGRATIONS, SCHEMA_VERSION, statements


def changes(connection: sqlite3.Connection, version: int) -> Iterator[str]:
    """Yield a description of each migration from that version on."""
    if version == 0:
        yield f"creates the schema, version {SCHEMA_VERSION}"
        return
    with closing(_empty_copy(connection)) as copy:
        before = _parts(copy)
        for step in range(version, SCHEMA_VERSION):
            _apply(copy, step)
            after = _parts(copy)
            done = [
                *_added(before, after),
                *(f"drops {each}" for each in before if each not in after),
            ]
            yield f"upgrades the schema from version {step} to {step + 1}: {', '.join(done)}"
            before = after


def missing_parts(connection: sqlite3.Connection) -> list[str]:
    """Return the tables, columns and indexes that an up-to-date file has and this one lacks."""
    with closing(sqlite3.connect(":memory:")) as made:
        for step in range(SCHEMA_VERSION):
            _apply(made, step)
        there = set(_parts(connection))
        return [part for part in _parts(made) if part not in there]


def _added(before: list[str], after: list[str]) -> Iterator[str]:
    new = [part for part in after if part not in before]
    for part in new:
        kind, _, name = part.partition(" ")
        if kind != "column" or f"table {name.partition('.')[0]}" not in new:
            yield f"adds {part}"


def _parts(connection: sqlite3.Connection) -> list[str]:
    """Return the names of tables, their columns, and indexes."""
    found = []
    for kind, name in connection.execute(
        "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%' ORDER BY type, name"
    ).fetchall():
        found.append(f"{kind} {name}")
        if kind == "table":
            columns = connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
            found += [f"column {name}.{column}" for (column,) in columns]
    return found


def _empty_copy(connection: sqlite3.Connection) -> sqlite3.Connection:
    copy = sqlite3.connect(":memory:", isolation_level=None)
    rows = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'"
        " ORDER BY type = 'index'"
    )
    for (made_by,) in rows.fetchall():
        copy.execute(made_by)
    return copy


def _apply(connection: sqlite3.Connection, step: int) -> None:
    for statement in statements(MIGRATIONS[step]):
        connection.execute(statement)
