"""`sync`, sentence by sentence; whatever happened, against the pushes that were missed."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_core import Conversation, ConversationId, Message, Role, User, UserId
from chat_core.conversations import (
    Change,
    MemberAdded,
    MemberDeleted,
    MemberRemoved,
    Standing,
    TitleChanged,
)
from chat_core.errors import Invalid
from chat_core.events import ChangeKind, ConversationUpdated, LogEvent, MessageSent, MessageUpdated
from chat_core.ids import MessageId
from chat_core.memory import SystemClock
from chat_core.messages import History
from chat_core.ports.log import Committed
from chat_core.ports.storage import LogReader
from chat_core.services import synchronising
from chat_core.services.fair_queue import FairQueue
from chat_core.services.synchronising import (
    DEFAULT_LIMIT,
    MAX_CONVERSATIONS,
    MAX_LIMIT,
    NOWHERE,
    SyncAnswer,
    SyncedConversation,
    Synchronising,
    SyncRequest,
)
from chat_core.testing.makers import alter, at, create, direct, group, revise, say, stored_users
from chat_core.wire_sizes import (
    CONVERSATION_BYTES,
    ENTRY_BYTES,
    MEMBER_BYTES,
    PAGE_BYTES,
    RECEIPT_BYTES,
    entry_size,
    text_size,
)
from tests.support.stores import Stores, memory_stores

UNKNOWN = ConversationId("unknown")


@dataclass
class World:
    """Ann, Bob and Eve, their conversations, and what was pushed."""

    stores: Stores
    ann: User
    bob: User
    eve: User
    sync: Synchronising
    conversations: dict[ConversationId, Conversation] = field(default_factory=dict)
    pushed: dict[ConversationId, list[LogEvent]] = field(default_factory=dict)
    removed_at: dict[tuple[ConversationId, UserId], int] = field(default_factory=dict)

    def follow(self, committed: Committed) -> None:
        self.pushed.setdefault(committed.event.conversation_id, []).append(committed.event)

    async def group(self, *others: User) -> Conversation:
        made = await create(self.stores.log, group(self.ann, *others))
        self.conversations[made.id] = made
        return made

    async def change(self, of: Conversation, change: Change) -> Conversation:
        now = await alter(self.stores.log, self.conversations[of.id], change)
        self.conversations[of.id] = now
        return now

    async def say(self, of: Conversation, by: User, *said: str) -> list[Message]:
        now = self.conversations.get(of.id, of)
        return await say(self.stores.log, now, by, *said)

    async def ask(
        self,
        named: Mapping[ConversationId, int],
        *,
        others: bool = False,
        limit: int = DEFAULT_LIMIT,
        user: User | None = None,
    ) -> list[SyncAnswer]:
        """Every answer of one request, to its last cursor."""
        request = SyncRequest(named, others, limit)
        answers: list[SyncAnswer] = []
        while True:
            answers.append(await self.sync.sync((user or self.ann).id, request))
            if answers[-1].next is None:
                return answers
            request = replace(request, after=answers[-1].next)

    async def one(
        self, of: ConversationId, seq: int, *, limit: int = DEFAULT_LIMIT, user: User | None = None
    ) -> SyncedConversation:
        """What is answered of one conversation."""
        (answer,) = await self.ask({of: seq}, limit=limit, user=user)
        (part,) = answer.conversations
        return part

    def now(self, of: ConversationId) -> list[LogEvent]:
        """The pushes of a conversation, each message as it is now."""
        pushes = self.pushed.get(of, [])
        latest: dict[str, Message] = {}
        for event in pushes:
            if not isinstance(event, ConversationUpdated):
                latest[event.message.id] = event.message
            elif event.change is ChangeKind.MEMBER_DELETED:
                latest |= {
                    each.id: replace(each, body=None, updated_seq=event.seq, deleted_at=at(0))
                    for each in latest.values()
                    if each.sender_id == event.user_id and each.deleted_at is None
                }
        return [
            event
            if isinstance(event, ConversationUpdated)
            else replace(event, message=latest[event.message.id])
            for event in pushes
        ]


@contextmanager
def bounds(*, conversations: int = MAX_CONVERSATIONS, size: int = PAGE_BYTES) -> Iterator[None]:
    """Small bounds of an answer, so that small logs reach them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synchronising, "MAX_CONVERSATIONS", conversations)
        patch.setattr(synchronising, "PAGE_BYTES", size)
        yield


