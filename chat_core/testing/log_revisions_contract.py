# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `ConversationLog`: edits and deletions."""

import asyncio
from dataclasses import replace

import pytest

from chat_core.bodies import Body
from chat_core.conversations import Conversation, MemberRemoved, TitleChanged
from chat_core.errors import ClientIdConflict
from chat_core.events import MessageSent, MessageUpdated
from chat_core.ports.log import Appended, ConversationLog, Stale
from chat_core.ports.storage import ConversationStore, LogReader
from chat_core.testing.log_fixtures import LogFixtures
from chat_core.testing.makers import alter, at, draft, revise, revision, say
from chat_core.users import User


class LogRevisionsContract(LogFixtures):
    """Tests of edits and deletions that every `ConversationLog` must pass."""

    async def test_an_edit_takes_the_next_place_and_gives_the_message_its_body(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        (said,) = await say(log, between, ann, "helo", when=at(1))
        (answer,) = await say(log, between, bob, "hi", when=at(2))
        appended = await log.append(revision(between, said, "hello", when=at(3)))

        edited = replace(said, updated_seq=3, body=Body("hello"), edited_at=at(3))
        assert appended == Appended(MessageUpdated(3, edited))
        assert await self.stored(reader, between) == [edited, answer]
        assert await self.entries(reader, between) == [
            MessageSent(edited),
            MessageSent(answer),
            MessageUpdated(3, edited),
        ]

    async def test_a_deletion_takes_the_next_place_and_the_body_away(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        (said,) = await say(log, between, ann, "helo", when=at(1))
        edited = await revise(log, between, said, "hello", when=at(2))
        gone = await revise(log, between, edited.message, None, by=bob, when=at(3))

        deleted = replace(edited.message, updated_seq=3, body=None, deleted_at=at(3))
        assert gone == MessageUpdated(3, deleted)
        assert deleted.edited_at == at(2)
        assert await self.entries(reader, between) == [
            MessageSent(deleted),
            MessageUpdated(2, deleted),
            MessageUpdated(3, deleted),
        ]

    async def test_an_edit_leaves_nothing_of_the_body_before(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        sent = await log.append(replace(draft(between, people[0]), body=Body("one", {"a": 1})))
        message = sent.message
        for body in (Body("two", {"b": [2]}), Body("three"), Body("four", {"c": None}), None):
            edit = replace(revision(between, message, None, when=at(3)), body=body)
            message = (await log.append(edit)).message

            assert message.body == body
            assert await self.stored(reader, between) == [message]
            assert await reader.message(message.id) == message

    async def test_a_revision_of_a_message_that_has_changed_is_stale_and_nothing_is_stored(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        (said,) = await say(log, between, people[0], "one")
        edited = await revise(log, between, said, "two")
        for content in ("three", None):
            with pytest.raises(Stale):
                await log.append(revision(between, said, content))

        assert await self.stored(reader, between) == [edited.message]
        assert len(await self.entries(reader, between)) == 2

    async def test_of_concurrent_revisions_of_one_message_one_is_stored(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        (said,) = await say(log, between, people[0], "one")
        results = await asyncio.gather(
            *(log.append(revision(between, said, f"{number}")) for number in range(5)),
            return_exceptions=True,
        )

        assert [type(each) for each in results] == [Appended] + [Stale] * 4
        assert [entry.seq for entry in await self.entries(reader, between)] == [1, 2]

    async def test_a_revision_in_a_conversation_that_has_changed_is_stale(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        (said,) = await say(log, friends, people[0], "hello")
        renamed = await alter(log, friends, TitleChanged("Others"))
        with pytest.raises(Stale):
            await log.append(revision(friends, said, "stale"))

        assert await self.stored(reader, friends) == [said]
        assert await conversations.get(friends.id) == renamed
        assert (await log.append(revision(renamed, said, "fresh"))).event.seq == 4

    async def test_a_revision_moves_no_receipt(
        self,
        log: ConversationLog,
        conversations: ConversationStore,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann = people[0]
        (said,) = await say(log, between, ann, "hello")
        await revise(log, between, said, "Hello")

        seen = await conversations.overview(ann.id, between.id)
        assert seen is not None
        assert (seen.standing.last_seq, seen.standing.read_seq) == (2, 1)

    # repeats after a change

    @pytest.mark.parametrize(
        "contents", [["edited"], ["edited", "twice"], [None], ["edited", None]]
    )
    async def test_a_repeat_returns_the_message_as_it_is_now(
        self,
        log: ConversationLog,
        people: list[User],
        between: Conversation,
        contents: list[str | None],
    ) -> None:
        ann = people[0]
        now = (await log.append(draft(between, ann, "first", client_id="c1"))).message
        for content in contents:
            now = (await revise(log, between, now, content)).message

        again = draft(between, ann, "first", client_id="c1")
        assert await log.append(again) == Appended(MessageSent(now), duplicate=True)
        assert await log.repeated(again) == Appended(MessageSent(now), duplicate=True)

    async def test_a_repeat_is_of_what_was_sent_first_not_of_what_it_is_now(
        self, log: ConversationLog, people: list[User], between: Conversation
    ) -> None:
        ann = people[0]
        sent = await log.append(draft(between, ann, "first", client_id="c1"))
        edited = await revise(log, between, sent.message, "second")
        await revise(log, between, edited.message, "third")

        for content in ("second", "third"):
            with pytest.raises(ClientIdConflict):
                await log.append(draft(between, ann, content, client_id="c1"))

    async def test_a_repeat_right_behind_an_edit_shows_the_edit(
        self, log: ConversationLog, people: list[User], between: Conversation
    ) -> None:
        ann = people[0]
        sent = await log.append(draft(between, ann, "first", client_id="c1"))
        edited, again = await asyncio.gather(
            log.append(revision(between, sent.message, "second")),
            log.append(draft(between, ann, "first", client_id="c1")),
        )

        assert again == Appended(MessageSent(edited.message), duplicate=True)

    async def test_a_repeat_is_answered_to_a_sender_who_was_removed_since(
        self, log: ConversationLog, people: list[User], friends: Conversation
    ) -> None:
        bob = people[1]
        wanted = draft(friends, bob, "hello", client_id="c1")
        sent = await log.append(wanted)
        without = await alter(log, friends, MemberRemoved(bob.id))

        for again in (wanted, replace(wanted, conversation=without)):
            assert await log.append(again) == Appended(sent.event, duplicate=True)
            assert await log.repeated(again) == Appended(sent.event, duplicate=True)
