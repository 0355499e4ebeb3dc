# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `BlockStore`."""

import pytest

from chat_core.ids import UserId
from chat_core.ports.storage import BlockStore, UserStore
from chat_core.testing.makers import at, stored_users, user
from chat_core.users import User


class BlockStoreContract:
    """Tests that every `BlockStore` must pass.

    Subclass it, and give it the fixtures `blocks` and `users`: a `BlockStore` and a `UserStore` of
    the same backend.
    """

    @pytest.fixture
    async def people(self, users: UserStore) -> list[User]:
        """Store Ann, Bob and Eve."""
        return await stored_users(users, "ann", "bob", "eve")

    async def test_whichever_of_two_has_blocked_the_other_there_is_a_block_between_them(
        self, blocks: BlockStore, people: list[User]
    ) -> None:
        ann, bob, eve = (each.id for each in people)
        assert not await blocks.between(ann, bob)
        await blocks.block(ann, bob, at(1))

        assert await blocks.between(ann, bob)
        assert await blocks.between(bob, ann)
        assert not await blocks.between(ann, eve)
        assert not await blocks.between(eve, bob)

    async def test_users_whose_accounts_are_kept_elsewhere_block_like_all_others(
        self, blocks: BlockStore
    ) -> None:
        ann, bob = user("ann").id, user("bob").id
        assert not await blocks.between(ann, bob)
        await blocks.block(ann, bob, at(1))

        assert await blocks.between(bob, ann)
        assert list((await blocks.blocked_by(ann, after=None, limit=9)).items) == [bob]

    async def test_to_block_again_changes_nothing(
        self, blocks: BlockStore, people: list[User]
    ) -> None:
        ann, bob, _ = (each.id for each in people)
        await blocks.block(ann, bob, at(1))
        await blocks.block(ann, bob, at(2))

        assert list((await blocks.blocked_by(ann, after=None, limit=9)).items) == [bob]
        await blocks.unblock(ann, bob)
        assert not await blocks.between(ann, bob)

    async def test_each_takes_back_only_their_own_block(
        self, blocks: BlockStore, people: list[User]
    ) -> None:
        ann, bob, _ = (each.id for each in people)
        await blocks.block(ann, bob, at(1))
        await blocks.block(bob, ann, at(1))
        await blocks.unblock(ann, bob)

        assert await blocks.between(ann, bob)
        assert list((await blocks.blocked_by(ann, after=None, limit=9)).items) == []
        await blocks.unblock(bob, ann)
        assert not await blocks.between(ann, bob)

    async def test_to_take_back_what_is_not_there_changes_nothing(
        self, blocks: BlockStore, people: list[User]
    ) -> None:
        ann, bob, eve = (each.id for each in people)
        await blocks.block(ann, bob, at(1))
        await blocks.unblock(ann, eve)
        await blocks.unblock(bob, ann)

        assert await blocks.between(ann, bob)

    @pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
    async def test_from_page_to_page_each_is_listed_once_by_id(
        self, blocks: BlockStore, users: UserStore, limit: int
    ) -> None:
        ann, *others = await stored_users(users, "ann", *(f"user{number}" for number in range(6)))
        for other in reversed(others):
            await blocks.block(ann.id, other.id, at(1))
            await blocks.block(other.id, ann.id, at(1))
        pages: list[list[UserId]] = []
        place: UserId | None = None
        while place is not None or not pages:
            page = await blocks.blocked_by(ann.id, after=place, limit=limit)
            pages.append(list(page.items))
            place = page.next

        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert 1 <= len(pages[-1]) <= limit
        assert [each for page in pages for each in page] == sorted(other.id for other in others)
