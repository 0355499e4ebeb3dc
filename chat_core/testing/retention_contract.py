# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `LogRetention`."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from chat_core.conversations import (
    Conversation,
    MemberRemoved,
    Overview,
    Receipt,
    Standing,
    TitleChanged,
)
from chat_core.errors import ClientIdConflict
from chat_core.events import LogEvent, MessageSent, MessageUpdated
from chat_core.ids import ConversationId
from chat_core.messages import Message
from chat_core.ports.log import Appended, ConversationLog, Stale
from chat_core.ports.retention import LogRetention, OldFront
from chat_core.ports.storage import ConversationStore, LogReader, ReceiptStore
from chat_core.testing.log_fixtures import Followed, LogFixtures
from chat_core.testing.makers import (
    alter,
    at,
    create,
    creation,
    direct,
    draft,
    group,
    revise,
    revision,
    say,
)
from chat_core.users import User


async def all_old(
    retention: LogRetention, before: float, limit: int = 50
) -> list[Sequence[OldFront]]:
    """Return every page of the logs whose first entries are older than that second."""
    found: list[Sequence[OldFront]] = []
    after: ConversationId | None = None
    while after is not None or not found:
        page = await retention.old(at(before), after=after, limit=limit)
        found.append(page.items)
        after = page.next
    return found


