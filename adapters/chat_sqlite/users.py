"""Accounts in SQLite."""

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chat_core.errors import EmailTaken, NotFound, UsernameTaken
from chat_core.ids import UserId
from chat_core.pages import Page
from chat_core.ports.storage import AccountStore, UserStore
from chat_core.users import MAX_DISPLAY_NAME, Credentials, NamePlace, ProfileChange, User, fold
from chat_sqlite.database import SqliteDatabase
from chat_sqlite.rows import from_ms, maybe_from_ms, maybe_to_ms, to_ms

_COLUMNS = (
    "id, username, display_name, email, password_change_required, created_at, deleted_at,"
    " last_seen_at, disabled_at"
)

_KEYS = {"display_name": "display_key", "email": "email_key"}
"""Maps each column of a profile to the column with its folded form."""

_AFTER_ALL = "\U0010ffff" * MAX_DISPLAY_NAME
"""Sorts after every possible continuation of a name."""

_BY_USERNAME = f"""
SELECT username_key AS key, {_COLUMNS} FROM users
WHERE username_key >= :begin AND username_key < :high
AND (username_key, id) > (:begin, :id) AND id != :without
ORDER BY username_key LIMIT :limit
"""
_BY_DISPLAY_NAME = f"""
SELECT display_key AS key, {_COLUMNS} FROM users
WHERE display_key >= :begin AND display_key <= :end
AND (display_key, id) > (:begin, :id) AND id != :without
AND NOT (username_key >= :low AND username_key < :high)
ORDER BY display_key, id LIMIT :limit
"""


