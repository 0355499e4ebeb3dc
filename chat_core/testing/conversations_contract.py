# ruff: noqa: D102 (a test's name is its sentence)
"""The contract of `ConversationStore`."""

import asyncio
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from chat_core.conversations import (
    MAX_UNREAD,
    ActivityPlace,
    Conversation,
    Overview,
    Receipt,
)
from chat_core.ids import ConversationId, UserId
from chat_core.messages import Message
from chat_core.ports.storage import ConversationLog, ConversationStore, UserStore
from chat_core.testing.makers import at, direct, draft, stored_users
from chat_core.testing.strategies import contents
from chat_core.users import User

BEYOND = 2**63 - 1
MAX_PAGES = 20
"""More than any test has: pages that never end are a failure, too."""


async def say(
    log: ConversationLog,
    conversation: Conversation,
    sender: User,
    *said: str,
    when: datetime | None = None,
) -> list[Message]:
    """Append messages, one after the other."""
    return [
        (await log.append(draft(conversation, sender, content, when=when))).message
        for content in said
    ]


async def pages(
    conversations: ConversationStore, user_id: UserId, limit: int = 50
) -> list[list[Overview]]:
    """Every page of a user's conversations."""
    found: list[list[Overview]] = []
    place: ActivityPlace | None = None
    while place is not None or not found:
        page = await conversations.overviews(user_id, after=place, limit=limit)
        found.append(list(page.items))
        place = page.next
        assert len(found) <= MAX_PAGES
    return found


