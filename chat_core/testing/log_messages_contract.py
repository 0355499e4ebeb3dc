# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `ConversationLog`: messages and their places."""

import asyncio
from dataclasses import replace

import pytest

from chat_core.conversations import Conversation, MemberAdded, Receipt, Role
from chat_core.errors import ClientIdConflict
from chat_core.messages import Message
from chat_core.ports.log import ConversationLog, Stale
from chat_core.ports.storage import ConversationStore, LogReader
from chat_core.testing.log_fixtures import LogFixtures
from chat_core.testing.makers import alter, at, create, direct, draft, group, say, user
from chat_core.users import User


class LogMessagesContract(LogFixtures):
    """Tests of messages that every `ConversationLog` must pass."""

    async def test_an_entry_is_stored_at_the_next_place_of_its_conversation(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        first = draft(between, ann, "one", client_id="c1", when=at(1))
        second = draft(between, bob, "two", when=at(2.5))
        appended = [await log.append(first), await log.append(second)]

        assert [each.duplicate for each in appended] == [False, False]
        assert [each.message for each in appended] == [
            Message(
                id=wanted.id,
                conversation_id=between.id,
                seq=seq,
                updated_seq=seq,
                sender_id=sender.id,
                recipient_id=recipient.id,
                body=wanted.body,
                client_message_id=wanted.client_id,
                created_at=wanted.at,
            )
            for seq, wanted, sender, recipient in ((1, first, ann, bob), (2, second, bob, ann))
        ]
        assert await self.stored(reader, between) == [each.message for each in appended]

    async def test_users_whose_accounts_are_kept_elsewhere_are_members_like_all_others(
        self, log: ConversationLog, reader: LogReader, conversations: ConversationStore
    ) -> None:
        ann, bob, eve = user("ann"), user("bob"), user("eve")
        friends = await create(log, group(ann, bob))
        joined = await alter(log, friends, MemberAdded(eve.id, Role.MEMBER), by=ann)
        said = await say(log, joined, eve, "hello")
        between = direct(ann, bob)
        said += await say(log, between, bob, "hi")

        assert await conversations.get(friends.id) == joined
        assert await conversations.direct(ann.id, bob.id) == between
        assert await conversations.peers([eve.id]) == {eve.id: {ann.id, bob.id}}
        assert await self.stored(reader, friends) == said[:1]
        assert await self.stored(reader, between) == said[1:]

    async def test_places_have_no_holes_under_concurrent_calls(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann, bob, eve = people
        others = [between, direct(bob, eve), direct(eve, ann)]
        senders = [(ann, bob), (bob, eve), (eve, ann)]
        drafts = [
            draft(others[number % 3], senders[number % 3][number % 2], f"{number}")
            for number in range(60)
        ]
        refused = [
            draft(replace(between, revision=99), ann, "stale"),
            draft(between, ann, "repeat", client_id="c1"),
            draft(between, ann, "conflict", client_id="c1"),
            draft(between, ann, "repeat", client_id="c1"),
        ]
        await log.append(draft(between, ann, "repeat", client_id="c1"))
        mixed = [*drafts[:15], *refused[:2], *drafts[15:30], *refused[2:], *drafts[30:]]
        results = await asyncio.gather(*map(log.append, mixed), return_exceptions=True)

        assert [type(each) for each in results if isinstance(each, BaseException)] == [
            Stale,
            ClientIdConflict,
        ]
        for conversation, count in zip(others, (21, 20, 20), strict=True):
            stored = await self.stored(reader, conversation)
            assert [message.seq for message in stored] == list(range(1, count + 1))

    async def test_calls_take_their_places_in_the_order_in_which_they_were_started(
        self, log: ConversationLog, people: list[User], between: Conversation
    ) -> None:
        drafts = [
            draft(between, people[number % 2], f"{number}", when=at(60 - number))
            for number in range(60)
        ]
        results = await asyncio.gather(*map(log.append, drafts))

        assert [each.message.seq for each in results] == list(range(1, 61))

    async def test_two_first_messages_of_the_same_two_users_make_one_conversation(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
    ) -> None:
        ann, bob, _ = people
        results = await asyncio.gather(
            log.append(draft(direct(ann, bob), ann, "from Ann")),
            log.append(draft(direct(bob, ann), bob, "from Bob")),
        )

        stored = await conversations.direct(ann.id, bob.id)
        assert stored is not None
        messages = [each.message for each in results]
        assert [(each.conversation_id, each.seq) for each in messages] == [
            (stored.id, 1),
            (stored.id, 2),
        ]
        assert await self.stored(reader, stored) == messages
        listed = await conversations.latest(ann.id, after=None, limit=2)
        assert [each.conversation_id for each in listed.items] == [stored.id]

    async def test_a_conversation_that_has_changed_since_is_stale_and_nothing_is_stored(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann = people[0]
        await log.append(draft(between, ann, "one"))
        with pytest.raises(Stale):
            await log.append(draft(replace(between, revision=1), ann, "stale", client_id="c1"))

        appended = await log.append(draft(between, ann, "two", client_id="c1"))
        assert (appended.message.seq, appended.duplicate) == (2, False)
        said = [message.text for message in await self.stored(reader, between)]
        assert said == ["one", "two"]

    async def test_a_group_that_is_not_stored_is_stale_and_nothing_is_stored(
        self, log: ConversationLog, conversations: ConversationStore, people: list[User]
    ) -> None:
        ann = people[0]
        unknown = group(ann, *people[1:])
        with pytest.raises(Stale):
            await log.append(draft(unknown, ann))

        assert await conversations.get(unknown.id) is None
        assert (await conversations.latest(ann.id, after=None, limit=1)).items == []

    async def test_the_senders_own_receipt_moves_to_the_new_entry(
        self,
        log: ConversationLog,
        conversations: ConversationStore,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        moves = []
        for sender in (ann, ann, bob, ann):
            await log.append(draft(between, sender))
            seen = await conversations.overview(bob.id, between.id)
            assert seen is not None
            assert seen.standing.read_seq == next(
                each.read_seq for each in seen.standing.receipts if each.user_id == bob.id
            )
            moves.append({each.user_id: each for each in seen.standing.receipts})

        assert moves == [
            {each.id: Receipt(each.id, seq, seq) for each, seq in ((ann, anns), (bob, bobs))}
            for anns, bobs in ((1, 0), (2, 0), (2, 3), (4, 3))
        ]
