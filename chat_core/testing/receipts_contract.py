# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `ReceiptStore`."""

import asyncio

import pytest

from chat_core.conversations import Conversation, MemberRemoved, Receipt
from chat_core.errors import NotFound
from chat_core.ids import ConversationId
from chat_core.ports.log import ConversationLog
from chat_core.ports.storage import LogReader, ReceiptStore, UserStore
from chat_core.testing.makers import alter, create, group, say, stored_users
from chat_core.users import User


class ReceiptStoreContract:
    """Tests that every `ReceiptStore` must pass.

    Subclass it, and give it the fixtures `receipts`, `reader`, `log` and `users`: a
    `ReceiptStore`, a `LogReader`, a `ConversationLog` and a `UserStore` of the same backend.
    """

    @pytest.fixture
    async def people(self, users: UserStore) -> list[User]:
        """Store Ann, Bob and Eve."""
        return await stored_users(users, "ann", "bob", "eve")

    @pytest.fixture
    async def friends(self, log: ConversationLog, people: list[User]) -> Conversation:
        """Store a group of Ann and Bob, with a log that ends at 6."""
        ann, bob, _ = people
        friends = await create(log, group(ann, bob))
        await say(log, friends, ann, "2", "3", "4", "5", "6")
        return friends

    async def test_watermarks_move_and_it_is_told_where_they_are(
        self, receipts: ReceiptStore, reader: LogReader, people: list[User], friends: Conversation
    ) -> None:
        ann, bob, _ = people
        moves = [
            await receipts.move(friends.id, bob.id, delivered=delivered, read=read)
            for delivered, read in ((2, 0), (4, 3), (4, 3), (5, 5))
        ]

        assert moves == [
            (Receipt(bob.id, 2, 0), True),
            (Receipt(bob.id, 4, 3), True),
            (Receipt(bob.id, 4, 3), False),
            (Receipt(bob.id, 5, 5), True),
        ]
        for member, read in ((ann, 6), (bob, 5)):
            standing = await reader.standing(member.id, friends.id)
            assert standing is not None
            assert standing.read_seq == read
            assert set(standing.receipts) == {Receipt(ann.id, 6, 6), Receipt(bob.id, 5, 5)}

    async def test_they_never_go_back(
        self, receipts: ReceiptStore, people: list[User], friends: Conversation
    ) -> None:
        bob = people[1]
        await receipts.move(friends.id, bob.id, delivered=4, read=3)
        for delivered, read in ((0, 0), (3, 0), (3, 2), (-1, -1)):
            moved = await receipts.move(friends.id, bob.id, delivered=delivered, read=read)
            assert moved == (Receipt(bob.id, 4, 3), False)

    async def test_they_never_go_past_the_last_place_of_the_log(
        self, receipts: ReceiptStore, people: list[User], friends: Conversation
    ) -> None:
        bob = people[1]
        for far in (7, 2**63 - 1, 2**70):
            receipt, _ = await receipts.move(friends.id, bob.id, delivered=far, read=far)
            assert receipt == Receipt(bob.id, 6, 6)

    async def test_what_was_read_was_delivered_too(
        self, receipts: ReceiptStore, people: list[User], friends: Conversation
    ) -> None:
        bob = people[1]

        assert await receipts.move(friends.id, bob.id, delivered=0, read=3) == (
            Receipt(bob.id, 3, 3),
            True,
        )

    async def test_of_concurrent_moves_the_furthest_stays(
        self, receipts: ReceiptStore, people: list[User], friends: Conversation
    ) -> None:
        bob = people[1]
        await asyncio.gather(
            *(
                receipts.move(friends.id, bob.id, delivered=seq, read=seq - 1)
                for seq in (2, 5, 3, 1, 4)
            )
        )

        stays = (Receipt(bob.id, 5, 4), False)
        assert await receipts.move(friends.id, bob.id, delivered=0, read=0) == stays

    async def test_of_whoever_is_no_member_there_are_none_to_move(
        self,
        receipts: ReceiptStore,
        log: ConversationLog,
        people: list[User],
        friends: Conversation,
    ) -> None:
        _, bob, eve = people
        await alter(log, friends, MemberRemoved(bob.id))
        for conversation_id, user in (
            (friends.id, bob),
            (friends.id, eve),
            (ConversationId("unknown"), bob),
        ):
            with pytest.raises(NotFound):
                await receipts.move(conversation_id, user.id, delivered=1, read=1)
