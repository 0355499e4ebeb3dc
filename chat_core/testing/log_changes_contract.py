# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `ConversationLog`: changes of members, roles and titles."""

import asyncio
from dataclasses import replace

import pytest

from chat_core.conversations import (
    Change,
    Conversation,
    Member,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    Role,
    RoleChanged,
    TitleChanged,
)
from chat_core.errors import ClientIdConflict
from chat_core.events import ConversationUpdated, MessageSent
from chat_core.ports.log import Appended, ConversationLog, Stale
from chat_core.ports.storage import ConversationStore, LogReader, ReceiptStore, UserStore
from chat_core.testing.log_fixtures import LogFixtures
from chat_core.testing.makers import alter, at, change, draft, revise, say, stored_users
from chat_core.users import User


class LogChangesContract(LogFixtures):
    """Tests of conversation changes that every `ConversationLog` must pass."""

    async def test_a_change_is_in_force_when_it_is_stored(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        users: UserStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        ann, bob, eve = people
        (joe,) = await stored_users(users, "joe")
        changes: list[Change] = [
            MemberAdded(joe.id, Role.ADMIN),
            RoleChanged(bob.id, Role.OWNER),
            TitleChanged("New title \U0001f600"),
            MemberRemoved(eve.id),
            MemberDeleted(joe.id),
            MemberAdded(eve.id, Role.MEMBER),
        ]
        told, now = [], friends
        for seq, each in enumerate(changes, start=2):
            appended = await log.append(change(now, each, ann, when=at(seq)))
            event = ConversationUpdated.of(friends.id, seq, ann.id, each)
            assert appended == Appended(event)
            now = now.changed(each, seq, at(seq))
            assert await conversations.get(friends.id) == now
            assert now.revision == seq
            told.append(event)

        assert now.title == "New title \U0001f600"
        assert now.members == {
            ann.id: Member(ann.id, Role.OWNER, at(0)),
            bob.id: Member(bob.id, Role.OWNER, at(0)),
            eve.id: Member(eve.id, Role.MEMBER, at(7)),
        }
        assert (await self.entries(reader, friends))[1:] == told

    async def test_a_message_leaves_the_revision_as_it_is(
        self,
        log: ConversationLog,
        conversations: ConversationStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        (said,) = await say(log, friends, people[1], "hello")
        await revise(log, friends, said, "Hello")

        assert await conversations.get(friends.id) == friends

    async def test_a_change_that_was_judged_on_another_revision_is_stale_and_not_stored(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        ann, bob, eve = people
        now = await alter(log, friends, RoleChanged(bob.id, Role.ADMIN))
        for each in (MemberRemoved(eve.id), TitleChanged("stale"), MemberDeleted(bob.id)):
            with pytest.raises(Stale):
                await log.append(change(friends, each, ann))
        with pytest.raises(Stale):
            await log.append(draft(friends, ann, client_id="c1"))

        assert await conversations.get(friends.id) == now
        assert len(await self.entries(reader, friends)) == 2

    async def test_of_concurrent_changes_judged_on_one_revision_one_is_stored(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        results = await asyncio.gather(
            *(log.append(change(friends, TitleChanged(f"{n}"), people[0])) for n in range(5)),
            log.append(draft(friends, people[1])),
            return_exceptions=True,
        )

        assert [type(each) for each in results] == [Appended] + [Stale] * 5
        assert await conversations.get(friends.id) == replace(friends, title="0", revision=2)
        assert len(await self.entries(reader, friends)) == 2

    async def test_a_message_between_two_changes_has_its_place_between_them(
        self, log: ConversationLog, people: list[User], friends: Conversation
    ) -> None:
        ann = people[0]
        changed = friends.changed(TitleChanged("New"), 3, at(0))
        results = await asyncio.gather(
            log.append(draft(friends, ann)),
            log.append(change(friends, TitleChanged("New"), ann)),
            log.append(draft(changed, ann)),
            log.append(change(changed, TitleChanged("Newer"), ann)),
        )

        assert [each.event.seq for each in results] == [2, 3, 4, 5]

    async def test_a_new_or_returning_member_keeps_the_receipt_of_before(
        self,
        log: ConversationLog,
        reader: LogReader,
        receipts: ReceiptStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        bob = people[1]
        await receipts.move(friends.id, bob.id, delivered=1, read=1)
        await alter(log, friends, MemberRemoved(bob.id), MemberAdded(bob.id, Role.MEMBER))

        standing = await reader.standing(bob.id, friends.id)
        assert standing is not None
        assert (standing.last_seq, standing.read_seq) == (3, 1)

    # deleted accounts

    async def test_a_member_whose_account_is_deleted_leaves_no_content_and_keeps_the_places(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        ann, bob, _ = people
        one, two, three = [
            (await say(log, friends, sender, "hello", when=at(1)))[0] for sender in (bob, ann, bob)
        ]
        before = await revise(log, friends, one, None, when=at(2))
        edited = await revise(log, friends, three, "Hello", when=at(3))
        now = await alter(log, friends, MemberDeleted(bob.id), by=bob, when=at(4))

        assert bob.id not in now.members
        assert await conversations.get(friends.id) == now
        gone = replace(edited.message, updated_seq=7, body=None, deleted_at=at(4))
        assert await self.stored(reader, friends) == [before.message, two, gone]

    async def test_in_a_direct_conversation_both_stay_and_it_has_ended(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        (anns,) = await say(log, between, ann, "hello")
        (bobs,) = await say(log, between, bob, "hi")
        now = await alter(log, between, MemberDeleted(bob.id), by=bob, when=at(4))

        assert await conversations.direct(ann.id, bob.id) == now
        assert (now.gone, now.members) == (frozenset({bob.id}), between.members)
        gone = replace(bobs, updated_seq=3, body=None, deleted_at=at(4))
        assert await self.stored(reader, between) == [anns, gone]
        with pytest.raises(Stale):
            await log.append(draft(between, ann))

    async def test_when_both_accounts_are_gone_both_leave_no_content(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann, bob, _ = people
        await say(log, between, ann, "hello")
        await say(log, between, bob, "hi")
        now = await alter(log, between, MemberDeleted(bob.id), MemberDeleted(ann.id))

        assert await conversations.get(between.id) == now
        assert now.gone == frozenset({ann.id, bob.id})
        stored = await self.stored(reader, between)
        assert [(each.text, each.updated_seq) for each in stored] == [(None, 4), (None, 3)]

    async def test_the_content_of_others_and_elsewhere_stays(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
        friends: Conversation,
    ) -> None:
        ann, bob, _ = people
        kept = await say(log, between, bob, "elsewhere")
        await say(log, friends, ann, "of another")
        await alter(log, friends, MemberDeleted(bob.id))

        assert await self.stored(reader, between) == kept
        assert [each.text for each in await self.stored(reader, friends)] == ["of another"]

    async def test_a_repeat_is_answered_with_the_message_that_was_emptied(
        self, log: ConversationLog, people: list[User], friends: Conversation
    ) -> None:
        bob = people[1]
        wanted = draft(friends, bob, "hello", client_id="c1")
        sent = await log.append(wanted)
        await alter(log, friends, MemberDeleted(bob.id), by=bob, when=at(4))

        emptied = replace(sent.message, updated_seq=3, body=None, deleted_at=at(4))
        assert await log.append(wanted) == Appended(MessageSent(emptied), duplicate=True)

    async def test_who_had_left_before_leaves_no_content_either(
        self,
        log: ConversationLog,
        reader: LogReader,
        conversations: ConversationStore,
        people: list[User],
        friends: Conversation,
    ) -> None:
        ann, bob, _ = people
        (bobs,) = await say(log, friends, bob, "hello")
        (anns,) = await say(log, friends, ann, "hi")
        left = await alter(log, friends, MemberRemoved(bob.id))
        now = await alter(log, left, MemberDeleted(bob.id), when=at(4))

        assert now.members == left.members
        assert await conversations.get(friends.id) == now
        gone = replace(bobs, updated_seq=5, body=None, deleted_at=at(4))
        assert await self.stored(reader, friends) == [gone, anns]
        standing = await reader.standing(bob.id, friends.id)
        assert standing is not None
        assert standing.last_seq == 4

    async def test_nothing_is_kept_of_what_a_deleted_account_first_sent(
        self, log: ConversationLog, people: list[User], friends: Conversation, between: Conversation
    ) -> None:
        bob = people[1]
        for client_id in ("kept", "edited", "deleted"):
            await log.append(draft(friends, bob, "first", client_id=client_id))
        elsewhere = await log.append(draft(between, bob, "elsewhere", client_id="other"))
        _, edited, deleted = [
            (await log.append(draft(friends, bob, "first", client_id=each))).message
            for each in ("kept", "edited", "deleted")
        ]
        await revise(log, friends, edited, "second")
        await revise(log, friends, deleted, None)
        await alter(log, friends, MemberDeleted(bob.id))

        for client_id in ("kept", "edited", "deleted"):
            again = await log.append(draft(friends, bob, "whatever", client_id=client_id))
            assert (again.duplicate, again.message.text) == (True, None)
            assert again == await log.repeated(draft(friends, bob, "more", client_id=client_id))
        with pytest.raises(ClientIdConflict):
            await log.append(draft(between, bob, "whatever", client_id="other"))
        with pytest.raises(ClientIdConflict):
            await log.append(draft(between, bob, "whatever", client_id="kept"))
        assert (await log.append(draft(between, bob, "elsewhere", client_id="other"))) == Appended(
            elsewhere.event, duplicate=True
        )
