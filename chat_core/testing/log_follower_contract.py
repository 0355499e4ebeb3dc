# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `ConversationLog`: its followers."""

import asyncio
import threading
from dataclasses import replace
from functools import partial

import pytest

from chat_core.conversations import (
    Conversation,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    Role,
    RoleChanged,
    TitleChanged,
)
from chat_core.errors import ClientIdConflict
from chat_core.events import MessageSent
from chat_core.ports.log import Committed, ConversationLog, MessageDraft, Stale
from chat_core.ports.storage import LogReader, UserStore
from chat_core.testing.log_fixtures import Followed, LogFixtures, append_and_walk_away
from chat_core.testing.makers import (
    alter,
    change,
    creation,
    draft,
    group,
    revise,
    revision,
    say,
    stored_users,
)
from chat_core.users import User


class LogFollowerContract(LogFixtures):
    """Tests of followers that every `ConversationLog` must pass."""

    async def test_the_follower_gets_each_committed_entry_in_order_before_append_returns(
        self,
        log: ConversationLog,
        people: list[User],
        between: Conversation,
        followed: Followed,
    ) -> None:
        async def append_and_look(wanted: MessageDraft) -> bool:
            appended = await log.append(wanted)
            return appended.message in followed.messages()

        drafts = [draft(between, people[number % 2], f"{number}") for number in range(40)]
        looks = await asyncio.gather(*map(append_and_look, drafts))

        assert looks == [True] * 40
        assert [message.seq for message in followed.messages()] == list(range(1, 41))

    async def test_the_follower_gets_no_repeat_and_nothing_that_was_refused(
        self,
        log: ConversationLog,
        people: list[User],
        between: Conversation,
        followed: Followed,
    ) -> None:
        ann = people[0]
        first = await log.append(draft(between, ann, client_id="c1"))
        await log.append(draft(between, ann, client_id="c1"))
        for refused in (
            draft(between, ann, "other", client_id="c1"),
            draft(replace(between, revision=1), ann),
        ):
            with pytest.raises((ClientIdConflict, Stale)):
                await log.append(refused)
        last = await log.append(draft(between, ann, "last"))

        assert followed.messages() == [first.message, last.message]

    async def test_the_follower_gets_the_members_and_the_connection_whose_event_it_was(
        self,
        log: ConversationLog,
        people: list[User],
        between: Conversation,
        followed: Followed,
    ) -> None:
        ann, bob, _ = people
        first = await log.append(draft(between, ann, connection="phone"))
        second = await log.append(draft(between, bob))

        assert [(each.event, set(each.audience), each.cause) for each in followed.committed] == [
            (MessageSent(first.message), {ann.id, bob.id}, "phone"),
            (MessageSent(second.message), {ann.id, bob.id}, None),
        ]

    async def test_a_cancelled_caller_stops_neither_the_commit_nor_the_follower(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
        followed: Followed,
    ) -> None:
        ann = people[0]
        drafts = [draft(between, ann, f"{number}", client_id=f"c{number}") for number in range(10)]
        await asyncio.gather(
            *(
                append_and_walk_away(log, wanted) if number % 2 else log.append(wanted)
                for number, wanted in enumerate(drafts)
            )
        )
        await followed.until(10)

        stored = await self.stored(reader, between)
        assert sorted(str(message.text) for message in stored) == [str(n) for n in range(10)]
        assert followed.messages() == stored
        again = [await log.append(wanted) for wanted in drafts]
        assert [each.duplicate for each in again] == [True] * 10

    async def test_each_follower_gets_what_is_committed_after_it_was_added(
        self,
        log: ConversationLog,
        people: list[User],
        between: Conversation,
        followed: Followed,
    ) -> None:
        ann = people[0]
        await log.append(draft(between, ann, "one"))
        second = Followed()
        log.follow(second)
        await log.append(draft(between, ann, "two"))

        assert [message.text for message in followed.messages()] == ["one", "two"]
        assert [message.text for message in second.messages()] == ["two"]

    async def test_of_each_entry_followers_hear_in_the_order_in_which_they_were_added(
        self, log: ConversationLog, people: list[User], between: Conversation
    ) -> None:
        told: list[tuple[str, int]] = []

        def note(name: str, committed: Committed) -> None:
            told.append((name, committed.event.seq))

        for name in ("first", "second"):
            log.follow(partial(note, name))
        await asyncio.gather(*(log.append(draft(between, people[0])) for _ in range(3)))

        assert told == [(name, seq) for seq in (1, 2, 3) for name in ("first", "second")]

    async def test_a_log_without_a_follower_stores_all_the_same(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        between: Conversation,
    ) -> None:
        appended = await log.append(draft(between, people[0]))

        assert await self.stored(reader, between) == [appended.message]

    async def test_the_follower_runs_in_the_event_loops_thread(
        self,
        log: ConversationLog,
        people: list[User],
        between: Conversation,
        followed: Followed,
    ) -> None:
        await asyncio.gather(*(log.append(draft(between, people[0])) for _ in range(20)))

        assert followed.threads == {threading.get_ident()}

    async def test_the_follower_is_told_the_members_before_and_after_an_entry(
        self,
        log: ConversationLog,
        users: UserStore,
        people: list[User],
        followed: Followed,
    ) -> None:
        ann, bob, eve = people
        (joe,) = await stored_users(users, "joe")
        three = {ann.id, bob.id, eve.id}
        friends = group(*people)
        await log.append(creation(friends, ann, connection="phone"))
        (said,) = await say(log, friends, eve, "hello")
        await revise(log, friends, said, "Hello")
        await alter(
            log,
            friends,
            MemberAdded(joe.id, Role.MEMBER),
            MemberRemoved(eve.id),
            RoleChanged(bob.id, Role.OWNER),
            TitleChanged("Others"),
            MemberDeleted(ann.id),
        )

        assert [(set(each.audience), each.cause) for each in followed.committed] == [
            (three, "phone"),
            (three, None),
            (three, None),
            (three | {joe.id}, None),
            (three | {joe.id}, None),
            ({ann.id, bob.id, joe.id}, None),
            ({ann.id, bob.id, joe.id}, None),
            ({ann.id, bob.id, joe.id}, None),
        ]

    async def test_the_follower_gets_entries_of_every_kind_in_order_and_no_repeat(
        self,
        log: ConversationLog,
        reader: LogReader,
        people: list[User],
        followed: Followed,
    ) -> None:
        ann, bob, _ = people
        friends = group(ann, bob)
        created = creation(friends, ann, client_id="g1")
        await log.append(created)
        (said,) = await say(log, friends, bob, "hello")
        await asyncio.gather(
            log.append(created),
            log.append(revision(friends, said, "Hello")),
            log.append(change(friends, TitleChanged("New"), ann)),
            log.append(change(friends, TitleChanged("stale"), ann)),
            log.append(draft(friends, bob, "stale")),
            return_exceptions=True,
        )

        assert [event.seq for event in followed.events()] == [1, 2, 3, 4]
        assert followed.events()[2:] == (await self.entries(reader, friends))[2:]
