# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `LogReader`: messages, all other entries, and standings."""

from dataclasses import replace

import pytest

from chat_core.conversations import (
    MAX_UNREAD,
    RECEIPTS_UP_TO,
    Conversation,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    Receipt,
    Role,
    Standing,
    TitleChanged,
)
from chat_core.events import (
    ChangeKind,
    ConversationUpdated,
    LogEvent,
    MessageSent,
    MessageUpdated,
)
from chat_core.ids import ConversationId
from chat_core.messages import Message
from chat_core.ports.log import ConversationLog
from chat_core.ports.storage import LogReader, ReceiptStore, UserStore
from chat_core.testing.makers import (
    alter,
    at,
    create,
    direct,
    group,
    revise,
    say,
    stored_users,
)
from chat_core.testing.reader_messages_contract import BEYOND, LogMessagesReadContract
from chat_core.users import User


class LogReaderContract(LogMessagesReadContract):
    """Tests that every `LogReader` must pass.

    Subclass it, and give it the fixtures `reader`, `log`, `receipts` and `users`: a `LogReader`, a
    `ConversationLog`, a `ReceiptStore` and a `UserStore` of the same backend.
    """

    @pytest.fixture
    async def friends(self, log: ConversationLog, people: list[User]) -> Conversation:
        """Store a group that Ann owns, with Bob and Eve."""
        return await create(log, group(*people))

    async def seen(
        self, reader: LogReader, of: Conversation, *, after: int = 0, until: int = 99
    ) -> list[LogEvent]:
        """Return entries of a conversation."""
        return list(await reader.entries(of.id, after=after, until=until, limit=99))

    async def standing_of(self, reader: LogReader, user: User, of: Conversation) -> Standing:
        """Return the standing of a user, who must have one."""
        standing = await reader.standing(user.id, of.id)
        assert standing is not None
        return standing

    # entries

    @pytest.fixture
    async def eight(
        self, log: ConversationLog, people: list[User], friends: Conversation
    ) -> list[LogEvent]:
        """Store a log of eight entries of every kind, and return them."""
        ann, bob, eve = people
        (said,) = await say(log, friends, bob, "hello", when=at(1))
        (kept,) = await say(log, friends, ann, "hi", when=at(2))
        edited = await revise(log, friends, said, "Hello", when=at(3))
        await alter(log, friends, TitleChanged("Others"), MemberRemoved(eve.id), when=at(4))
        now = await revise(
            log, replace(friends, revision=6), edited.message, None, by=ann, when=at(5)
        )
        (last,) = await say(log, replace(friends, revision=6), ann, "bye", when=at(6))
        created = ConversationUpdated(
            friends.id,
            1,
            ChangeKind.CREATED,
            ann.id,
            title="Friends",
            members=tuple(friends.members.values()),
        )
        return [
            created,
            MessageSent(now.message),
            MessageSent(kept),
            MessageUpdated(4, now.message),
            ConversationUpdated.of(friends.id, 5, ann.id, TitleChanged("Others")),
            ConversationUpdated.of(friends.id, 6, ann.id, MemberRemoved(eve.id)),
            MessageUpdated(7, now.message),
            MessageSent(last),
        ]

    @pytest.mark.parametrize(
        ("after", "until", "limit"),
        [(0, 8, 9), (0, BEYOND, 8), (0, 99, 3), (3, 99, 2), (6, 7, 9), (7, 8, 1), (2, 8, 4)],
    )
    async def test_entries_are_the_first_ones_of_those_places_ascending_as_they_are_now(
        self,
        reader: LogReader,
        friends: Conversation,
        eight: list[LogEvent],
        after: int,
        until: int,
        limit: int,
    ) -> None:
        assert until >= 7
        found = await reader.entries(friends.id, after=after, until=until, limit=limit)

        assert list(found) == eight[after:until][:limit]

    @pytest.mark.parametrize(("after", "until"), [(8, 8), (8, 99), (5, 5), (99, 99), (BEYOND, 99)])
    async def test_where_there_are_no_places_there_are_no_entries(
        self,
        reader: LogReader,
        friends: Conversation,
        eight: list[LogEvent],
        after: int,
        until: int,
    ) -> None:
        assert len(eight) == 8
        assert await self.seen(reader, friends, after=after, until=until) == []
        unknown = await reader.entries(ConversationId("none"), after=0, until=9, limit=9)
        assert list(unknown) == []

    @pytest.mark.usefixtures("eight")
    async def test_a_message_that_changed_later_is_shown_as_of_the_entry_without_content_and_times(
        self, reader: LogReader, friends: Conversation
    ) -> None:
        def stood(entry: LogEvent) -> tuple[int, int, str | None, bool, bool]:
            message = entry.message if not isinstance(entry, ConversationUpdated) else None
            if message is None:
                return entry.seq, 0, None, False, False
            edited, deleted = message.edited_at, message.deleted_at
            assert edited in {None, at(3)}
            assert deleted in {None, at(5)}
            return entry.seq, message.updated_seq, message.text, bool(edited), bool(deleted)

        assert [stood(each) for each in await self.seen(reader, friends, until=3)] == [
            (1, 0, None, False, False),
            (2, 2, None, False, False),
            (3, 3, "hi", False, False),
        ]
        assert [stood(each) for each in await self.seen(reader, friends, after=1, until=6)] == [
            (2, 2, None, False, False),
            (3, 3, "hi", False, False),
            (4, 4, None, False, False),
            (5, 0, None, False, False),
            (6, 0, None, False, False),
        ]
        assert stood((await self.seen(reader, friends, after=1, until=7))[0]) == (
            *(2, 7, None),
            True,
            True,
        )

    async def test_a_message_of_an_account_that_is_gone_is_shown_as_of_the_entry_without_content(
        self, reader: LogReader, log: ConversationLog, people: list[User], friends: Conversation
    ) -> None:
        bob = people[1]
        (said,) = await say(log, friends, bob, "hello")
        await alter(log, friends, MemberDeleted(bob.id), when=at(4))

        stood = MessageSent(replace(said, body=None))
        assert await self.seen(reader, friends, after=1, until=2) == [stood]
        now = replace(said, body=None, updated_seq=3, deleted_at=at(4))
        assert (await self.seen(reader, friends, after=1))[0] == MessageSent(now)

    # standing

    async def test_a_member_stands_at_the_logs_ends_with_what_is_unread_and_the_receipts(
        self,
        reader: LogReader,
        log: ConversationLog,
        receipts: ReceiptStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        ann, bob, eve = people
        messages: list[Message] = await say(log, friends, ann, "2", "3", "4", "5")
        await say(log, friends, bob, "6")
        await receipts.move(friends.id, eve.id, delivered=4, read=2)
        await revise(log, friends, messages[2], None)
        await revise(log, friends, messages[0], "two")

        moved = (Receipt(ann.id, 5, 5), Receipt(bob.id, 6, 6), Receipt(eve.id, 4, 2))
        for viewer, read, unread in ((ann, 5, 1), (bob, 6, 0), (eve, 2, 3)):
            standing = await self.standing_of(reader, viewer, friends)
            assert standing == Standing(1, 8, read, unread, standing.receipts)
            assert set(standing.receipts) == set(moved)

    async def test_a_new_member_stands_at_the_beginning(
        self,
        reader: LogReader,
        log: ConversationLog,
        users: UserStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        (joe,) = await stored_users(users, "joe")
        await say(log, friends, people[0], "2", "3")
        await alter(log, friends, MemberAdded(joe.id, Role.MEMBER))

        standing = await self.standing_of(reader, joe, friends)
        assert standing == Standing(1, 4, 0, 2, standing.receipts)

    async def test_a_former_members_log_ends_with_the_entry_that_removed_them(
        self, reader: LogReader, log: ConversationLog, people: list[User], friends: Conversation
    ) -> None:
        ann, bob, eve = people
        await say(log, friends, bob, "2")
        now = await alter(log, friends, MemberRemoved(bob.id), MemberDeleted(eve.id))
        await say(log, now, ann, "5")

        assert await reader.standing(bob.id, friends.id) == Standing(
            1, 3, 2, 0, (), is_member=False
        )
        assert await reader.standing(eve.id, friends.id) == Standing(
            1, 4, 0, 0, (), is_member=False
        )

    async def test_whoever_never_was_a_member_stands_nowhere(
        self, reader: LogReader, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, eve = people
        between = direct(ann, bob)
        await say(log, between, ann, "hello")

        assert await reader.standing(eve.id, between.id) is None
        assert await reader.standing(ann.id, ConversationId("unknown")) is None

    async def test_whoever_returned_stands_as_any_member(
        self, reader: LogReader, log: ConversationLog, people: list[User], friends: Conversation
    ) -> None:
        ann, bob, _ = people
        now = await alter(
            log, friends, MemberRemoved(bob.id), MemberAdded(bob.id, Role.MEMBER), when=at(3)
        )
        await say(log, now, ann, "4")

        standing = await self.standing_of(reader, bob, friends)
        assert (standing.last_seq, standing.unread_count, len(standing.receipts)) == (4, 1, 3)

    @pytest.mark.parametrize("others", [RECEIPTS_UP_TO - 1, RECEIPTS_UP_TO])
    async def test_receipts_are_given_up_to_20_members(
        self, reader: LogReader, log: ConversationLog, users: UserStore, others: int
    ) -> None:
        ann, *rest = await stored_users(users, "ann", *(f"user{n}" for n in range(others)))
        many = await create(log, group(ann, *rest))

        standing = await self.standing_of(reader, ann, many)
        assert len(standing.receipts) == (others + 1 if others < RECEIPTS_UP_TO else 0)

    async def test_at_most_1000_are_counted_as_unread(
        self, reader: LogReader, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, _ = people
        between = direct(ann, bob)
        await say(log, between, ann, *("hello" for _ in range(MAX_UNREAD + 1)))

        assert (await self.standing_of(reader, bob, between)).unread_count == MAX_UNREAD
