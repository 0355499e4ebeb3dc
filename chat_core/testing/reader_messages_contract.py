# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `LogReader`: messages."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings

from chat_core.bodies import Body, more_of
from chat_core.conversations import TitleChanged
from chat_core.ids import ConversationId, MessageId
from chat_core.messages import Message
from chat_core.ports.log import ConversationLog
from chat_core.ports.storage import LogReader, UserStore
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
from chat_core.testing.strategies import bodies
from chat_core.users import User

BEYOND = 2**63 - 1


class LogMessagesReadContract:
    """Tests of messages that every `LogReader` must pass."""

    @pytest.fixture
    async def people(self, users: UserStore) -> list[User]:
        """Store Ann, Bob and Eve."""
        return await stored_users(users, "ann", "bob", "eve")

    @pytest.fixture
    async def ten(self, log: ConversationLog, people: list[User]) -> list[Message]:
        """Store a conversation of ten messages, and another one."""
        ann, bob, eve = people
        between, other = direct(ann, bob), direct(ann, eve)
        messages: list[Message] = []
        for number in range(10):
            messages += await say(log, between, (ann, bob)[number % 2], f"message {number}")
            await say(log, other, eve, "elsewhere")
        return messages

    async def test_times_come_back_as_they_were_given(
        self, reader: LogReader, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, _ = people
        (said,) = await say(log, direct(ann, bob), ann, "hello", when=at(0.001))

        (stored,) = (
            await reader.history(said.conversation_id, before=None, after=None, limit=1)
        ).items
        assert stored.created_at == at(0.001)
        assert stored.created_at.utcoffset() == timedelta(0)

    # history

    async def test_messages_are_as_they_are_now(
        self, reader: LogReader, ten: list[Message]
    ) -> None:
        stored = await reader.history(ten[0].conversation_id, before=None, after=None, limit=200)

        assert list(stored.items) == ten

    @settings(
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]
    )
    @given(body=bodies)
    async def test_a_body_is_kept_as_it_was_sent(
        self,
        reader: LogReader,
        log: ConversationLog,
        people: list[User],
        body: Body,
    ) -> None:
        ann, bob, _ = people
        sent = await log.append(replace(draft(direct(ann, bob), ann), body=body))

        between = sent.event.conversation_id
        (stored,) = (await reader.history(between, before=None, after=None, limit=1)).items
        assert stored.body == sent.message.body == body
        # Only JSON shows the order of keys, and that `True` is not `1`.
        assert more_of(stored.body) == more_of(body)

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
    async def test_before_a_seq_are_the_last_ones_of_a_lower_one(
        self,
        reader: LogReader,
        ten: list[Message],
        before: int,
        limit: int,
        seqs: list[int],
        more: bool,  # noqa: FBT001 (an expected value)
    ) -> None:
        history = await reader.history(
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
    async def test_after_a_seq_are_the_first_ones_of_a_higher_one(
        self,
        reader: LogReader,
        ten: list[Message],
        after: int,
        limit: int,
        seqs: list[int],
        more: bool,  # noqa: FBT001 (an expected value)
    ) -> None:
        history = await reader.history(
            ten[0].conversation_id, before=None, after=after, limit=limit
        )

        assert ([message.seq for message in history.items], history.has_more) == (seqs, more)

    @pytest.mark.parametrize("limit", [1, 9, 10, 11])
    async def test_with_neither_the_latest_ones_as_before_a_seq_beyond_the_end(
        self, reader: LogReader, ten: list[Message], limit: int
    ) -> None:
        between = ten[0].conversation_id
        latest = await reader.history(between, before=None, after=None, limit=limit)

        assert (list(latest.items), latest.has_more) == (ten[-limit:], limit < 10)
        beyond = await reader.history(between, before=BEYOND, after=None, limit=limit)
        assert (list(beyond.items), beyond.has_more) == (list(latest.items), latest.has_more)

    async def test_deleted_messages_keep_their_place_and_other_entries_are_passed_over(
        self, reader: LogReader, log: ConversationLog, people: list[User]
    ) -> None:
        ann = people[0]
        friends = await create(log, group(*people))
        two, three = await say(log, friends, ann, "2", "3")
        gone = await revise(log, friends, two, None)
        renamed = await alter(log, friends, TitleChanged("Others"))
        (six,) = await say(log, renamed, ann, "6")

        later = await reader.history(friends.id, before=None, after=0, limit=9)
        assert list(later.items) == [gone.message, three, six]
        earlier = await reader.history(friends.id, before=6, after=None, limit=1)
        assert (list(earlier.items), earlier.has_more) == ([three], True)
        first = await reader.history(friends.id, before=3, after=None, limit=1)
        assert (list(first.items), first.has_more) == ([gone.message], False)

    async def test_the_history_of_an_unknown_conversation_is_empty(self, reader: LogReader) -> None:
        history = await reader.history(ConversationId("none"), before=None, after=None, limit=1)

        assert (list(history.items), history.has_more) == ([], False)

    # message

    async def test_a_message_is_found_by_its_id_as_it_is_now_or_is_none(
        self, reader: LogReader, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, _ = people
        between = direct(ann, bob)
        one, two = await say(log, between, ann, "one", "two")
        edited = await revise(log, between, one, "One", when=at(3))

        assert await reader.message(one.id) == edited.message
        assert await reader.message(two.id) == two
        assert await reader.message(MessageId("unknown")) is None
