"""Blocks in MongoDB."""

from dataclasses import dataclass
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from chat_core.ids import UserId
from chat_core.pages import Page
from chat_core.ports.storage import BlockStore
from chat_mongo.database import MongoDatabase
from chat_mongo.documents import BlockDocument


@dataclass(frozen=True, slots=True)
class MongoBlockStore(BlockStore):
    """Blocks in one collection. The id of each contains both user ids."""

    database: MongoDatabase

    async def block(self, user_id: UserId, other_id: UserId, at: datetime) -> None:
        """See `BlockStore.block`."""
        async with self.database.session() as session:
            try:
                await BlockDocument(id=_id(user_id, other_id), at=at).insert(session=session)
            except DuplicateKeyError:
                return

    async def unblock(self, user_id: UserId, other_id: UserId) -> None:
        """See `BlockStore.unblock`."""
        async with self.database.session() as session:
            await BlockDocument.find_one({"_id": _id(user_id, other_id)}, session=session).delete(
                session=session
            )

    async def between(self, one: UserId, other: UserId) -> bool:
        """See `BlockStore.between`."""
        blocks = self.database.collection(BlockDocument)
        either = [_id(one, other), _id(other, one)]
        async with self.database.session() as session:
            found = await blocks.find_one({"_id": {"$in": either}}, {"_id": 1}, session=session)
        return found is not None

    async def blocked_by(
        self, user_id: UserId, *, after: UserId | None, limit: int
    ) -> Page[UserId, UserId]:
        """See `BlockStore.blocked_by`."""
        # "!" is the next character after the space, and ids contain neither.
        wanted = {"$gt": _id(user_id, after or UserId("")), "$lt": f"{user_id}!"}
        async with self.database.session() as session:
            stored = (
                await BlockDocument.find({"_id": wanted}, session=session)
                .sort("_id")
                .limit(limit + 1)
                .to_list()
            )
        found = [UserId(each.id.partition(" ")[2]) for each in stored[:limit]]
        return Page(found, found[-1] if len(stored) > limit else None)


def _id(user_id: UserId, other_id: UserId) -> str:
    return f"{user_id} {other_id}"
