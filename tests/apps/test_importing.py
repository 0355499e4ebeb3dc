"""The import over stores that fail, stand still, or change while it runs."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId

from chat_core.conversations import MemberDeleted
from chat_core.errors import Unavailable
from chat_core.ids import ConversationId, UserId
from chat_core.log import Log
from chat_core.memory import MemoryConversations, MemoryLogStore, MemoryUserStore
from chat_core.ports.log import Appended, ChangeDraft, Draft, MessageDraft, Stale
from chat_core.testing.clock import ManualClock
from chat_core.testing.ids import CountedIds
from chat_core.testing.makers import acting
from chat_core.users import User
from chat_mongo import OriginalDatabase
from chat_server.import_summary import Skipped
from chat_server.importing import Importing, ImportStopped, Progress
from tests.support.original import Original, original_database

SILENT = Progress(lambda _: lambda _: None, lambda _: lambda _: None)
ANN, BOB = ObjectId(), ObjectId()
MESSAGES = 1200


class RestlessClock(ManualClock):
    """Whoever sleeps has slept."""

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)


@dataclass(slots=True)
class FaultyUsers(MemoryUserStore):
    """Every second call does not answer; of those every second has stored the account."""

    calls: int = 0

    async def add(self, user: User, password_hash: str) -> None:
        self.calls += 1
        if self.calls % 4 == 1:
            raise Unavailable
        await MemoryUserStore.add(self, user, password_hash)
        if self.calls % 4 == 3:
            raise Unavailable


class MemoryLog(Log):
    """The log over stores that are at hand."""

    def __init__(self) -> None:
        self.conversations = MemoryConversations()
        super().__init__(MemoryLogStore(self.conversations))


class FaultyLog(MemoryLog):
    """From a content in `faults` on so many drafts get no answer; every second is stored."""

    def __init__(self, faults: dict[str, int] | None = None) -> None:
        super().__init__()
        self.faults = faults or {}
        self.refused = 0
        self.is_away = False

    async def append(self, draft: Draft) -> Appended:
        await asyncio.sleep(0)
        if isinstance(draft, MessageDraft):
            self.refused += self.faults.pop(draft.body.text, 0)
        if self.refused or self.is_away:
            self.refused -= not self.is_away
            if self.refused % 2:
                await MemoryLog.append(self, draft)
            raise Unavailable
        return await MemoryLog.append(self, draft)


@pytest.fixture
async def original() -> AsyncIterator[Original]:
    async with original_database("steps") as original:
        await original.database.users.insert_many(
            [{"_id": ANN, "username": "ann"}, {"_id": BOB, "username": "bob"}]
        )
        at = datetime(2024, 1, 1, tzinfo=UTC)
        pairs = [(ANN, BOB), (BOB, ANN)]
        await original.database.messages.insert_many(
            {"sender": pairs[n % 2][0], "receiver": pairs[n % 2][1], "content": f"{n}"}
            | {"createdAt": at}
            for n in range(MESSAGES)
        )
        yield original


@pytest.fixture
async def opened(original: Original) -> AsyncIterator[OriginalDatabase]:
    database = await OriginalDatabase.open(original.url)
    yield database
    await database.close()


def importing(
    opened: OriginalDatabase, log: MemoryLog, users: MemoryUserStore | None = None
) -> Importing:
    store = MemoryUserStore() if users is None else users
    return Importing(opened, store, log.conversations, log, RestlessClock(), CountedIds())


async def contents(conversations: MemoryConversations) -> list[str | None]:
    stored = await conversations.direct(UserId(str(ANN)), UserId(str(BOB)))
    assert stored
    history = await conversations.history(stored.id, before=None, after=0, limit=10_000)
    return [message.text for message in history.items]


EXPECTED: list[Any] = [f"{n}" for n in range(MESSAGES)]


async def test_messages_keep_their_order_and_their_times(opened: OriginalDatabase) -> None:
    log = MemoryLog()
    summary = await importing(opened, log).run(SILENT)

    assert await contents(log.conversations) == EXPECTED
    assert summary.messages.added == MESSAGES


async def test_what_a_database_did_not_answer_is_asked_again_and_stored_once(
    opened: OriginalDatabase,
) -> None:
    log = FaultyLog(faults={"0": 700, "600": 1, "1199": 3})
    summary = await importing(opened, log, FaultyUsers()).run(SILENT)

    stored = await contents(log.conversations)
    assert sorted(map(str, stored)) == sorted(EXPECTED)
    assert (summary.users.added, summary.users.there_before) == (2, 0)
    assert (summary.messages.added, summary.messages.there_before) == (MESSAGES, 0)


async def test_a_database_that_stays_away_ends_the_import_and_the_next_run_completes_it(
    opened: OriginalDatabase,
) -> None:
    log = FaultyLog()
    users = MemoryUserStore()
    log.is_away = True
    stopped = importing(opened, log, users)
    with pytest.raises(ImportStopped, match="run the command again"):
        await stopped.run(SILENT)
    assert stopped.clock.monotonic() == pytest.approx(60)

    log.is_away = False
    summary = await importing(opened, log, users).run(SILENT)
    assert summary.users.there_before == 2
    assert summary.messages.added + summary.messages.there_before == MESSAGES
    assert sorted(map(str, await contents(log.conversations))) == sorted(EXPECTED)


class Interrupted(MemoryLog):
    """While the import runs, Bob deletes his account."""

    def __init__(self) -> None:
        super().__init__()
        self.stale = 0

    async def append(self, draft: Draft) -> Appended:
        if isinstance(draft, MessageDraft) and draft.body.text == "600":
            conversation = await self.conversations.get(ConversationId(draft.conversation.id))
            assert conversation
            gone = MemberDeleted(UserId(str(BOB)))
            await MemoryLog.append(
                self, ChangeDraft(conversation, acting(UserId(str(BOB))), gone, draft.at)
            )
        try:
            return await MemoryLog.append(self, draft)
        except Stale:
            self.stale += 1
            raise


async def test_a_conversation_that_ends_while_the_import_runs_takes_no_more(
    opened: OriginalDatabase,
) -> None:
    log = Interrupted()
    summary = await importing(opened, log).run(SILENT)

    assert log.stale > 0
    assert summary.messages.added == 600
    assert summary.messages.skipped == {Skipped.ACCOUNT_DELETED: 600}
    (stored,) = log.conversations.logs
    history = await log.conversations.history(stored, before=None, after=0, limit=10_000)
    assert len(history.items) == 600


async def test_names_are_shown_without_what_cannot_be_seen(
    original: Original, opened: OriginalDatabase
) -> None:
    names = {" Eve\u200b ": "Eve", "Joe\u202e\n": "Joe", "\u3164\u200b": None, "x" * 80: "x" * 80}
    ids = {ObjectId(): name for name in names}
    await original.database.users.insert_many(
        [{"_id": user_id, "username": name} for user_id, name in ids.items()]
    )
    users = MemoryUserStore()
    await importing(opened, MemoryLog(), users).run(SILENT)

    stored = await users.get([UserId(str(user_id)) for user_id in ids])
    for user_id, name in ids.items():
        user = stored[UserId(str(user_id))]
        assert user.username == name
        assert user.display_name == (names[name] or user.id)
