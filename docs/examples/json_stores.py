"""A storage adapter of your own: accounts and blocks in two plain JSON files.

It is good for a handful of users and for files that you can read and repair by hand. It also shows
what an adapter takes. Each write replaces the whole file, and is on disk before the call returns.
So after a crash, a write is there completely or not at all. Only one process may use a file.

`test_json_stores.py` next to it runs the suites of chat-core over it.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from chat_core import Credentials, NamePlace, Page, ProfileChange, User, UserId, fold
from chat_core.errors import EmailTaken, NotFound, Unavailable, UsernameTaken
from chat_core.ports import BlockStore, UserStore

Row = dict[str, Any]
Rows = dict[str, Row]


@dataclass(slots=True)
class JsonFile:
    """A file of rows by key."""

    path: Path
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def read(self) -> Rows:
        """Return the rows; none if there is no file. Raises `Unavailable`."""
        return await asyncio.to_thread(self._read)

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Rows]:
        """Yield the rows to change, to one caller at a time, and write them afterwards.

        An exception in between writes nothing. Raises `Unavailable`.
        """
        async with self._lock:
            rows = await self.read()
            yield rows
            writing = asyncio.ensure_future(asyncio.to_thread(self._write, rows))
            try:
                await asyncio.shield(writing)
            finally:
                await asyncio.wait([writing])  # a cancelled caller keeps the lock until then

    def _read(self) -> Rows:
        try:
            rows: Rows = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise Unavailable from error
        return rows

    def _write(self, rows: Rows) -> None:
        written = self.path.with_suffix(".new")
        try:
            with written.open("w", encoding="utf-8") as file:
                json.dump(rows, file, indent=2)
                file.flush()
                os.fsync(file.fileno())
            written.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # otherwise a crash may lose the new name
            finally:
                os.close(folder)
        except OSError as error:
            raise Unavailable from error


# ---------------------------------------------------------------------------------------- accounts
@dataclass(frozen=True, slots=True)
class JsonUserStore(UserStore):
    """Accounts by their ids: the fields of `User`, and the hash of the password."""

    file: JsonFile

    async def get(self, ids: Collection[UserId]) -> Mapping[UserId, User]:
        rows = await self.file.read()
        return {each: _user(rows[each]) for each in ids if each in rows}

    async def saw(self, seen: Mapping[UserId, datetime]) -> None:
        async with self.file.change() as rows:
            for user_id, at in seen.items():
                user = _live(rows, user_id)
                if user is not None and (user.last_seen_at is None or user.last_seen_at < at):
                    rows[user_id]["last_seen_at"] = at.isoformat()

    async def add(self, user: User, password_hash: str) -> None:
        async with self.file.change() as rows:
            if any(_is(user.username, each.username) for each in map(_user, rows.values())):
                raise UsernameTaken
            _check_email(rows, user)
            rows[user.id] = _row(user, password_hash)

    async def credentials(self, login: str) -> Credentials | None:
        for row in (await self.file.read()).values():
            user = _user(row)
            if _is(login, user.username) or _is(login, user.email):
                return Credentials(user, row["password_hash"])
        return None

    async def update(self, user_id: UserId, change: ProfileChange) -> User:
        async with self.file.change() as rows:
            user = _live(rows, user_id)
            if user is None:
                raise NotFound
            changed = change.applied(user)
            _check_email(rows, changed)
            rows[user_id] = _row(changed, rows[user_id]["password_hash"])
            return changed

    async def search(
        self, prefix: str, *, without: UserId, after: NamePlace | None, limit: int
    ) -> Page[User, NamePlace]:
        users = map(_user, (await self.file.read()).values())
        found = [
            (NamePlace(name, user.id), user)
            for user in users
            if user.id != without and (name := _matched(user, fold(prefix))) is not None
        ]
        # The order of UTF-8 is the order of code points.
        found.sort(key=lambda each: _order(each[0]))
        if after is not None:
            found = [each for each in found if _order(each[0]) > _order(after)]
        page = found[:limit]
        return Page([user for _, user in page], page[-1][0] if len(found) > limit else None)

    async def set_password_hash(
        self,
        user_id: UserId,
        password_hash: str,
        *,
        instead_of: str | None = None,
        change_required: bool | None = None,
    ) -> None:
        async with self.file.change() as rows:
            user = _live(rows, user_id)
            if user is None or instead_of not in {None, rows[user_id]["password_hash"]}:
                return
            if change_required is not None:
                user = replace(user, password_change_required=change_required)
            rows[user_id] = _row(user, password_hash)

    async def erase(self, user_id: UserId, at: datetime) -> User:
        async with self.file.change() as rows:
            user = _live(rows, user_id)
            if user is None:
                raise NotFound
            erased = User(user.id, None, None, None, user.created_at, deleted_at=at)
            rows[user_id] = _row(erased, "")
            return erased


def _row(user: User, password_hash: str) -> Row:
    times = {
        name: value.isoformat()
        for name, value in asdict(user).items()
        if isinstance(value, datetime)
    }
    return {**asdict(user), **times, "password_hash": password_hash}


def _user(row: Row) -> User:
    times = {
        name: row[name] and datetime.fromisoformat(row[name])
        for name in ("created_at", "deleted_at", "last_seen_at")
    }
    return User(
        UserId(row["id"]),
        row["username"],
        row["display_name"],
        row["email"],
        password_change_required=row["password_change_required"],
        **times,
    )


def _live(rows: Rows, user_id: UserId) -> User | None:
    """Return the account, or None if it is unknown or erased."""
    user = _user(rows[user_id]) if user_id in rows else None
    return user if user is not None and user.deleted_at is None else None


def _is(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and fold(one) == fold(other)


def _check_email(rows: Rows, user: User) -> None:
    others = (_user(row) for user_id, row in rows.items() if user_id != user.id)
    if any(_is(user.email, other.email) for other in others):
        raise EmailTaken


def _matched(user: User, prefix: str) -> str | None:
    """Return the folded name that matches the prefix, or None."""
    names = (fold(name) for name in (user.username, user.display_name) if name is not None)
    return next((name for name in names if name.startswith(prefix)), None)


def _order(place: NamePlace) -> tuple[bytes, str]:
    return place.key.encode(), place.user_id


# ------------------------------------------------------------------------------------------ blocks
@dataclass(frozen=True, slots=True)
class JsonBlockStore(BlockStore):
    """For each user, the users they have blocked, and when."""

    file: JsonFile

    async def block(self, user_id: UserId, other_id: UserId, at: datetime) -> None:
        async with self.file.change() as rows:
            rows.setdefault(user_id, {}).setdefault(other_id, at.isoformat())

    async def unblock(self, user_id: UserId, other_id: UserId) -> None:
        async with self.file.change() as rows:
            rows.get(user_id, {}).pop(other_id, None)

    async def between(self, one: UserId, other: UserId) -> bool:
        rows = await self.file.read()
        return other in rows.get(one, {}) or one in rows.get(other, {})

    async def blocked_by(
        self, user_id: UserId, *, after: UserId | None, limit: int
    ) -> Page[UserId, UserId]:
        blocked = sorted((await self.file.read()).get(user_id, {}))
        left = [UserId(each) for each in blocked if after is None or each > after]
        return Page(left[:limit], left[limit - 1] if len(left) > limit else None)
