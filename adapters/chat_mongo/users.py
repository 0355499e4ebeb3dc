"""Accounts in MongoDB."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from beanie import UpdateResponse
from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError

from chat_core.errors import EmailTaken, NotFound, UsernameTaken
from chat_core.ids import UserId
from chat_core.pages import Page
from chat_core.ports.storage import AccountStore, UserStore
from chat_core.users import MAX_DISPLAY_NAME, Credentials, NamePlace, ProfileChange, User, fold
from chat_mongo.database import MongoDatabase
from chat_mongo.documents import UserDocument

_KEYS = {"display_name": "display_key", "email": "email_key"}
"""Maps each field of a profile to the field with its folded form."""

_AFTER_ALL = "\U0010ffff" * MAX_DISPLAY_NAME
"""Sorts after every possible continuation of a name."""


@dataclass(frozen=True, slots=True)
class MongoUserStore(UserStore, AccountStore):
    """Accounts in one collection. Names and addresses are indexed in folded form."""

    database: MongoDatabase

    async def add(self, user: User, password_hash: str) -> None:
        """See `UserStore.add`."""
        document = UserDocument(
            id=user.id,
            username=user.username,
            username_key=_key(user.username),
            display_name=user.display_name,
            display_key=_key(user.display_name),
            email=user.email,
            email_key=_key(user.email),
            password_hash=password_hash,
            created_at=user.created_at,
            deleted_at=user.deleted_at,
            last_seen_at=user.last_seen_at,
            disabled_at=user.disabled_at,
            password_change_required=user.password_change_required,
        )
        async with self.database.session() as session:
            try:
                await document.insert(session=session)
            except DuplicateKeyError as error:
                raise _taken(error) from error

    async def get(self, ids: Collection[UserId]) -> Mapping[UserId, User]:
        """See `UserStore.get`."""
        async with self.database.session() as session:
            found = await UserDocument.find(
                {"_id": {"$in": list(set(ids))}}, session=session
            ).to_list()
        return {UserId(each.id): _user(each) for each in found}

    async def credentials(self, login: str) -> Credentials | None:
        """See `UserStore.credentials`."""
        async with self.database.session() as session:
            for field in ("username_key", "email_key"):
                found = await UserDocument.find_one({field: fold(login)}, session=session)
                if found is not None:
                    return Credentials(_user(found), found.password_hash)
        return None

    async def update(self, user_id: UserId, change: ProfileChange) -> User:
        """See `UserStore.update`."""
        given: dict[str, str | None] = {}
        for name, value in change.given().items():
            given |= {name: value, _KEYS[name]: _key(value)}
        async with self.database.session() as session:
            try:
                updated = await UserDocument.find_one(_living(user_id), session=session).update(
                    {"$set": given},
                    session=session,
                    response_type=UpdateResponse.NEW_DOCUMENT,
                )
            except DuplicateKeyError as error:
                raise _taken(error) from error
        if not isinstance(updated, UserDocument):
            raise NotFound
        return _user(updated)

    async def search(
        self, prefix: str, *, without: UserId, after: NamePlace | None, limit: int
    ) -> Page[User, NamePlace]:
        """See `UserStore.search`."""
        low = fold(prefix)
        by_username = _listing("username_key", low, without, after)
        async with self.database.session() as session:
            found = [
                (each.username_key or "", each)
                for each in await UserDocument.find(by_username, session=session)
                .sort("username_key")  # unique; no index has the order with the id
                .limit(limit + 1)
                .to_list()
            ]
            if low:
                by_display_name = _listing("display_key", low, without, after)
                by_display_name["username_key"] = {"$not": _range(low, low)}
                if len(found) > limit:
                    # Matches after these are not needed for this page, and a great many users could
                    # match by both names.
                    by_display_name["display_key"]["$lte"] = found[-1][0]
                found += [
                    (each.display_key or "", each)
                    for each in await UserDocument.find(by_display_name, session=session)
                    .sort("display_key", "_id")
                    .limit(limit + 1)
                    .to_list()
                ]
        found.sort(key=lambda match: (match[0], match[1].id))
        users = [_user(each) for _, each in found[:limit]]
        more = len(found) > limit
        return Page(users, NamePlace(found[limit - 1][0], users[-1].id) if more else None)

    async def saw(self, seen: Mapping[UserId, datetime]) -> None:
        """See `UserStore.saw`."""
        if not seen:
            return
        users = self.database.collection(UserDocument)
        updates = [
            UpdateOne(_living(user_id), {"$max": {"last_seen_at": at}})
            for user_id, at in seen.items()
        ]
        async with self.database.session() as session:
            await users.bulk_write(updates, ordered=False, session=session)

    async def set_password_hash(
        self,
        user_id: UserId,
        password_hash: str,
        *,
        instead_of: str | None = None,
        change_required: bool | None = None,
    ) -> None:
        """See `UserStore.set_password_hash`."""
        wanted = _living(user_id)
        if instead_of is not None:
            wanted["password_hash"] = instead_of
        changed: dict[str, Any] = {"password_hash": password_hash}
        if change_required is not None:
            changed["password_change_required"] = change_required
        async with self.database.session() as session:
            await UserDocument.find_one(wanted, session=session).update(
                {"$set": changed}, session=session
            )

    async def erase(self, user_id: UserId, at: datetime) -> User:
        """See `UserStore.erase`."""
        gone = (
            "username",
            "username_key",
            "display_name",
            "display_key",
            "email",
            "email_key",
            "last_seen_at",
            "disabled_at",
        )
        async with self.database.session() as session:
            erased = await UserDocument.find_one(_living(user_id), session=session).update(
                {
                    "$set": {
                        "deleted_at": at,
                        "password_hash": "",
                        "password_change_required": False,
                        **dict.fromkeys(gone),
                    }
                },
                session=session,
                response_type=UpdateResponse.NEW_DOCUMENT,
            )
        if not isinstance(erased, UserDocument):
            raise NotFound
        return _user(erased)

    async def accounts(self, *, after: UserId | None, limit: int) -> Page[User, UserId]:
        """See `AccountStore.accounts`."""
        async with self.database.session() as session:
            found = (
                await UserDocument.find({"_id": {"$gt": after or ""}}, session=session)
                .sort("_id")
                .limit(limit + 1)
                .to_list()
            )
        users = [_user(each) for each in found[:limit]]
        return Page(users, users[-1].id if len(found) > limit else None)

    async def disable(self, user_id: UserId, at: datetime) -> User:
        """See `AccountStore.disable`."""
        return await self._set_disabled(user_id, {"$ifNull": ["$disabled_at", at]})

    async def enable(self, user_id: UserId) -> User:
        """See `AccountStore.enable`."""
        return await self._set_disabled(user_id, None)

    async def _set_disabled(self, user_id: UserId, value: object) -> User:
        users = self.database.collection(UserDocument)
        async with self.database.session() as session:
            changed = await users.find_one_and_update(
                _living(user_id),
                [{"$set": {"disabled_at": value}}],
                return_document=ReturnDocument.AFTER,
                session=session,
            )
        if changed is None:
            raise NotFound
        return _user(UserDocument.model_validate(changed))


def _living(user_id: UserId) -> dict[str, Any]:
    return {"_id": user_id, "deleted_at": None}


def _range(prefix: str, begin: str) -> dict[str, str]:
    # Names are never empty, so `$gt` lets the partial index serve the empty prefix, too.
    return {"$gt": "", "$gte": max(prefix, begin), "$lt": prefix + _AFTER_ALL}


def _listing(field: str, low: str, without: UserId, after: NamePlace | None) -> dict[str, Any]:
    """Return a query for users whose name begins with `low`, after a place in the list."""
    wanted: dict[str, Any] = {
        field: _range(low, after.key if after else ""),
        "_id": {"$ne": without},
    }
    if after is not None:
        wanted["$or"] = [{field: {"$gt": after.key}}, {"_id": {"$gt": after.user_id}}]
    return wanted


def _key(name: str | None) -> str | None:
    return None if name is None else fold(name)


def _taken(error: DuplicateKeyError) -> Exception:
    index = (error.details or {}).get("keyPattern", {})
    if "username_key" in index:
        return UsernameTaken()
    if "email_key" in index:
        return EmailTaken()
    return error


def _user(document: UserDocument) -> User:
    return User(
        id=UserId(document.id),
        username=document.username,
        display_name=document.display_name,
        email=document.email,
        created_at=document.created_at,
        deleted_at=document.deleted_at,
        last_seen_at=document.last_seen_at,
        disabled_at=document.disabled_at,
        password_change_required=document.password_change_required,
    )