def new_sync(stores: Stores, reader: LogReader) -> Synchronising:
    return Synchronising(stores.conversations, reader, FairQueue(SystemClock()))


async def new_world(stores: Stores) -> World:
    ann, bob, eve = await stored_users(stores.users, "ann", "bob", "eve")
    world = World(stores, ann, bob, eve, new_sync(stores, stores.reader))
    stores.log.follow(world.follow)
    return world


@pytest.fixture
async def world(stores: Stores) -> World:
    return await new_world(stores)


# sentence by sentence


async def test_the_pushes_that_were_missed_are_answered_in_order(world: World) -> None:
    friends = await world.group(world.bob)
    one, two = await world.say(friends, world.bob, "one", "two")
    await revise(world.stores.log, friends, one, "One", when=at(1))
    await world.change(friends, TitleChanged("Others"))

    for seq in range(6):
        part = await world.one(friends.id, seq)
        assert list(part.entries) == world.now(friends.id)[seq:]
        assert (part.has_more, part.reset) == (False, False)
        assert part.standing == await world.stores.reader.standing(world.ann.id, friends.id)
    assert world.now(friends.id)[2] == MessageSent(two)


async def test_a_message_is_shown_as_it_is_now_at_each_of_its_places(world: World) -> None:
    friends = await world.group(world.bob)
    (said,) = await world.say(friends, world.bob, "secret")
    edited = await revise(world.stores.log, friends, said, "less secret")
    gone = await revise(world.stores.log, friends, edited.message, None)

    part = await world.one(friends.id, 1)
    assert list(part.entries) == [
        MessageSent(gone.message),
        MessageUpdated(3, gone.message),
        MessageUpdated(4, gone.message),
    ]


async def test_of_what_nothing_was_missed_there_is_an_empty_answer(world: World) -> None:
    friends = await world.group(world.bob)
    empty = await world.stores.log.open_direct(direct(world.ann, world.bob))

    for of, seq in ((friends.id, 1), (empty.id, 0)):
        part = await world.one(of, seq)
        assert (list(part.entries), part.has_more, part.reset) == ([], False, False)
        assert part.standing.last_seq == seq


@pytest.mark.parametrize("seq", [-1, 7, 2**63 - 1, -(2**63)])
async def test_a_seq_that_cannot_be_resets_with_the_latest_entries(world: World, seq: int) -> None:
    friends = await world.group(world.bob)
    await world.say(friends, world.bob, "2", "3", "4", "5", "6")

    part = await world.one(friends.id, seq, limit=2)
    assert list(part.entries) == world.now(friends.id)[4:]
    assert (part.reset, part.has_more) == (True, False)
    assert part.standing.last_seq == 6


async def test_a_conversation_that_is_unknown_or_of_others_resets_with_nothing(
    world: World,
) -> None:
    between = direct(world.bob, world.eve)
    await world.say(between, world.bob, "secret")

    for of, seq in ((UNKNOWN, 0), (UNKNOWN, 7), (between.id, 0), (between.id, 1)):
        assert await world.one(of, seq) == SyncedConversation(of, (), NOWHERE, reset=True)
    assert Standing(1, 0, 0, 0, (), is_member=False) == NOWHERE


async def test_whoever_was_removed_gets_the_log_up_to_the_removal_and_no_content_of_later(
    world: World,
) -> None:
    friends = await world.group(world.bob, world.eve)
    one, two = await world.say(friends, world.ann, "one", "two")
    now = await world.change(friends, MemberRemoved(world.bob.id))
    await revise(world.stores.log, now, one, "for others", when=at(1))
    await world.say(friends, world.ann, "later")

    part = await world.one(friends.id, 1, user=world.bob)
    assert list(part.entries) == [
        MessageSent(replace(one, body=None)),
        MessageSent(two),
        ConversationUpdated.of(friends.id, 4, world.ann.id, MemberRemoved(world.bob.id)),
    ]
    assert part.standing == Standing(1, 4, 0, 0, (), is_member=False)
    assert (part.reset, part.has_more) == (False, False)
    there = await world.one(friends.id, 4, user=world.bob)
    assert (list(there.entries), there.reset, there.has_more) == ([], False, False)
    beyond = await world.one(friends.id, 5, user=world.bob)
    assert (list(beyond.entries), beyond.reset) == (
        [world.pushed[friends.id][0], *part.entries],
        True,
    )
    (latest,) = await world.ask({}, others=True, user=world.bob)
    assert latest.conversations == []


