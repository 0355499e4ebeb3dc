# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `ConversationStore`."""

import asyncio

import pytest

from chat_core.conversations import (
    LISTED_MEMBERS,
    MAX_UNREAD,
    RECEIPTS_UP_TO,
    ActivityPlace,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    Overview,
    Receipt,
    Role,
    Standing,
)
from chat_core.ids import ConversationId, UserId
from chat_core.ports.log import ConversationLog
from chat_core.ports.storage import ConversationStore, UserStore
from chat_core.testing.makers import (
    alter,
    at,
    create,
    direct,
    draft,
    group,
    revise,
    say,
    stored_users,
)
from chat_core.users import User

MAX_PAGES = 20
"""More pages than any test has, so that endless paging fails."""


async def pages(
    conversations: ConversationStore, user_id: UserId, limit: int = 50
) -> list[list[Overview]]:
    """Return every page of a user's conversations."""
    found: list[list[Overview]] = []
    place: ActivityPlace | None = None
    while place is not None or not found:
        page = await conversations.latest(user_id, after=place, limit=limit)
        ids = [each.conversation_id for each in page.items]
        shown = await conversations.overviews(user_id, ids)
        places = [ActivityPlace(each.active_at, each.id) for each in shown]
        assert places == list(page.items)
        found.append(list(shown))
        place = page.next
        assert len(found) <= MAX_PAGES
    return found


