"""Accounts in a dictionary."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from chat_core.errors import EmailTaken, NotFound, UsernameTaken
from chat_core.ids import UserId
from chat_core.pages import Page
from chat_core.ports.storage import AccountStore, UserStore
from chat_core.users import Credentials, NamePlace, ProfileChange, User, fold, name_place


@dataclass(slots=True)
class MemoryUserStore(UserStore, AccountStore):
    """Accounts in memory, for as long as the process runs."""

    _users: dict[UserId, User] = field(default_factory=dict)
    _hashes: dict[UserId, str] = field(default_factory=dict)
    _by_username: dict[str, UserId] = field(default_factory=dict)
    _by_email: dict[str, UserId] = field(default_factory=dict)

    async def add(self, user: User, password_hash: str) -> None:
        """See `UserStore.add`."""
        username = fold(user.username or "")
        if username in self._by_username:
            raise UsernameTaken
        self._check_email(user.id, user.email)
        self._users[user.id] = user
        self._hashes[user.id] = password_hash
        self._by_username[username] = user.id
        if user.email is not None:
            self._by_email[fold(user.email)] = user.id

    async def get(self, ids: Collection[UserId]) -> Mapping[UserId, User]:
        """See `UserStore.get`."""
        return {user_id: self._users[user_id] for user_id in ids if user_id in self._users}

    async def credentials(self, login: str) -> Credentials | None:
        """See `UserStore.credentials`."""
        key = fold(login)
        user_id = self._by_username.get(key) or self._by_email.get(key)
        if user_id is None:
            return None
        return Credentials(self._users[user_id], self._hashes[user_id])

    async def update(self, user_id: UserId, change: ProfileChange) -> User:
        """See `UserStore.update`."""
        user = self._living(user_id)
        changed = change.applied(user)
        self._check_email(user_id, changed.email)
        if user.email is not None:
            del self._by_email[fold(user.email)]
        if changed.email is not None:
            self._by_email[fold(changed.email)] = user_id
        self._users[user_id] = changed
        return changed

    async def search(
        self, prefix: str, *, without: UserId, after: NamePlace | None, limit: int
    ) -> Page[User, NamePlace]:
        """See `UserStore.search`."""
        key = fold(prefix)
        places = [
            place
            for user in self._users.values()
            if user.id != without and (place := name_place(user, key)) is not None
        ]
        places.sort(key=_order)
        if after is not None:
            places = [place for place in places if _order(place) > _order(after)]
        found, more = places[:limit], len(places) > limit
        return Page([self._users[place.user_id] for place in found], found[-1] if more else None)

    async def saw(self, seen: Mapping[UserId, datetime]) -> None:
        """See `UserStore.saw`."""
        for user_id, at in seen.items():
            user = self._users.get(user_id)
            if user is None or user.deleted_at is not None:
                continue
            if user.last_seen_at is None or user.last_seen_at < at:
                self._users[user_id] = replace(user, last_seen_at=at)

    async def set_password_hash(
        self,
        user_id: UserId,
        password_hash: str,
        *,
        instead_of: str | None = None,
        change_required: bool | None = None,
    ) -> None:
        """See `UserStore.set_password_hash`."""
        stored = self._hashes.get(user_id)
        if stored is None or instead_of not in {None, stored}:
            return
        self._hashes[user_id] = password_hash
        if change_required is not None:
            user = self._users[user_id]
            self._users[user_id] = replace(user, password_change_required=change_required)

    async def erase(self, user_id: UserId, at: datetime) -> User:
        """See `UserStore.erase`."""
        user = self._living(user_id)
        del self._hashes[user_id]
        self._by_username = {k: u for k, u in self._by_username.items() if u != user_id}
        self._by_email = {key: each for key, each in self._by_email.items() if each != user_id}
        erased = replace(
            user,
            username=None,
            display_name=None,
            email=None,
            last_seen_at=None,
            disabled_at=None,
            password_change_required=False,
            deleted_at=at,
        )
        self._users[user_id] = erased
        return erased

    async def accounts(self, *, after: UserId | None, limit: int) -> Page[User, UserId]:
        """See `AccountStore.accounts`."""
        ids = sorted(each for each in self._users if after is None or each > after)
        found, more = ids[:limit], len(ids) > limit
        return Page([self._users[each] for each in found], found[-1] if more else None)

    async def disable(self, user_id: UserId, at: datetime) -> User:
        """See `AccountStore.disable`."""
        user = self._living(user_id)
        if user.disabled_at is None:
            user = self._users[user_id] = replace(user, disabled_at=at)
        return user

    async def enable(self, user_id: UserId) -> User:
        """See `AccountStore.enable`."""
        user = self._users[user_id] = replace(self._living(user_id), disabled_at=None)
        return user

    def _living(self, user_id: UserId) -> User:
        user = self._users.get(user_id)
        if user is None or user.deleted_at is not None:
            raise NotFound
        return user

    def _check_email(self, user_id: UserId, email: str | None) -> None:
        if email is not None and self._by_email.get(fold(email), user_id) != user_id:
            raise EmailTaken


def _order(place: NamePlace) -> tuple[bytes, str]:
    # Sort by code point, as databases compare UTF-8 bytes.
    return place.key.encode(), place.user_id