async def test_whoever_returned_gets_the_whole_log(world: World) -> None:
    friends = await world.group(world.bob)
    await world.change(friends, MemberRemoved(world.bob.id))
    await world.say(friends, world.ann, "meanwhile")
    await world.change(friends, MemberAdded(world.bob.id, Role.MEMBER))

    part = await world.one(friends.id, 2, user=world.bob)
    assert list(part.entries) == world.now(friends.id)[2:]


async def test_the_others_follow_the_named_ones_latest_activity_first_with_their_latest(
    world: World,
) -> None:
    groups = [await world.group(world.bob) for _ in range(3)]
    for number, each in enumerate(groups):
        await say(world.stores.log, each, world.bob, *"abcd", when=at(number))

    (answer,) = await world.ask({groups[1].id: 4}, others=True, limit=2)
    assert [
        (part.conversation_id, [entry.seq for entry in part.entries], part.has_more)
        for part in answer.conversations
    ] == [(groups[1].id, [5], False), (groups[2].id, [4, 5], False), (groups[0].id, [4, 5], False)]
    (named,) = await world.ask({groups[1].id: 4}, limit=2)
    assert list(named.conversations) == list(answer.conversations)[:1]


async def test_answers_are_counted_and_the_entries_in_them(world: World) -> None:
    friends = await world.group(world.bob)
    await world.say(friends, world.bob, "one", "two")
    await world.one(friends.id, 0)
    await world.one(friends.id, 1)
    with pytest.raises(Invalid):
        await world.ask({friends.id: 0}, limit=0)

    assert (world.sync.synced.answers, world.sync.synced.entries) == (2, 5)


@pytest.mark.parametrize("limit", [0, -1, MAX_LIMIT + 1])
async def test_a_limit_that_cannot_be_is_invalid(world: World, limit: int) -> None:
    with pytest.raises(Invalid) as caught:
        await world.ask({}, limit=limit)
    assert [each.field for each in caught.value.errors] == ["limit"]


async def test_an_answer_ends_at_100_conversations_and_at_256_kib(world: World) -> None:
    many = [await world.group() for _ in range(MAX_CONVERSATIONS + 1)]
    named, others = dict.fromkeys((each.id for each in many), 0), True
    for answers in (await world.ask(named), await world.ask({}, others=others)):
        assert [len(each.conversations) for each in answers] == [MAX_CONVERSATIONS, 1]

    await world.say(many[0], world.ann, *(["x" * 4000] * 80))
    cut = await world.one(many[0].id, 1, limit=MAX_LIMIT)
    assert cut.has_more
    assert 0 < len(cut.entries) < 80
    assert sum(map(entry_size, cut.entries)) <= PAGE_BYTES


async def test_the_conversations_of_an_answer_share_its_bound(world: World) -> None:
    named = {}
    for _ in range(3):
        each = await world.group(world.bob)
        await world.say(each, world.ann, *(["x" * 4000] * 40))
        named[each.id] = 1

    for answers in (await world.ask(named), await world.ask({}, others=True)):
        for answer in answers:
            sizes = [entry_size(entry) for part in answer.conversations for entry in part.entries]
            assert sum(sizes) <= PAGE_BYTES + 2 * max(sizes)


async def test_an_entry_that_is_larger_than_an_answer_comes_alone(world: World) -> None:
    friends = await world.group(world.bob)
    await world.say(friends, world.bob, "x" * 4000, "y" * 4000)
    with bounds(size=10):
        for seq in range(3):
            part = await world.one(friends.id, seq)
            assert [entry.seq for entry in part.entries] == [seq + 1]
            assert part.has_more is (seq < 2)


async def test_what_just_fits_is_in_the_answer(world: World) -> None:
    friends = await world.group(world.bob)
    await world.say(friends, world.bob, "one", "two", "six")
    size = entry_size(world.now(friends.id)[1])
    with bounds(size=2 * size):
        part = await world.one(friends.id, 1)
    assert [entry.seq for entry in part.entries] == [2, 3]


async def test_a_conversation_of_which_nothing_was_missed_takes_room_too(world: World) -> None:
    groups = [await world.group(world.bob) for _ in range(5)]
    with bounds(size=2 * (CONVERSATION_BYTES + 2 * RECEIPT_BYTES)):
        answers = await world.ask({each.id: 1 for each in groups})
    assert [len(each.conversations) for each in answers] == [2, 2, 1]


