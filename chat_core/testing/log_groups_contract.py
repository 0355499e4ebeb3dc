# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `ConversationLog`: new conversations."""

import asyncio
from dataclasses import replace

import pytest

from chat_core.conversations import Conversation, MemberRemoved, Role, TitleChanged
from chat_core.errors import ClientIdConflict
from chat_core.events import ChangeKind, ConversationUpdated
from chat_core.ports.log import Appended, ConversationLog
from chat_core.ports.storage import ConversationStore, LogReader
from chat_core.testing.log_fixtures import LogFixtures
from chat_core.testing.makers import alter, at, creation, direct, draft, group, say
from chat_core.users import User


class LogGroupsContract(LogFixtures):
    """Tests of new conversations that every `ConversationLog` must pass."""

    async def test_a_groups_creation_is_entry_1_of_its_log(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
    ) -> None:
        ann, bob, _ = people
        wanted = group(ann, bob, title="Friends", when=at(7))
        created = ConversationUpdated(
            wanted.id,
            1,
            ChangeKind.CREATED,
            ann.id,
            title="Friends",
            members=tuple(wanted.members.values()),
        )

        assert await log.append(creation(wanted, ann)) == Appended(created)
        assert await conversations.get(wanted.id) == wanted
        assert (wanted.revision, wanted.members[ann.id].role) == (1, Role.OWNER)
        assert await self.entries(reader, wanted) == [created]
        assert (await say(log, wanted, bob, "hello"))[0].seq == 2

    async def test_the_same_creator_and_client_id_again_returns_the_first_creation(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
    ) -> None:
        ann, bob, eve = people
        first = await log.append(creation(group(ann, bob, eve), ann, client_id="g1"))
        stored = await conversations.get(first.event.conversation_id)
        assert stored is not None
        left = await alter(log, stored, MemberRemoved(bob.id), TitleChanged("Others"))

        for again in (group(ann, bob, eve), group(ann, eve, bob)):
            repeat = await log.append(creation(again, ann, client_id="g1"))
            assert repeat == Appended(first.event, duplicate=True)
            assert await conversations.get(again.id) is None
        assert await conversations.get(left.id) == left
        assert len(await self.entries(reader, left)) == 3

    async def test_the_same_client_id_for_another_group_is_a_conflict(
        self, log: ConversationLog, conversations: ConversationStore, people: list[User]
    ) -> None:
        ann, bob, eve = people
        await log.append(creation(group(ann, bob), ann, client_id="g1"))
        for other in (group(ann, bob, title="friends"), group(ann, eve), group(ann, bob, eve)):
            with pytest.raises(ClientIdConflict):
                await log.append(creation(other, ann, client_id="g1"))
            assert await conversations.get(other.id) is None

    async def test_a_creation_that_a_draft_repeats_is_told_and_stores_nothing(
        self, log: ConversationLog, conversations: ConversationStore, people: list[User]
    ) -> None:
        ann, bob, eve = people
        wanted = group(ann, bob, eve)
        assert await log.repeated(creation(wanted, ann, client_id="g1")) is None
        first = await log.append(creation(wanted, ann, client_id="g1"))
        await alter(log, wanted, MemberRemoved(bob.id), TitleChanged("Others"))

        for again in (group(ann, bob, eve), group(ann, eve, bob)):
            repeated = await log.repeated(creation(again, ann, client_id="g1"))
            assert repeated == Appended(first.event, duplicate=True)
            assert await conversations.get(again.id) is None

    async def test_a_creation_that_repeats_nothing_is_none(
        self, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, eve = people
        await log.append(creation(group(ann, bob), ann, client_id="g1"))

        for new in (
            creation(group(ann, bob), ann),
            creation(group(ann, bob), ann, client_id="g2"),
            creation(group(bob, ann), bob, client_id="g1"),
            creation(group(ann, bob, title="friends"), ann, client_id="g1"),
            creation(group(ann, eve), ann, client_id="g1"),
            creation(group(ann, bob, eve), ann, client_id="g1"),
        ):
            assert await log.repeated(new) is None

    async def test_each_creator_has_client_ids_of_their_own_beside_those_of_messages(
        self, log: ConversationLog, people: list[User]
    ) -> None:
        ann, bob, _ = people
        results = [
            await log.append(creation(group(ann, bob), ann, client_id="c1")),
            await log.append(creation(group(bob, ann), bob, client_id="c1")),
            await log.append(creation(group(ann, bob), ann)),
            await log.append(creation(group(ann, bob), ann)),
            await log.append(draft(direct(ann, bob), ann, client_id="c1")),
        ]

        assert [each.duplicate for each in results] == [False] * 5

    async def test_of_concurrent_creations_with_one_client_id_one_is_stored(
        self, log: ConversationLog, conversations: ConversationStore, people: list[User]
    ) -> None:
        ann, bob, _ = people
        results = await asyncio.gather(
            *(log.append(creation(group(ann, bob), ann, client_id="g1")) for _ in range(5))
        )

        assert sorted(each.duplicate for each in results) == [False] + [True] * 4
        assert len({each.event.conversation_id for each in results}) == 1
        listed = await conversations.latest(ann.id, after=None, limit=9)
        assert len(listed.items) == 1

    # open_direct

    async def test_a_direct_conversation_is_stored_with_an_empty_log(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann, bob, _ = people

        assert await log.open_direct(between) == between
        assert await conversations.direct(bob.id, ann.id) == between
        assert await self.entries(reader, between) == []
        seen = await conversations.overview(ann.id, between.id)
        assert seen is not None
        assert (seen.standing.first_seq, seen.standing.last_seq) == (1, 0)
        assert (seen.last_message, seen.active_at) == (None, between.created_at)
        assert (await say(log, direct(ann, bob), bob, "hello"))[0].seq == 1

    async def test_where_the_two_have_a_direct_conversation_that_is_returned(
        self, log: ConversationLog, people: list[User], between: Conversation
    ) -> None:
        ann, bob, eve = people
        await say(log, between, ann, "hello")
        other = direct(ann, eve)

        assert await log.open_direct(direct(bob, ann)) == between
        assert await log.open_direct(other) == other
        assert await log.open_direct(direct(eve, ann)) == other

    async def test_opened_and_written_to_at_the_same_time_it_is_one_conversation(
        self, log: ConversationLog, conversations: ConversationStore, people: list[User]
    ) -> None:
        ann, bob, _ = people
        opened, sent, again = await asyncio.gather(
            log.open_direct(direct(ann, bob)),
            log.append(draft(direct(bob, ann), bob)),
            log.open_direct(direct(ann, bob)),
        )

        assert opened == again
        assert sent.message.conversation_id == opened.id
        assert await conversations.direct(ann.id, bob.id) == replace(opened)