class ConversationStoreContract:
    """Tests that every `ConversationStore` must pass.

    Subclass it, and give it the fixtures `conversations`, `log` and `users`: a `ConversationStore`,
    a `ConversationLog` and a `UserStore` of the same backend.
    """

    @pytest.fixture
    async def people(self, users: UserStore) -> list[User]:
        """Store Ann, Bob and Eve."""
        return await stored_users(users, "ann", "bob", "eve")

    # get and direct

    async def test_a_conversation_is_found_by_id_and_an_unknown_one_is_none(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, eve = people
        between, other = direct(ann, bob), direct(ann, eve)
        await say(log, between, ann, "hello")
        await say(log, other, ann, "hello")

        assert await conversations.get(between.id) == between
        assert await conversations.get(other.id) == other
        assert await conversations.get(ConversationId("unknown")) is None

    async def test_the_conversation_of_two_is_found_in_whichever_order_or_is_none(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, eve = people
        between = direct(ann, bob)
        assert await conversations.direct(ann.id, bob.id) is None
        await say(log, between, ann, "hello")
        await say(log, direct(bob, eve), eve, "hello")

        assert await conversations.direct(ann.id, bob.id) == between
        assert await conversations.direct(bob.id, ann.id) == between
        assert await conversations.direct(ann.id, eve.id) is None

    # overview

    async def test_one_conversation_is_shown_as_in_the_list(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, _ = people
        between, friends = direct(ann, bob), await create(log, group(*people, when=at(7)))
        *_, last = await say(log, between, ann, "1", "2", when=at(9))

        receipts = (Receipt(ann.id, 2, 2), Receipt(bob.id, 0, 0))
        seen = await conversations.overview(bob.id, between.id)
        assert seen == Overview.of(between, bob.id, Standing(1, 2, 0, 2, receipts), last, at(9))
        ((first, second),) = await pages(conversations, bob.id)
        assert first == seen
        assert second == await conversations.overview(bob.id, friends.id)
        assert (second.last_message, second.active_at) == (None, at(7))

    async def test_to_whoever_is_no_member_there_is_none(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, eve = people
        between, friends = direct(ann, bob), await create(log, group(ann, bob, eve))
        await say(log, between, ann, "hello")
        await alter(log, friends, MemberRemoved(eve.id))

        assert await conversations.overview(eve.id, between.id) is None
        assert await conversations.overview(eve.id, friends.id) is None
        assert await conversations.overview(ann.id, ConversationId("unknown")) is None
        assert await pages(conversations, eve.id) == [[]]

    async def test_every_entry_is_activity_and_the_last_message_is_shown_as_it_is_now(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, eve = people
        friends = await create(log, group(ann, bob, eve))
        (said,) = await say(log, friends, ann, "hello", when=at(1))
        edited = await revise(log, friends, said, "Hello", when=at(2))
        one = await conversations.overview(bob.id, friends.id)
        await alter(log, friends, MemberRemoved(eve.id), when=at(3))
        two = await conversations.overview(bob.id, friends.id)

        assert one is not None
        assert two is not None
        assert (one.last_message, one.active_at) == (edited.message, at(2))
        assert (two.last_message, two.active_at) == (edited.message, at(3))

    # overviews

    async def test_conversations_are_listed_latest_activity_first(
        self, conversations: ConversationStore, log: ConversationLog, users: UserStore
    ) -> None:
        ann, *others = await stored_users(users, "ann", "bob", "eve", "joe")
        bobs, eves, joes = (direct(ann, other) for other in others)
        await say(log, bobs, ann, "1", when=at(1))
        await say(log, eves, ann, "2", when=at(2))
        await say(log, joes, others[2], "3", when=at(3))
        await say(log, direct(*others[:2]), others[0], "not Ann's", when=at(4))
        await say(log, bobs, others[0], "5", when=at(5.001))

        (listed,) = await pages(conversations, ann.id)
        assert [each.id for each in listed] == [bobs.id, joes.id, eves.id]
        assert [each.active_at for each in listed] == [at(5.001), at(3), at(2)]

    async def test_each_conversation_is_shown_as_that_user_sees_it(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, eve = people
        between = direct(ann, bob)
        await say(log, between, ann, "1", "2")
        await say(log, between, bob, "3")
        *_, last = await say(log, between, ann, "4", "5", when=at(9))

        receipts = {ann.id: Receipt(ann.id, 5, 5), bob.id: Receipt(bob.id, 3, 3)}
        for viewer, read, unread in ((ann, 5, 0), (bob, 3, 2)):
            ((seen,),) = await pages(conversations, viewer.id)
            assert {receipt.user_id: receipt for receipt in seen.standing.receipts} == receipts
            assert seen == Overview.of(
                between,
                viewer.id,
                standing=Standing(1, 5, read, unread, seen.standing.receipts),
                last_message=last,
                active_at=at(9),
            )
        assert await pages(conversations, eve.id) == [[]]

    async def test_unread_messages_are_counted_up_to_a_bound(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, _ = people
        between = direct(ann, bob)
        await asyncio.gather(*(log.append(draft(between, ann)) for _ in range(MAX_UNREAD - 1)))
        counts = []
        for _ in range(3):
            ((seen,),) = await pages(conversations, bob.id)
            counts.append(seen.standing.unread_count)
            await log.append(draft(between, ann))

        assert counts == [MAX_UNREAD - 1, MAX_UNREAD, MAX_UNREAD]

    async def test_receipts_are_given_for_every_member_of_a_small_conversation(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, _ = people
        await say(log, direct(ann, bob), ann, "hello")

        ((seen,),) = await pages(conversations, ann.id)
        assert sorted(seen.standing.receipts, key=lambda receipt: receipt.read_seq) == [
            Receipt(bob.id, 0, 0),
            Receipt(ann.id, 1, 1),
        ]

    async def test_a_list_shows_a_few_members_the_viewer_first_and_counts_all(
        self, conversations: ConversationStore, log: ConversationLog, users: UserStore
    ) -> None:
        names = [f"user{number}" for number in range(LISTED_MEMBERS + 5)]
        people = await stored_users(users, *names)
        first, *others = people
        friends = await create(log, group(first, *others[:0:-1], when=at(1)))
        friends = await alter(
            log, friends, MemberAdded(others[0].id, Role.ADMIN), by=first, when=at(2)
        )
        friends = await alter(log, friends, MemberRemoved(others[1].id), by=first, when=at(3))
        again = MemberAdded(others[1].id, Role.MEMBER)
        friends = await alter(log, friends, again, by=first, when=at(4))
        friends = await alter(log, friends, MemberRemoved(others[2].id), by=first, when=at(5))

        for viewer in (first, others[0], others[1], others[-1]):
            whole = await conversations.overview(viewer.id, friends.id)
            assert whole is not None
            assert (
                whole.members
                == Overview.of(friends, viewer.id, whole.standing, None, at(5)).members
            )
            assert whole.members[0].user_id == viewer.id
            assert whole.member_count == len(whole.members) == len(people) - 1
            ((listed,),) = await pages(conversations, viewer.id)
            assert listed == whole.in_list()
            assert len(listed.members) == LISTED_MEMBERS

    async def test_overviews_come_in_the_order_asked_for_without_those_of_others(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, eve = people
        bobs, eves, others = direct(ann, bob), direct(ann, eve), direct(bob, eve)
        for conversation in (bobs, eves, others):
            (sender, *_) = conversation.members.values()
            await log.append(draft(conversation, ann if sender.user_id == ann.id else bob))
        left = await alter(log, await create(log, group(bob, ann)), MemberRemoved(ann.id), by=bob)

        asked = [eves.id, others.id, ConversationId("unknown"), left.id, bobs.id]
        assert [each.id for each in await conversations.overviews(ann.id, asked)] == [
            eves.id,
            bobs.id,
        ]
        assert list(await conversations.overviews(ann.id, [])) == []

    @pytest.mark.parametrize("size", [RECEIPTS_UP_TO, RECEIPTS_UP_TO + 1])
    async def test_as_many_members_as_a_list_shows_are_all_and_have_receipts(
        self, conversations: ConversationStore, log: ConversationLog, users: UserStore, size: int
    ) -> None:
        people = await stored_users(users, *(f"user{number}" for number in range(size)))
        friends = await create(log, group(*people))

        ((listed,),) = await pages(conversations, people[3].id)
        receipts = {each.user_id for each in listed.standing.receipts}
        assert receipts == (set(friends.members) if size <= RECEIPTS_UP_TO else set())
        assert (len(listed.members), listed.member_count) == (min(size, LISTED_MEMBERS), size)

    @pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
    async def test_from_page_to_page_each_conversation_is_found_once(
        self, conversations: ConversationStore, log: ConversationLog, users: UserStore, limit: int
    ) -> None:
        names = [f"user{number}" for number in range(6)]
        ann, *others = await stored_users(users, "ann", *names)
        for number, other in enumerate(others):
            await say(log, direct(ann, other), other, "hello", when=at(number // 3))

        found = await pages(conversations, ann.id, limit)
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
        assert 1 <= len(found[-1]) <= limit
        listed = [each.members[1].user_id for page in found for each in page]
        assert sorted(listed) == sorted(other.id for other in others)

    async def test_activity_meanwhile_hides_no_other_conversation_from_the_next_page(
        self, conversations: ConversationStore, log: ConversationLog, users: UserStore
    ) -> None:
        ann, *others = await stored_users(users, "ann", "bob", "eve", "joe", "mia")
        logs = [direct(ann, other) for other in others]
        for number, conversation in enumerate(logs):
            await say(log, conversation, ann, "hello", when=at(number))

        first = await conversations.latest(ann.id, after=None, limit=2)
        await say(log, logs[3], ann, "on the first page", when=at(10))
        await say(log, logs[0], ann, "on the next page", when=at(11))
        second = await conversations.latest(ann.id, after=first.next, limit=2)
        assert [each.conversation_id for each in first.items] == [logs[3].id, logs[2].id]
        assert [each.conversation_id for each in second.items] == [logs[1].id]

    # left behind

    async def test_groups_that_a_user_is_out_of_are_told_while_they_have_content_of_theirs(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, eve = people
        spoken, silent, emptied, still, gone = [
            await create(log, group(ann, bob, eve)) for _ in range(5)
        ]
        for each in (spoken, emptied, still, gone):
            (said,) = await say(log, each, bob, "hello")
            if each is emptied:
                await revise(log, each, said, None, by=ann)
        await say(log, silent, ann, "of another")
        await alter(log, gone, MemberRemoved(bob.id), MemberDeleted(bob.id))
        for each in (spoken, silent):
            await alter(log, each, MemberRemoved(bob.id))

        assert list(await conversations.left_behind(bob.id)) == [spoken.id]
        assert list(await conversations.left_behind(ann.id)) == []

    # peers

    async def test_peers_are_those_who_share_a_conversation_themselves_left_out(
        self, conversations: ConversationStore, log: ConversationLog, users: UserStore
    ) -> None:
        ann, bob, eve, joe = await stored_users(users, "ann", "bob", "eve", "joe")
        await say(log, direct(ann, bob), ann, "hello")
        await say(log, direct(eve, ann), ann, "hello")

        found = await conversations.peers([ann.id, bob.id, joe.id])
        assert {each: set(peers) for each, peers in found.items()} == {
            ann.id: {bob.id, eve.id},
            bob.id: {ann.id},
            joe.id: set(),
        }

    async def test_former_members_are_no_peers(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, eve = people
        friends = await create(log, group(ann, bob, eve))
        await alter(log, friends, MemberRemoved(eve.id))

        found = await conversations.peers([ann.id, bob.id, eve.id])
        assert {each: set(peers) for each, peers in found.items()} == {
            ann.id: {bob.id},
            bob.id: {ann.id},
            eve.id: set(),
        }