async def test_the_members_of_a_new_group_take_room_too(world: World) -> None:
    groups = [await world.group(world.bob, world.eve) for _ in range(3)]
    title = text_size(next(iter(world.conversations.values())).title)
    size = CONVERSATION_BYTES + ENTRY_BYTES + title + 3 * (RECEIPT_BYTES + MEMBER_BYTES)
    with bounds(size=2 * size):
        answers = await world.ask({each.id: 0 for each in groups})
    assert [len(each.conversations) for each in answers] == [2, 1]


@dataclass(slots=True)
class LateReader(LogReader):
    """Something happens between one read and the next."""

    reader: LogReader
    meanwhile: Callable[[], Awaitable[object]]

    async def standing(self, user_id: UserId, conversation_id: ConversationId) -> Standing | None:
        standing = await self.reader.standing(user_id, conversation_id)
        await self.meanwhile()
        return standing

    async def entries(
        self, conversation_id: ConversationId, *, after: int, until: int, limit: int
    ) -> Collection[LogEvent]:
        return await self.reader.entries(conversation_id, after=after, until=until, limit=limit)

    async def message(self, message_id: MessageId) -> Message | None:
        return await self.reader.message(message_id)

    async def history(
        self, conversation_id: ConversationId, *, before: int | None, after: int | None, limit: int
    ) -> History:
        return await self.reader.history(conversation_id, before=before, after=after, limit=limit)


@pytest.mark.parametrize("limit", [9, 2])
async def test_what_a_member_is_told_meanwhile_is_in_the_answer_and_in_its_standing(
    world: World, limit: int
) -> None:
    friends = await world.group(world.bob)
    await world.say(friends, world.bob, "before")
    late = LateReader(world.stores.reader, lambda: world.say(friends, world.bob, "meanwhile"))
    world.sync = new_sync(world.stores, late)

    part = await world.one(friends.id, 1, limit=limit)
    assert [entry.seq for entry in part.entries] == [2, 3]
    assert (part.standing.last_seq, part.has_more) == (3, False)


# whatever happened

Step = tuple[str, int, int, int]
kinds = ["say"] * 5 + ["edit", "edit", "delete", "title", "remove", "add", "gone"]
steps = st.lists(
    st.tuples(st.sampled_from(kinds), st.integers(0, 3), st.integers(0, 9), st.integers(0, 2)),
    max_size=40,
)
CONTENTS = ("short", "x" * 700, "\u20ac" * 900)