class ConversationStoreContract:
    """What every `ConversationStore` must do.

    Subclass it, and give it the fixtures `conversations`, `log` and `users`: a `ConversationStore`,
    a `ConversationLog` and a `UserStore` of the same backend.
    """

    @pytest.fixture
    async def people(self, users: UserStore) -> list[User]:
        """Store Ann, Bob and Eve."""
        return await stored_users(users, "ann", "bob", "eve")

    @pytest.fixture
    async def ten(self, log: ConversationLog, people: list[User]) -> list[Message]:
        """Store a conversation of ten messages, beside another one."""
        ann, bob, eve = people
        between, other = direct(ann, bob), direct(ann, eve)
        messages: list[Message] = []
        for number in range(10):
            messages += await say(log, between, (ann, bob)[number % 2], f"message {number}")
            await say(log, other, eve, "elsewhere")
        return messages

    async def test_times_come_back_as_they_were_given(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, _ = people
        (said,) = await say(log, direct(ann, bob), ann, "hello", when=at(0.001))

        (stored,) = (
            await conversations.history(said.conversation_id, before=None, after=None, limit=1)
        ).items
        assert stored.created_at == at(0.001)
        assert stored.created_at.utcoffset() == timedelta(0)

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
        assert [each.conversation.id for each in listed] == [bobs.id, joes.id, eves.id]
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
            assert {receipt.user_id: receipt for receipt in seen.receipts} == receipts
            assert seen == Overview(
                conversation=between,
                first_seq=1,
                last_seq=5,
                last_message=last,
                read_seq=read,
                unread_count=unread,
                receipts=seen.receipts,
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
            counts.append(seen.unread_count)
            await log.append(draft(between, ann))

        assert counts == [MAX_UNREAD - 1, MAX_UNREAD, MAX_UNREAD]

    async def test_receipts_are_given_for_every_member_of_a_small_conversation(
        self, conversations: ConversationStore, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, _ = people
        await say(log, direct(ann, bob), ann, "hello")

        ((seen,),) = await pages(conversations, ann.id)
        assert sorted(seen.receipts, key=lambda receipt: receipt.read_seq) == [
            Receipt(bob.id, 0, 0),
            Receipt(ann.id, 1, 1),
        ]

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
        listed = [each.conversation.other(ann.id) for page in found for each in page]
        assert sorted(map(str, listed)) == sorted(other.id for other in others)

    async def test_activity_meanwhile_hides_no_other_conversation_from_the_next_page(
        self, conversations: ConversationStore, log: ConversationLog, users: UserStore
    ) -> None:
        ann, *others = await stored_users(users, "ann", "bob", "eve", "joe", "mia")
        logs = [direct(ann, other) for other in others]
        for number, conversation in enumerate(logs):
            await say(log, conversation, ann, "hello", when=at(number))

        first = await conversations.overviews(ann.id, after=None, limit=2)
        await say(log, logs[3], ann, "on the first page", when=at(10))
        await say(log, logs[0], ann, "on the next page", when=at(11))
        second = await conversations.overviews(ann.id, after=first.next, limit=2)
        assert [each.conversation.id for each in first.items] == [logs[3].id, logs[2].id]
        assert [each.conversation.id for each in second.items] == [logs[1].id]

    # history

    async def test_messages_are_as_they_are_now(
        self, conversations: ConversationStore, ten: list[Message]
    ) -> None:
        stored = await conversations.history(
            ten[0].conversation_id, before=None, after=None, limit=200
        )

        assert list(stored.items) == ten

    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
    )
    @given(content=contents)
    async def test_content_is_kept_as_it_was_sent(
        self,
        conversations: ConversationStore,
        log: ConversationLog,
        people: list[User],
        content: str,
    ) -> None:
        ann, bob, _ = people
        (said,) = await say(log, direct(ann, bob), ann, content)

        stored = await conversations.history(said.conversation_id, before=None, after=None, limit=1)
        assert [message.content for message in stored.items] == [said.content] == [content]

    @pytest.mark.parametrize(
        ("before", "limit", "seqs", "more"),
        [
            (8, 3, [5, 6, 7], True),
            (4, 3, [1, 2, 3], False),
            (3, 3, [1, 2], False),
            (1, 3, [], False),
            (0, 3, [], False),
            (BEYOND, 2, [9, 10], True),
        ],
    )
    async def test_before_a_seq_are_the_last_ones_of_a_lower_one(  # noqa: PLR0913, PLR0917
        self,
        conversations: ConversationStore,
        ten: list[Message],
        before: int,
        limit: int,
        seqs: list[int],
        more: bool,  # noqa: FBT001 (an expected value)
    ) -> None:
        history = await conversations.history(
            ten[0].conversation_id, before=before, after=None, limit=limit
        )

        assert ([message.seq for message in history.items], history.has_more) == (seqs, more)

    @pytest.mark.parametrize(
        ("after", "limit", "seqs", "more"),
        [
            (2, 3, [3, 4, 5], True),
            (7, 3, [8, 9, 10], False),
            (8, 3, [9, 10], False),
            (10, 3, [], False),
            (BEYOND, 3, [], False),
            (0, 2, [1, 2], True),
        ],
    )
    async def test_after_a_seq_are_the_first_ones_of_a_higher_one(  # noqa: PLR0913, PLR0917
        self,
        conversations: ConversationStore,
        ten: list[Message],
        after: int,
        limit: int,
        seqs: list[int],
        more: bool,  # noqa: FBT001 (an expected value)
    ) -> None:
        history = await conversations.history(
            ten[0].conversation_id, before=None, after=after, limit=limit
        )

        assert ([message.seq for message in history.items], history.has_more) == (seqs, more)

    @pytest.mark.parametrize("limit", [1, 9, 10, 11])
    async def test_with_neither_the_latest_ones_as_before_a_seq_beyond_the_end(
        self, conversations: ConversationStore, ten: list[Message], limit: int
    ) -> None:
        between = ten[0].conversation_id
        latest = await conversations.history(between, before=None, after=None, limit=limit)

        assert (list(latest.items), latest.has_more) == (ten[-limit:], limit < 10)
        beyond = await conversations.history(between, before=BEYOND, after=None, limit=limit)
        assert (list(beyond.items), beyond.has_more) == (list(latest.items), latest.has_more)

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