class LogRetentionContract(LogFixtures):
    """Tests that every `LogRetention` must pass.

    Subclass it, and give it the fixtures `retention`, `log`, `reader`, `conversations`, `receipts`
    and `users`, all of the same backend.
    """

    async def overview(
        self, conversations: ConversationStore, user: User, of: Conversation
    ) -> Overview:
        """Return a conversation as a member sees it."""
        overview = await conversations.overview(user.id, of.id)
        assert overview is not None
        return overview

    @pytest.fixture
    async def five(
        self, log: ConversationLog, people: list[User], friends: Conversation
    ) -> list[Message]:
        """Store messages from Bob at the places 2 to 5, sent in the seconds 2 to 5."""
        return [(await say(log, friends, people[1], f"{n}", when=at(n)))[0] for n in range(2, 6)]

    # old

    async def test_the_logs_that_begin_with_older_entries_are_told_and_up_to_where(
        self,
        retention: LogRetention,
        log: ConversationLog,
        people: list[User],
        five: list[Message],
        friends: Conversation,
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        await say(log, between, ann, "new", when=at(9))
        await say(log, between, bob, "of a clock that went back", when=at(1))
        await log.open_direct(direct(bob, people[2]))

        def front(end: int) -> list[Sequence[OldFront]]:
            return [[OldFront(friends.id, 1, end)]]

        assert await all_old(retention, 0) == [[]]
        assert await all_old(retention, 0.001) == front(2)
        assert await all_old(retention, 4) == front(4)
        assert await all_old(retention, 9) == front(len(five) + 2)
        renamed = await alter(log, friends, TitleChanged("New"), when=at(6))
        await say(log, renamed, ann, "of a clock that went back", when=at(1))
        assert await all_old(retention, 6) == front(6)

    @pytest.mark.parametrize("limit", [1, 2, 3, 50])
    async def test_from_page_to_page_each_log_is_found_once(
        self, retention: LogRetention, log: ConversationLog, people: list[User], limit: int
    ) -> None:
        made = [await create(log, group(people[0], when=at(n % 2))) for n in range(6)]

        found = await all_old(retention, 1, limit)
        assert len(found) == -(-6 // limit)
        old = sorted(each.id for each in made if each.created_at < at(1))
        assert [each for page in found for each in page] == [OldFront(each, 1, 2) for each in old]

    # expire

    async def test_what_expired_is_found_by_no_read(
        self,
        retention: LogRetention,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
        five: list[Message],
        friends: Conversation,
    ) -> None:
        await retention.expire({friends.id: 4}, at(9))

        kept = five[2:]
        assert await self.stored(reader, friends) == kept
        latest = await reader.history(friends.id, before=None, after=None, limit=2)
        assert (list(latest.items), latest.has_more) == (kept, False)
        earlier = await reader.history(friends.id, before=5, after=None, limit=9)
        assert (list(earlier.items), earlier.has_more) == (kept[:1], False)
        assert await self.entries(reader, friends) == [MessageSent(each) for each in kept]
        limited = await reader.entries(friends.id, after=0, until=99, limit=1)
        assert list(limited) == [MessageSent(kept[0])]
        assert await reader.message(five[1].id) is None
        assert await reader.message(kept[0].id) == kept[0]
        for user, unread in ((people[0], 2), (people[1], 0)):
            standing = await reader.standing(user.id, friends.id)
            assert standing is not None
            assert (standing.first_seq, standing.last_seq) == (4, 5)
            assert standing.unread_count == unread
            overview = await self.overview(conversations, user, friends)
            assert overview.standing == standing
            assert overview.last_message == five[-1]
        assert await all_old(retention, 5) == [[OldFront(friends.id, 4, 5)]]

    async def test_a_whole_log_can_go_and_the_next_place_follows_the_last(
        self,
        retention: LogRetention,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
        five: list[Message],
        friends: Conversation,
    ) -> None:
        ann = people[0]
        renamed = await alter(log, friends, TitleChanged("New"), when=at(6))
        before = await self.overview(conversations, ann, friends)
        await retention.expire({friends.id: 99}, at(9))

        assert await conversations.get(friends.id) == renamed
        overview = await self.overview(conversations, ann, friends)
        assert overview == replace(
            before,
            last_message=None,
            standing=replace(before.standing, first_seq=7, unread_count=0),
        )
        assert await self.stored(reader, friends) == []
        assert await self.entries(reader, friends) == []
        (said,) = await say(log, renamed, ann, "on")
        assert said.seq == len(five) + 3
        assert await self.entries(reader, friends) == [MessageSent(said)]
        await alter(log, renamed, MemberRemoved(people[2].id))
        assert [each.seq for each in await self.entries(reader, friends)] == [7, 8]
        await retention.expire({friends.id: 8}, at(9))
        assert [each.seq for each in await self.entries(reader, friends)] == [8]

    async def test_a_front_never_goes_back(
        self,
        retention: LogRetention,
        reader: LogReader,
        five: list[Message],
        friends: Conversation,
    ) -> None:
        await retention.expire({friends.id: 4, ConversationId("unknown"): 3}, at(9))
        await retention.expire({friends.id: 2}, at(9))

        assert await self.stored(reader, friends) == five[2:]

    async def test_only_the_logs_that_are_named_change(
        self,
        retention: LogRetention,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        five: list[Message],
        between: Conversation,
    ) -> None:
        kept = await say(log, between, people[0], "one", "two", "three")
        await retention.expire({five[0].conversation_id: 5, between.id: 2}, at(9))

        assert await self.stored(reader, between) == kept[1:]

    async def test_receipts_stay_and_move_as_before(
        self,
        retention: LogRetention,
        log: ConversationLog,
        reader: LogReader,
        receipts: ReceiptStore,
        people: list[User],
        five: list[Message],
        friends: Conversation,
    ) -> None:
        ann, bob, eve = people
        await receipts.move(friends.id, eve.id, delivered=4, read=2)
        before = await reader.standing(ann.id, friends.id)
        await retention.expire({friends.id: 99}, at(9))

        after = await reader.standing(ann.id, friends.id)
        assert before is not None
        assert after is not None
        assert after.receipts == before.receipts
        assert set(after.receipts) >= {Receipt(bob.id, 5, 5), Receipt(eve.id, 4, 2)}
        moved = await receipts.move(friends.id, eve.id, delivered=0, read=3)
        assert moved == (Receipt(eve.id, 4, 3), True)
        assert five
        assert await say(log, friends, eve, "on")
        standing = await reader.standing(eve.id, friends.id)
        assert standing is not None
        assert standing.read_seq == 6

    async def test_who_was_removed_before_has_an_empty_log_that_ends_where_it_did(
        self,
        retention: LogRetention,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        friends: Conversation,
    ) -> None:
        ann, bob, _ = people
        await say(log, friends, bob, "hello")
        left = await alter(log, friends, MemberRemoved(bob.id))
        await say(log, left, ann, "one", "two")
        for end, first in ((3, 3), (5, 4)):
            await retention.expire({friends.id: end}, at(9))
            assert await reader.standing(bob.id, friends.id) == Standing(
                first, 3, 2, 0, (), is_member=False
            )

    async def test_a_kept_entry_of_a_message_that_went_shows_it_as_deleted(
        self,
        retention: LogRetention,
        log: ConversationLog,
        reader: LogReader,
        five: list[Message],
        friends: Conversation,
    ) -> None:
        edited = await revise(log, friends, five[0], "new", when=at(6))
        deleted = await revise(log, friends, five[1], None, when=at(7))
        await retention.expire({friends.id: 6}, at(9))

        gone = replace(edited.message, body=None, deleted_at=at(9))
        expected: list[LogEvent] = [MessageUpdated(6, gone), deleted]
        assert await self.entries(reader, friends) == expected
        assert await self.stored(reader, friends) == []
        assert await reader.message(five[0].id) is None

    async def test_client_ids_are_known_for_ever(
        self,
        retention: LogRetention,
        log: ConversationLog,
        people: list[User],
        friends: Conversation,
    ) -> None:
        ann, bob, _ = people
        plain = await log.append(draft(friends, bob, "plain", client_id="plain", when=at(1)))
        first = await log.append(draft(friends, bob, "first", client_id="edited", when=at(1)))
        edited = await revise(log, friends, first.message, "second", when=at(2))
        await log.append(draft(friends, bob, "no client id"))
        await retention.expire({friends.id: 99}, at(9))

        for client_id, content, message in (
            ("plain", "plain", plain.message),
            ("edited", "first", edited.message),
        ):
            gone = replace(message, body=None, deleted_at=at(9))
            again = draft(friends, bob, content, client_id=client_id)
            expected = Appended(MessageSent(gone), duplicate=True)
            assert await log.append(again) == expected
            assert await log.repeated(again) == expected
            for other in (
                draft(friends, bob, "another", client_id=client_id),
                draft(direct(ann, bob), bob, content, client_id=client_id),
            ):
                with pytest.raises(ClientIdConflict):
                    await log.append(other)
                assert await log.repeated(other) is None
        assert not (await log.append(draft(friends, ann, "plain", client_id="plain"))).duplicate

    async def test_client_ids_of_groups_are_known_for_ever(
        self, retention: LogRetention, log: ConversationLog, reader: LogReader, people: list[User]
    ) -> None:
        ann, bob, eve = people
        wanted = group(ann, bob)
        made = await log.append(creation(wanted, ann, client_id="g1"))
        await say(log, wanted, ann, "hello")
        await retention.expire({wanted.id: 3}, at(9))

        again = await log.append(creation(group(ann, bob), ann, client_id="g1"))
        assert again == Appended(made.event, duplicate=True)
        with pytest.raises(ClientIdConflict):
            await log.append(creation(group(ann, eve), ann, client_id="g1"))
        assert await self.entries(reader, wanted) == []
        await retention.expire({wanted.id: 3}, at(9))
        await say(log, wanted, ann, "hi")
        await retention.expire({wanted.id: 4}, at(9))
        assert (await log.append(creation(group(ann, bob), ann, client_id="g1"))).duplicate

    @pytest.mark.parametrize("content", ["new", None])
    async def test_a_revision_of_a_message_that_went_is_stale(
        self,
        retention: LogRetention,
        log: ConversationLog,
        reader: LogReader,
        five: list[Message],
        friends: Conversation,
        content: str | None,
    ) -> None:
        await retention.expire({friends.id: 4}, at(9))

        with pytest.raises(Stale):
            await log.append(revision(friends, five[0], content))
        assert await self.stored(reader, friends) == five[2:]
        changed = await revise(log, friends, five[2], content)
        assert changed.seq == 6

    async def test_the_follower_is_told_nothing(
        self,
        retention: LogRetention,
        five: list[Message],
        friends: Conversation,
        followed: Followed,
    ) -> None:
        await retention.expire({friends.id: 99}, at(9))

        assert five
        assert followed.committed == []
