# ruff: noqa: D102 (a test's name is its sentence)
"""The contract of `ConversationLog`."""

import asyncio
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace

import pytest

from chat_core.conversations import Conversation, ConversationKind, Member, Receipt, Role
from chat_core.errors import ClientIdConflict
from chat_core.events import MessageSent
from chat_core.ids import ConversationId
from chat_core.messages import Message
from chat_core.ports.storage import (
    Appended,
    Committed,
    ConversationLog,
    ConversationStore,
    MessageDraft,
    Stale,
    UserStore,
)
from chat_core.testing.makers import at, direct, draft, new_id, stored_users
from chat_core.users import User

DEADLINE_SECONDS = 10


@dataclass(slots=True)
class Followed:
    """A follower that keeps what it gets; a test can wait for it."""

    committed: list[Committed] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, committed: Committed) -> None:
        """Take one entry."""
        self.committed.append(committed)
        self.threads.add(threading.get_ident())
        self._more.set()

    def messages(self) -> list[Message]:
        """The messages that were committed, in the order in which they came."""
        return [committed.event.message for committed in self.committed]

    async def until(self, count: int) -> None:
        """Wait until that many entries came; raises `TimeoutError`."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while len(self.committed) < count:
                self._more.clear()
                await self._more.wait()


async def append_and_walk_away(log: ConversationLog, wanted: MessageDraft) -> None:
    """Call `append`, and cancel the caller as soon as the call was started."""
    started = asyncio.Event()

    async def call() -> Appended:
        started.set()
        return await log.append(wanted)

    caller = asyncio.create_task(call())
    await started.wait()
    caller.cancel()
    with suppress(asyncio.CancelledError):
        await caller


class ConversationLogContract:
    """What every `ConversationLog` must do.

    Subclass it, and give it the fixtures `log`, `conversations` and `users`: a `ConversationLog`,
    a `ConversationStore` and a `UserStore` of the same backend.
    """

    @pytest.fixture
    async def people(self, users: UserStore) -> list[User]:
        """Store Ann, Bob and Eve."""
        return await stored_users(users, "ann", "bob", "eve")

    @pytest.fixture
    def between(self, people: list[User]) -> Conversation:
        """A conversation of Ann and Bob, not stored yet."""
        return direct(people[0], people[1])

    @pytest.fixture
    def followed(self, log: ConversationLog) -> Followed:
        """The log's follower."""
        follower = Followed()
        log.follow(follower)
        return follower

    async def stored(self, conversations: ConversationStore, of: Conversation) -> list[Message]:
        """Everything that the store has of a conversation."""
        return list((await conversations.history(of.id, before=None, after=0, limit=200)).items)

    # append

    async def test_an_entry_is_stored_at_the_next_place_of_its_conversation(
        self,
        log: ConversationLog,
        conversations: ConversationStore,
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
                content=wanted.content,
                client_message_id=wanted.client_id,
                created_at=wanted.at,
            )
            for seq, wanted, sender, recipient in ((1, first, ann, bob), (2, second, bob, ann))
        ]
        assert await self.stored(conversations, between) == [each.message for each in appended]

    async def test_places_have_no_holes_under_concurrent_calls(
        self,
        log: ConversationLog,
        conversations: ConversationStore,
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
            stored = await self.stored(conversations, conversation)
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

    async def test_the_same_client_id_again_returns_the_first_message_whatever_has_changed(
        self,
        log: ConversationLog,
        conversations: ConversationStore,
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
            assert await log.append(again) == Appended(first.message, duplicate=True)

        assert [message.seq for message in await self.stored(conversations, between)] == [1, 2]

    async def test_of_concurrent_calls_with_one_client_id_one_is_stored(
        self,
        log: ConversationLog,
        conversations: ConversationStore,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann = people[0]
        results = await asyncio.gather(
            *(log.append(draft(between, ann, client_id="c1")) for _ in range(10))
        )

        assert sorted(each.duplicate for each in results) == [False] + [True] * 9
        (stored,) = await self.stored(conversations, between)
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
        assert again == [Appended(each.message, duplicate=True) for each in results]

    async def test_the_same_client_id_for_something_else_is_a_conflict(
        self,
        log: ConversationLog,
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

        assert await self.stored(conversations, between) == [first.message]
        assert len(await self.stored(conversations, known)) == 1

    async def test_two_first_messages_of_the_same_two_users_make_one_conversation(
        self, log: ConversationLog, conversations: ConversationStore, people: list[User]
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
        assert await self.stored(conversations, stored) == messages
        listed = await conversations.overviews(ann.id, after=None, limit=2)
        assert [each.conversation for each in listed.items] == [stored]

    async def test_a_conversation_that_has_changed_since_is_stale_and_nothing_is_stored(
        self,
        log: ConversationLog,
        conversations: ConversationStore,
        people: list[User],
        between: Conversation,
    ) -> None:
        ann = people[0]
        await log.append(draft(between, ann, "one"))
        with pytest.raises(Stale):
            await log.append(draft(replace(between, revision=1), ann, "stale", client_id="c1"))

        appended = await log.append(draft(between, ann, "two", client_id="c1"))
        assert (appended.message.seq, appended.duplicate) == (2, False)
        said = [message.content for message in await self.stored(conversations, between)]
        assert said == ["one", "two"]

    async def test_a_group_that_is_not_stored_is_stale_and_nothing_is_stored(
        self, log: ConversationLog, conversations: ConversationStore, people: list[User]
    ) -> None:
        ann = people[0]
        members = {each.id: Member(each.id, Role.OWNER, at(0)) for each in people}
        group = Conversation(
            ConversationId(new_id()), ConversationKind.GROUP, "Friends", members, 1, at(0)
        )
        with pytest.raises(Stale):
            await log.append(draft(group, ann))

        assert await conversations.get(group.id) is None
        assert (await conversations.overviews(ann.id, after=None, limit=1)).items == []

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
            (seen,) = (await conversations.overviews(bob.id, after=None, limit=1)).items
            assert seen.read_seq == next(
                each.read_seq for each in seen.receipts if each.user_id == bob.id
            )
            moves.append({each.user_id: each for each in seen.receipts})

        assert moves == [
            {each.id: Receipt(each.id, seq, seq) for each, seq in ((ann, anns), (bob, bobs))}
            for anns, bobs in ((1, 0), (2, 0), (2, 3), (4, 3))
        ]

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
        conversations: ConversationStore,
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

        stored = await self.stored(conversations, between)
        assert sorted(str(message.content) for message in stored) == [str(n) for n in range(10)]
        assert followed.messages() == stored
        again = [await log.append(wanted) for wanted in drafts]
        assert [each.duplicate for each in again] == [True] * 10

    # follow

    async def test_a_log_has_one_follower_the_one_that_was_set_last(
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

        assert [message.content for message in followed.messages()] == ["one"]
        assert [message.content for message in second.messages()] == ["two"]

    async def test_a_log_without_a_follower_stores_all_the_same(
        self,
        log: ConversationLog,
        conversations: ConversationStore,
        people: list[User],
        between: Conversation,
    ) -> None:
        appended = await log.append(draft(between, people[0]))

        assert await self.stored(conversations, between) == [appended.message]

    async def test_the_follower_runs_in_the_event_loops_thread(
        self,
        log: ConversationLog,
        people: list[User],
        between: Conversation,
        followed: Followed,
    ) -> None:
        await asyncio.gather(*(log.append(draft(between, people[0])) for _ in range(20)))

        assert followed.threads == {threading.get_ident()}