@dataclass(frozen=True, slots=True)
class SqliteUserStore(UserStore, AccountStore):
    """Accounts in one table. Names and addresses are indexed in folded form."""

    database: SqliteDatabase

    async def add(self, user: User, password_hash: str) -> None:
        """See `UserStore.add`."""

        def insert(connection: sqlite3.Connection) -> None:
            try:
                connection.execute(
                    "INSERT INTO users (id, username, username_key, display_name, display_key,"
                    " email, email_key, password_hash, created_at, deleted_at, last_seen_at,"
                    " disabled_at, password_change_required)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        user.id,
                        user.username,
                        _key(user.username),
                        user.display_name,
                        _key(user.display_name),
                        user.email,
                        _key(user.email),
                        password_hash,
                        to_ms(user.created_at),
                        maybe_to_ms(user.deleted_at),
                        maybe_to_ms(user.last_seen_at),
                        maybe_to_ms(user.disabled_at),
                        user.password_change_required,
                    ),
                )
            except sqlite3.IntegrityError as error:
                raise _taken(error) from error

        await self.database.write(insert)

    async def get(self, ids: Collection[UserId]) -> Mapping[UserId, User]:
        """See `UserStore.get`."""

        def select(connection: sqlite3.Connection) -> dict[UserId, User]:
            found = {}
            for user_id in set(ids):
                row = connection.execute(
                    f"SELECT {_COLUMNS} FROM users WHERE id = ?",
                    (user_id,),
                ).fetchone()
                if row is not None:
                    found[user_id] = _user(row)
            return found

        return await self.database.read(select)

    async def credentials(self, login: str) -> Credentials | None:
        """See `UserStore.credentials`."""

        def select(connection: sqlite3.Connection) -> Credentials | None:
            for column in ("username_key", "email_key"):
                row = connection.execute(
                    f"SELECT {_COLUMNS}, password_hash FROM users WHERE {column} = ?",
                    (fold(login),),
                ).fetchone()
                if row is not None:
                    return Credentials(_user(row[:-1]), row[-1])
            return None

        return await self.database.read(select)

    async def update(self, user_id: UserId, change: ProfileChange) -> User:
        """See `UserStore.update`."""
        columns: dict[str, str | None] = {}
        for name, value in change.given().items():
            columns |= {name: value, _KEYS[name]: _key(value)}
        assigned = ", ".join(f"{column} = :{column}" for column in columns) or "id = id"

        def update(connection: sqlite3.Connection) -> User:
            try:
                row = connection.execute(
                    f"UPDATE users SET {assigned}"
                    f" WHERE id = :id AND deleted_at IS NULL RETURNING {_COLUMNS}",
                    {"id": user_id, **columns},
                ).fetchone()
            except sqlite3.IntegrityError as error:
                raise _taken(error) from error
            if row is None:
                raise NotFound
            return _user(row)

        return await self.database.write(update)

    async def search(
        self, prefix: str, *, without: UserId, after: NamePlace | None, limit: int
    ) -> Page[User, NamePlace]:
        """See `UserStore.search`."""
        low = fold(prefix)
        values = {
            "low": low,
            "high": low + _AFTER_ALL,
            "begin": after.key if after else low,
            "id": after.user_id if after else "",
            "without": without,
            "limit": limit + 1,
        }

        def select(connection: sqlite3.Connection) -> Page[User, NamePlace]:
            rows = connection.execute(_BY_USERNAME, values).fetchall()
            if low:
                # Matches after a full page are not needed, and a great many users could match by
                # both names and be skipped one by one.
                values["end"] = rows[-1][0] if len(rows) > limit else values["high"]
                rows += connection.execute(_BY_DISPLAY_NAME, values).fetchall()
                rows.sort(key=lambda row: row[:2])
            found, more = rows[:limit], len(rows) > limit
            users = [_user(row[1:]) for row in found]
            return Page(users, NamePlace(found[-1][0], users[-1].id) if more else None)

        return await self.database.read_at_once(select)

    async def saw(self, seen: Mapping[UserId, datetime]) -> None:
        """See `UserStore.saw`."""

        def update(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "UPDATE users SET last_seen_at = ?1"
                " WHERE id = ?2 AND deleted_at IS NULL"
                " AND (last_seen_at IS NULL OR last_seen_at < ?1)",
                [(to_ms(at), user_id) for user_id, at in seen.items()],
            )

        await self.database.write(update)

    async def set_password_hash(
        self,
        user_id: UserId,
        password_hash: str,
        *,
        instead_of: str | None = None,
        change_required: bool | None = None,
    ) -> None:
        """See `UserStore.set_password_hash`."""

        def update(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE users SET password_hash = ?1,"
                " password_change_required = coalesce(?4, password_change_required)"
                " WHERE id = ?2 AND deleted_at IS NULL AND (?3 IS NULL OR password_hash = ?3)",
                (password_hash, user_id, instead_of, change_required),
            )

        await self.database.write(update)

    async def erase(self, user_id: UserId, at: datetime) -> User:
        """See `UserStore.erase`."""

        def update(connection: sqlite3.Connection) -> User:
            row = connection.execute(
                "UPDATE users SET username = NULL, username_key = NULL, display_name = NULL,"
                " display_key = NULL, email = NULL, email_key = NULL, password_hash = '',"
                " password_change_required = 0, last_seen_at = NULL, disabled_at = NULL,"
                " deleted_at = ?"
                f" WHERE id = ? AND deleted_at IS NULL RETURNING {_COLUMNS}",
                (to_ms(at), user_id),
            ).fetchone()
            if row is None:
                raise NotFound
            return _user(row)

        return await self.database.write(update)

    async def accounts(self, *, after: UserId | None, limit: int) -> Page[User, UserId]:
        """See `AccountStore.accounts`."""

        def select(connection: sqlite3.Connection) -> Page[User, UserId]:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM users WHERE id > ? ORDER BY id LIMIT ?",
                (after or "", limit + 1),
            ).fetchall()
            users = [_user(row) for row in rows[:limit]]
            return Page(users, users[-1].id if len(rows) > limit else None)

        return await self.database.read(select)

    async def disable(self, user_id: UserId, at: datetime) -> User:
        """See `AccountStore.disable`."""
        return await self._set_disabled(user_id, "coalesce(disabled_at, ?)", to_ms(at))

    async def enable(self, user_id: UserId) -> User:
        """See `AccountStore.enable`."""
        return await self._set_disabled(user_id, "?", None)

    async def _set_disabled(self, user_id: UserId, value: str, at: int | None) -> User:
        def update(connection: sqlite3.Connection) -> User:
            row = connection.execute(
                f"UPDATE users SET disabled_at = {value}"
                f" WHERE id = ? AND deleted_at IS NULL RETURNING {_COLUMNS}",
                (at, user_id),
            ).fetchone()
            if row is None:
                raise NotFound
            return _user(row)

        return await self.database.write(update)


def _key(name: str | None) -> str | None:
    return None if name is None else fold(name)


def _taken(error: sqlite3.IntegrityError) -> Exception:
    if "users.username_key" in str(error):
        return UsernameTaken()
    if "users.email_key" in str(error):
        return EmailTaken()
    return error


def _user(row: tuple[Any, ...]) -> User:
    id_, username, display_name, email, change_required, *times = row
    created_at, deleted_at, last_seen_at, disabled_at = times
    return User(
        id=UserId(id_),
        username=username,
        display_name=display_name,
        email=email,
        created_at=from_ms(created_at),
        deleted_at=maybe_from_ms(deleted_at),
        last_seen_at=maybe_from_ms(last_seen_at),
        disabled_at=maybe_from_ms(disabled_at),
        password_change_required=bool(change_required),
    )
