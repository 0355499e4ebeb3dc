"""The log's loop, over a store that is slow, fails, or is shared with another process."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from chat_core import Conversation
from chat_core.conversations import TitleChanged
from chat_core.errors import Unavailable
from chat_core.log import Log, log
from chat_core.memory import MemoryConversations, MemoryLogStore
from chat_core.ports.log import Appended, Committed, Stale
from chat_core.ports.log_store import Head, Verdict, Verdicts, Write
from chat_core.testing.log_fixtures import Followed
from chat_core.testing.makers import alter, change, create, direct, draft, group, say, user
from tests.support.waiting import settle, until

ANN, BOB = user("ann"), user("bob")


@dataclass(slots=True)
class FaultyStore(MemoryLogStore):
    """Its commits wait, or fail, where they are told to; it counts what it is asked."""

    faults: list[Exception] = field(default_factory=list)
    """What the next calls raise."""
    is_away: bool = False
    may_commit: asyncio.Event = field(default_factory=asyncio.Event)
    commits_begun: int = 0
    heads_read: int = 0
    closed: int = 0

    def __post_init__(self) -> None:
        self.may_commit.set()

    async def heads(self, wanted: Sequence[Conversation]) -> Sequence[Head | None]:
        self.heads_read += 1
        self.check()
        return await MemoryLogStore.heads(self, wanted)

    async def commit(self, writes: Sequence[Write]) -> Verdicts:
        self.commits_begun += 1
        await self.may_commit.wait()
        self.check()
        return await MemoryLogStore.commit(self, writes)

    async def close(self) -> None:
        self.closed += 1

    def check(self) -> None:
        if self.is_away:
            raise Unavailable
        if self.faults:
            raise self.faults.pop(0)


@pytest.fixture
def conversations() -> MemoryConversations:
    return MemoryConversations()


@pytest.fixture
def store(conversations: MemoryConversations) -> FaultyStore:
    return FaultyStore(conversations)


@pytest.fixture
def here(store: FaultyStore) -> Log:
    return Log(store)


@pytest.fixture
def elsewhere(store: FaultyStore) -> Log:
    """The log of another process."""
    return Log(MemoryLogStore(store.conversations))


@pytest.fixture
async def friends(here: Log) -> Conversation:
    """A group, to which Ann has written here."""
    made = await create(here, group(ANN, BOB))
    await say(here, made, ANN, "first")
    return made


def contents(conversations: MemoryConversations, of: Conversation) -> list[str | None]:
    stored = conversations.logs[of.id]
    return [message.text for message in stored.said(range(1, len(stored.entries) + 1))]


# heads


async def test_a_head_is_read_once(here: Log, store: FaultyStore, friends: Conversation) -> None:
    between = direct(ANN, BOB)
    await say(here, between, ANN, "one", "two")
    await say(here, direct(BOB, ANN), BOB, "three")
    await say(here, friends, BOB, "two")
    assert store.heads_read == 1


async def test_behind_what_another_process_has_stored_a_draft_is_written_anew(
    here: Log, elsewhere: Log, store: FaultyStore, friends: Conversation
) -> None:
    followed = Followed()
    here.follow(followed)
    await say(elsewhere, friends, BOB, "theirs")
    appended = await asyncio.gather(*(here.append(draft(friends, ANN, f"{n}")) for n in range(3)))

    assert [each.message.seq for each in appended] == [4, 5, 6]
    assert contents(store.conversations, friends) == ["first", "theirs", "0", "1", "2"]
    assert [event.seq for event in followed.events()] == [4, 5, 6]


async def test_what_was_judged_on_what_another_process_has_changed_is_stored(
    here: Log, elsewhere: Log, friends: Conversation
) -> None:
    renamed = await alter(elsewhere, friends, TitleChanged("Theirs"))
    assert (await here.append(draft(renamed, ANN))).message.seq == 4
    with pytest.raises(Stale):
        await here.append(draft(friends, ANN))


async def test_nothing_is_refused_on_a_head_from_before(
    here: Log, elsewhere: Log, store: FaultyStore, friends: Conversation
) -> None:
    renamed = await alter(elsewhere, friends, TitleChanged("Theirs"))
    reads = store.heads_read
    for _ in range(2):
        with pytest.raises(Stale):
            await here.append(draft(friends, ANN))
    assert store.heads_read == reads + 1 + 1  # each time anew: it may have changed back
    assert (await here.append(draft(renamed, ANN))).message.seq == 4


async def test_what_waits_for_another_judgement_is_not_overtaken(
    here: Log, elsewhere: Log, store: FaultyStore, friends: Conversation
) -> None:
    renamed = await alter(elsewhere, friends, TitleChanged("Theirs"))
    outcomes = await asyncio.gather(
        here.append(draft(renamed, ANN, "one")),
        here.append(draft(friends, ANN, "stale")),
        here.append(draft(renamed, ANN, "two")),
        here.append(change(renamed, TitleChanged("Ours"), ANN)),
        here.append(draft(renamed, ANN, "stale, too")),
        return_exceptions=True,
    )

    assert [type(each) for each in outcomes] == [Appended, Stale, Appended, Appended, Stale]
    assert contents(store.conversations, friends) == ["first", "one", "two"]


async def test_two_processes_that_open_one_conversation_write_into_one(
    here: Log, elsewhere: Log, store: FaultyStore
) -> None:
    store.may_commit.clear()
    ours = asyncio.create_task(here.append(draft(direct(ANN, BOB), ANN, "ours")))
    await until(lambda: store.commits_begun)
    theirs = await elsewhere.append(draft(direct(BOB, ANN), BOB, "theirs"))
    store.may_commit.set()

    message = (await ours).message
    assert (message.conversation_id, message.seq) == (theirs.message.conversation_id, 2)


# errors


async def test_a_store_out_of_reach_is_unavailable_to_all_who_wait_and_works_again(
    here: Log, store: FaultyStore, friends: Conversation
) -> None:
    followed = Followed()
    here.follow(followed)
    store.faults = [Unavailable()]
    outcomes = await asyncio.gather(
        *(here.append(draft(friends, ANN)) for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in outcomes] == [Unavailable] * 3
    assert followed.committed == []

    store.faults = [Unavailable()]  # of reading the head
    with pytest.raises(Unavailable):
        await here.append(draft(friends, ANN))
    assert (await here.append(draft(friends, ANN))).message.seq == 3


async def test_a_mistake_in_a_commit_is_raised_to_those_who_wait_for_it_and_no_others(
    here: Log, store: FaultyStore, friends: Conversation
) -> None:
    store.faults = [ZeroDivisionError()]
    with pytest.raises(ZeroDivisionError):
        await here.append(draft(friends, ANN))
    assert (await here.append(draft(friends, ANN))).message.seq == 3


async def test_a_mistake_in_one_write_is_raised_to_its_caller_alone(
    here: Log,
    store: FaultyStore,
    friends: Conversation,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    commit = MemoryLogStore.commit

    async def faulty(self: MemoryLogStore, writes: Sequence[Write]) -> Verdicts:
        verdicts = await commit(self, writes[1:])
        monkeypatch.setattr(MemoryLogStore, "commit", commit)
        return Verdicts([ZeroDivisionError(), *verdicts.each], verdicts.at)

    between = direct(ANN, BOB)
    monkeypatch.setattr(MemoryLogStore, "commit", faulty)
    outcomes = await asyncio.gather(
        here.append(draft(friends, ANN)),
        here.append(draft(between, ANN)),
        here.append(draft(friends, ANN, "goes on")),
        return_exceptions=True,
    )
    assert [type(each) for each in outcomes] == [ZeroDivisionError, Appended, Appended]
    assert contents(store.conversations, friends) == ["first", "goes on"]


# patience


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "RETRY_SECONDS", 0)


@pytest.mark.usefixtures("no_pauses")
async def test_a_patient_log_tries_again_as_long_as_the_store_is_out_of_reach(
    store: FaultyStore,
) -> None:
    patient = Log(store, patience=600)
    store.faults = [Unavailable() for _ in range(9)]
    assert (await patient.append(draft(direct(ANN, BOB), ANN))).message.seq == 1
    await patient.close()


async def test_once_its_time_is_over_callers_hear_so_and_what_is_stored_is_told_all_the_same(
    store: FaultyStore,
) -> None:
    patient, followed = Log(store, patience=0.01), Followed()
    patient.follow(followed)
    between = direct(ANN, BOB)
    store.may_commit.clear()
    with pytest.raises(Unavailable):
        await patient.append(draft(between, ANN, "late"))
    with pytest.raises(Unavailable):
        await patient.append(draft(between, ANN, "not even begun"))
    store.may_commit.set()
    await followed.until(1)

    assert contents(store.conversations, between) == ["late"]
    await until(lambda: patient._task is None)
    assert (await Log(store).append(draft(between, ANN, "next"))).message.seq == 2


@pytest.mark.usefixtures("no_pauses")
async def test_what_was_not_begun_when_the_time_is_over_is_dropped(store: FaultyStore) -> None:
    patient = Log(store, patience=0.01)
    between = direct(ANN, BOB)
    store.is_away = True
    with pytest.raises(Unavailable):
        await patient.append(draft(between, ANN, "never stored"))
    await until(lambda: patient._task is None)
    store.is_away = False

    assert store.conversations.logs == {}
    assert (await patient.append(draft(between, ANN, "next"))).message.seq == 1


async def test_closing_finishes_what_waits(store: FaultyStore, friends: Conversation) -> None:
    closing = Log(store)
    store.may_commit.clear()
    waiting = [asyncio.create_task(closing.append(draft(friends, ANN, f"{n}"))) for n in range(3)]
    await settle()
    closed = asyncio.create_task(closing.close())
    await settle()
    assert (closed.done(), store.closed) == (False, 0)
    store.may_commit.set()
    await closed

    assert [each.done() for each in waiting] == [True] * 3
    assert store.closed == 1
    await closing.close()


async def test_closing_a_patient_log_whose_store_is_away_drops_what_waits(
    store: FaultyStore,
) -> None:
    patient = Log(store, patience=0.01)
    store.is_away = True
    waiting = asyncio.create_task(patient.append(draft(direct(ANN, BOB), ANN)))
    await settle()
    await patient.close()
    with pytest.raises(Unavailable):
        await waiting


# groups


async def test_a_commit_takes_a_bounded_number_of_drafts_and_keeps_their_order(
    here: Log, store: FaultyStore, friends: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "BATCH", 4)
    begun = store.commits_begun
    appended = await asyncio.gather(*(here.append(draft(friends, ANN)) for _ in range(10)))
    assert [each.message.seq for each in appended] == list(range(3, 13))
    assert store.commits_begun - begun == 3


async def test_a_follower_may_append(here: Log, friends: Conversation) -> None:
    answers: list[object] = []

    def answer(committed: Committed) -> None:
        if committed.event.seq == 3:
            here.submit(draft(friends, BOB, "answer"), answers.append)

    here.follow(answer)
    await here.append(draft(friends, ANN))
    await until(lambda: answers)
    assert isinstance(answers[0], Appended)
    assert answers[0].event.seq == 4


async def test_a_client_id_that_is_taken_and_not_found_yet_is_asked_for_again(
    here: Log, store: FaultyStore, friends: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = MemoryLogStore.commit

    async def taken(self: MemoryLogStore, writes: Sequence[Write]) -> Verdicts:
        monkeypatch.setattr(MemoryLogStore, "commit", commit)
        return Verdicts([Verdict.TAKEN for _ in writes], 0.0)

    monkeypatch.setattr(MemoryLogStore, "commit", taken)
    assert (await here.append(draft(friends, ANN, client_id="c1"))).message.seq == 3


@pytest.mark.usefixtures("no_pauses")
async def test_a_write_that_a_store_could_not_take_for_now_is_tried_again_by_a_patient_log(
    store: FaultyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = MemoryLogStore.commit
    between, friends = direct(ANN, BOB), group(ANN, BOB)

    async def full(self: MemoryLogStore, writes: Sequence[Write]) -> Verdicts:
        monkeypatch.setattr(MemoryLogStore, "commit", commit)
        verdicts = await commit(self, writes[:1])
        return Verdicts([*verdicts.each, Unavailable()], verdicts.at)

    patient, impatient = Log(store, patience=600), Log(store)
    await create(patient, friends)
    for tried, outcome in ((patient, Appended), (impatient, Unavailable)):
        monkeypatch.setattr(MemoryLogStore, "commit", full)
        outcomes = await asyncio.gather(
            tried.append(draft(friends, ANN)),
            tried.append(draft(between, ANN)),
            return_exceptions=True,
        )
        assert [type(each) for each in outcomes] == [Appended, outcome]
    await patient.close()