async def live_through(world: World, history: list[Step]) -> None:
    """Two groups, two direct conversations, and what happens in them."""
    people = [world.ann, world.bob, world.eve]
    talks = [
        await world.group(world.bob, world.eve),
        await world.group(world.eve),
        direct(world.ann, world.bob),
        direct(world.ann, world.eve),
    ]
    for each in talks[2:]:
        world.conversations[each.id] = await world.stores.log.open_direct(each)
    said: dict[ConversationId, list[Message]] = {each.id: [] for each in talks}
    for number, (kind, talk, choice, size) in enumerate(history):
        now = world.conversations[talks[talk].id]
        members = [each for each in people if each.id in now.members]
        other = people[1 + choice % 2]
        messages = said[now.id]
        is_group = now.title is not None
        if kind == "say" and not now.has_ended:
            messages += await say(
                world.stores.log,
                now,
                members[choice % len(members)],
                CONTENTS[size],
                when=at(number // 3),
            )
        elif kind in {"edit", "delete"} and messages:
            place = choice % len(messages)
            stored = await world.stores.reader.message(messages[place].id)
            assert stored is not None
            content = CONTENTS[size] if kind == "edit" else None
            if stored.deleted_at is None:
                await revise(world.stores.log, now, stored, content, when=at(number // 3))
        elif kind == "title" and is_group:
            await world.change(now, TitleChanged(f"title {number}"))
        elif kind == "remove" and is_group and other in members:
            gone = await world.change(now, MemberRemoved(other.id))
            world.removed_at[now.id, other.id] = gone.revision
        elif kind == "add" and is_group and other not in members:
            await world.change(now, MemberAdded(other.id, Role.MEMBER))
            world.removed_at.pop((now.id, other.id), None)
        elif kind == "gone" and is_group and size == 0 and other in members:
            gone = await world.change(now, MemberDeleted(other.id))
            world.removed_at[now.id, other.id] = gone.revision


def check_bounds(answers: list[SyncAnswer], conversations: int, size: int) -> None:
    for answer in answers:
        assert 1 <= len(answer.conversations) <= conversations or len(answers) == 1
        sizes = [sum(map(entry_size, part.entries)) for part in answer.conversations]
        # What passed the bound is one entry at most, the last one's first.
        for part in answer.conversations[:-1]:
            assert sum(sizes[: answer.conversations.index(part) + 1]) < size
        if answer.conversations and sum(sizes) > size:
            assert len(answer.conversations[-1].entries) == 1


@given(
    history=steps,
    starts=st.dictionaries(st.integers(0, 4), st.integers(-1, 12), max_size=5),
    reader=st.integers(0, 2),
    others=st.booleans(),
    limit=st.integers(1, 4) | st.just(MAX_LIMIT),
    conversations=st.integers(1, 3),
    size=st.sampled_from([1, 1500, 6000, PAGE_BYTES]),
)
async def test_page_by_page_a_client_gets_exactly_what_it_missed_and_never_a_hole(
    history: list[Step],
    starts: dict[int, int],
    reader: int,
    others: bool,  # noqa: FBT001 (drawn)
    limit: int,
    conversations: int,
    size: int,
) -> None:
    async with memory_stores() as stores:
        world = await new_world(stores)
        await live_through(world, history)
        me = (world.ann, world.bob, world.eve)[reader]
        ids = [*world.conversations, UNKNOWN]
        named = {ids[place]: seq for place, seq in starts.items()}
        with bounds(conversations=conversations, size=size):
            answers = await world.ask(named, others=others, limit=limit, user=me)
            check_bounds(answers, conversations, size)
            parts = [part for answer in answers for part in answer.conversations]
            got = {of: await follow_up(world, me, of, parts, limit) for of, seq in named.items()}

        mine = {
            of for of, conversation in world.conversations.items() if me.id in conversation.members
        }
        expected = [*sorted(named), *((mine - named.keys()) if others else ())]
        assert sorted(part.conversation_id for part in parts) == sorted(expected)
        for of, seq in named.items():
            check_named(world, me, of, seq, got[of], limit)
        for part in parts:
            if part.conversation_id not in named:
                log = world.now(part.conversation_id)
                seqs = [entry.seq for entry in part.entries]
                assert list(part.entries) == log[len(log) - len(seqs) :]
                assert len(seqs) <= limit
                assert bool(seqs) is bool(log)
                assert (part.reset, part.has_more) == (False, False)
                if size == PAGE_BYTES:
                    assert len(seqs) == min(limit, len(log))


async def follow_up(
    world: World, me: User, of: ConversationId, parts: list[SyncedConversation], limit: int
) -> list[SyncedConversation]:
    """All that a client gets of a conversation, asking on where it was cut."""
    got = [part for part in parts if part.conversation_id == of]
    while got[-1].has_more:
        assert got[-1].entries
        got.append(await world.one(of, got[-1].entries[-1].seq, limit=limit, user=me))
    return got


def check_named(
    world: World,
    me: User,
    of: ConversationId,
    seq: int,
    got: list[SyncedConversation],
    limit: int,
) -> None:
    conversation = world.conversations.get(of)
    end = world.removed_at.get((of, me.id)) if conversation else None
    is_mine = conversation is not None and me.id in conversation.members
    if not is_mine and end is None:
        assert got == [SyncedConversation(of, (), NOWHERE, reset=True)]
        return
    log = world.now(of)[:end]
    entries = [entry for part in got for entry in part.entries]
    assert all(len(part.entries) <= limit for part in got)
    assert all(part.standing.last_seq == len(log) for part in got)
    assert [part.reset for part in got] == [not 0 <= seq <= len(log)] + [False] * (len(got) - 1)
    if got[0].reset:
        assert len(got) == 1
        assert [entry.seq for entry in entries] == [e.seq for e in log[len(log) - len(entries) :]]
        assert bool(entries) is bool(log)
    else:
        assert [entry.seq for entry in entries] == list(range(seq + 1, len(log) + 1))
    assert all(two.seq == one.seq + 1 for one, two in pairwise(entries))
    for entry in entries:
        now = log[entry.seq - 1]
        if (
            isinstance(now, ConversationUpdated)
            or isinstance(entry, ConversationUpdated)
            or now.message.updated_seq <= len(log)
        ):
            assert entry == now
        else:
            # It changed after the removal: as it stood, without content.
            assert type(entry) is type(now)
            assert (entry.message.id, entry.message.text) == (now.message.id, None)
            assert entry.message.updated_seq <= len(log)
