# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `ConversationLog`: repeated client ids."""

import asyncio
from dataclasses import replace

import pytest

from chat_core.bodies import Body
from chat_core.conversations import Conversation
from chat_core.errors import ClientIdConflict
from chat_core.events import MessageSent
from chat_core.ports.log import Appended, ConversationLog
from chat_core.ports.storage import ConversationStore, LogReader, UserStore
from chat_core.testing.log_fixtures import LogFixtures
from chat_core.testing.makers import at, direct, draft, revision, stored_users
from chat_core.users import User


class LogRepeatsContract(LogFixtures):
    """Tests of repeated client ids that every `ConversationLog` must pass."""

    async def test_the_same_client_id_again_returns_the_first_message_whatever_has_changed(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        first = await log.append(draft(between, ann, client_id="c1", when=at(1)))
        await log.append(draft(between, bob, "an answer"))
        for again in (
            draft(between, ann, client_id="c1", connection="another", when=at(2)),
            draft(replace(between, revision=99), ann, client_id="c1"),
            draft(direct(bob, ann), ann, client_id="c1"),
        ):
            assert await log.append(again) == Appended(MessageSent(first.message), duplicate=True)

        assert [message.seq for message in await self.stored(reader, between)] == [1, 2]

    async def test_of_concurrent_calls_with_one_client_id_one_is_stored(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann = people[0]
        results = await asyncio.gather(
            *(log.append(draft(between, ann, client_id="c1")) for _ in range(10))
        )

        assert sorted(each.duplicate for each in results) == [False] + [True] * 9
        (stored,) = await self.stored(reader, between)
        assert [each.message for each in results] == [stored] * 10

    async def test_client_ids_are_compared_exactly_and_each_sender_has_their_own(
        self, log: ConversationLog, people: list[User], between: Conversation
    ) -> None:
        ann, bob, _ = people
        ids = ["a", "A", "a ", " a", "\u00e9", "e\u0301", "\uff41", "\U0001f600", "x" * 64]
        drafts = [draft(between, sender, client_id=each) for sender in (ann, bob) for each in ids]
        results = [await log.append(each) for each in drafts]

        assert [each.duplicate for each in results] == [False] * len(drafts)
        again = [await log.append(replace(each)) for each in drafts]
        assert again == [Appended(MessageSent(each.message), duplicate=True) for each in results]

    async def test_the_same_client_id_for_something_else_is_a_conflict(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        users: UserStore,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann, _, eve = people
        (joe,) = await stored_users(users, "joe")
        first = await log.append(draft(between, ann, client_id="c1"))
        await log.append(draft(direct(ann, eve), eve))
        known = await conversations.direct(ann.id, eve.id)
        assert known is not None
        for other in (
            draft(between, ann, "hello ", client_id="c1"),
            draft(known, ann, client_id="c1"),
            draft(replace(between, revision=99), ann, "Hello", client_id="c1"),
            draft(direct(ann, joe), ann, client_id="c1"),
        ):
            with pytest.raises(ClientIdConflict):
                await log.append(other)

        assert await self.stored(reader, between) == [first.message]
        assert len(await self.stored(reader, known)) == 1

    async def test_a_body_is_repeated_by_one_with_the_same_values(
        self,
        log: ConversationLog,
        people: list[User],
        between: Conversation,
    ) -> None:
        sent = draft(between, people[0], client_id="c1")
        first = await log.append(replace(sent, body=Body("hello", {"a": 1, "b": [True, None]})))

        again = await log.append(replace(sent, body=Body("hello", {"b": [True, None], "a": 1.0})))
        assert again == Appended(first.event, duplicate=True)
        edited = await log.append(revision(between, first.message, "hello", when=at(3)))
        again = await log.append(replace(sent, body=Body("hello", {"b": [True, None], "a": 1.0})))
        assert again == Appended(MessageSent(edited.message), duplicate=True)
        for other in (None, {"a": 1, "b": [1, None]}, {"a": 2, "b": [True, None]}, {"a": 1}):
            with pytest.raises(ClientIdConflict):
                await log.append(replace(sent, body=Body("hello", other)))

    # repeated

    async def test_what_a_draft_repeats_is_told_and_stores_nothing(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        assert await log.repeated(draft(between, ann, client_id="c1")) is None
        first = await log.append(draft(between, ann, client_id="c1"))

        for again in (
            draft(between, ann, client_id="c1"),
            draft(direct(bob, ann), ann, client_id="c1"),
            draft(replace(between, revision=99), ann, client_id="c1"),
        ):
            assert await log.repeated(again) == Appended(first.event, duplicate=True)
        assert await self.stored(reader, between) == [first.message]

    async def test_what_repeats_nothing_is_none(
        self, log: ConversationLog, people: list[User], between: Conversation
    ) -> None:
        ann, bob, eve = people
        await log.append(draft(between, ann, client_id="c1"))
        other = direct(ann, eve)
        await log.append(draft(other, ann, client_id="c2"))

        for new in (
            draft(between, ann),
            draft(between, ann, client_id="c3"),
            draft(between, bob, client_id="c1"),
            draft(between, ann, "Hello", client_id="c1"),
            draft(other, ann, client_id="c1"),
            draft(direct(bob, eve), ann, client_id="c1"),
        ):
            assert await log.repeated(new) is None
