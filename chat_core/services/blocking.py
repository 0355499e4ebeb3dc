"""Blocking: stop direct messages between two users."""

from dataclasses import dataclass

from chat_core.errors import Invalid, NotFound
from chat_core.ids import UserId
from chat_core.pages import Page, check_limit
from chat_core.ports.storage import BlockStore, UserDirectory
from chat_core.ports.system import Clock
from chat_core.services.fair_queue import FairQueue
from chat_core.users import User
from chat_core.wire_sizes import BoundedItems, user_size


@dataclass(frozen=True, slots=True)
class Blocking:
    """Block and unblock users."""

    users: UserDirectory
    blocks: BlockStore
    reads: FairQueue
    clock: Clock

    async def block(self, user_id: UserId, other_id: UserId) -> None:
        """Stop direct messages between the two. Can be repeated. Raises `NotFound`, `Invalid`."""
        if other_id == user_id:
            raise Invalid.field("userId", "must be someone else")
        await self._check_user(other_id)
        await self.blocks.block(user_id, other_id, self.clock.now())

    async def unblock(self, user_id: UserId, other_id: UserId) -> None:
        """Remove a block. If there is none, do nothing. Raises `NotFound`."""
        await self._check_user(other_id)
        await self.blocks.unblock(user_id, other_id)

    async def list(
        self, user_id: UserId, *, after: UserId | None, limit: int
    ) -> Page[User, UserId]:
        """Return the users that this user has blocked. The page ends early at `PAGE_BYTES`.

        Raises `Invalid`, `RateLimited`.
        """
        check_limit(limit)
        async with self.reads.call(user_id) as turn, turn:
            page = await self.blocks.blocked_by(user_id, after=after, limit=limit)
            users = await self.users.get(page.items)
        shown = BoundedItems(user_size)
        if shown.take(users[each] for each in page.items):
            return Page(shown.items, page.next)
        return Page(shown.items, shown.items[-1].id)

    async def _check_user(self, user_id: UserId) -> None:
        if user_id not in await self.users.get([user_id]):
            raise NotFound("There is no such user")
