"""The log of every conversation in MongoDB: appends that wait are stored together."""

import asyncio
from collections import deque

from pymongo.errors import DuplicateKeyError

from chat_core.conversations import Conversation
from chat_core.errors import Unavailable
from chat_core.measures import Commits
from chat_core.ports.log import (
    Appended,
    Committed,
    ConversationLog,
    CreationDraft,
    Done,
    Draft,
    Follower,
    MessageDraft,
    Outcome,
    tell,
)
from chat_mongo.appending import Appending
from chat_mongo.database import MongoDatabase
from chat_mongo.documents import ConversationDocument
from chat_mongo.entries import conversation, conversation_row, pair_of
from chat_mongo.errors import RETRY_AFTER
from chat_mongo.items import Item
from chat_mongo.repeats import first_sent, repeat_of, repeated_creation

APPEND_SECONDS = 4.0
"""How long an append may take; after that its caller hears `Unavailable`."""
BATCH = 500
"""Appends that are stored together at most: more would let the first of them wait."""


class MongoConversationLog(ConversationLog):
    """Appends through one task, which stores all that waits, again and again.

    Use one in a process, and `close` it before its database.
    """

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self.commits = Commits()
        self._followers: list[Follower] = []
        self._appending = Appending(database, self._tell, self.commits.push_lag)
        self._waiting: deque[_Batch] = deque()
        self._at_work: _Batch | None = None
        self._task: asyncio.Task[None] | None = None

    def submit(self, draft: Draft, done: Done) -> None:
        """See `ConversationLog.submit`. Takes at most `APPEND_SECONDS`."""
        if self._at_work is not None and self._at_work.is_over:
            # The database is out of reach: what would wait would wait in vain.
            done(_too_late())
            return
        if not self._waiting or self._waiting[-1].is_full():
            self._waiting.append(_Batch())
        self._waiting[-1].items.append(Item(draft, done))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work_off())

    async def repeated(self, draft: MessageDraft | CreationDraft) -> Appended | None:
        """See `ConversationLog.repeated`."""
        if draft.client_id is None:
            return None
        outcome: Outcome | None
        async with self._database.session() as session:
            if isinstance(draft, CreationDraft):
                outcome = await repeated_creation(self._database, session, draft)
            else:
                first = await first_sent(self._database, session, draft)
                outcome = None if first is None else repeat_of(draft, first)
        return outcome if isinstance(outcome, Appended) else None

    async def open_direct(self, conversation: Conversation) -> Conversation:
        """See `ConversationLog.open_direct`."""
        stored = await self._direct(conversation)
        if stored is not None:
            return stored
        try:
            async with self._database.session() as session:
                await self._database.collection(ConversationDocument).insert_one(
                    conversation_row(conversation), session=session
                )
        except DuplicateKeyError:
            stored = await self._direct(conversation)
            if stored is None:
                raise
            return stored
        return conversation

    def follow(self, follower: Follower) -> None:
        """See `ConversationLog.follow`."""
        self._followers.append(follower)

    async def close(self) -> None:
        """Finish what somebody waits for, for at most `APPEND_SECONDS`. Again is a no-op."""
        if self._task is not None and not (self._at_work and self._at_work.is_over):
            await asyncio.wait([self._task], timeout=APPEND_SECONDS)
        self._appending.give_up()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=APPEND_SECONDS)  # for the call that runs
        await self._appending.close()

    async def _direct(self, wanted: Conversation) -> Conversation | None:
        async with self._database.session() as session:
            row = await self._database.collection(ConversationDocument).find_one(
                {"pair": pair_of(wanted)}, session=session
            )
        return None if row is None else conversation(row)

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                self._at_work = batch = self._waiting.popleft()
                began = asyncio.get_running_loop().time()
                try:
                    await self._appending.store(batch.items, until=batch.over)
                except Exception as error:  # noqa: BLE001 - handed to every caller that waits
                    self.commits.failed += isinstance(error, Unavailable)
                    batch.fail(error)
                finally:
                    seconds = asyncio.get_running_loop().time() - began
                    self.commits.observe(len(batch.items), seconds)
                    self.commits.failed += batch.is_over
                    batch.end()
        finally:
            self._at_work = self._task = None

    def _tell(self, committed: Committed) -> None:
        for follower in self._followers:
            tell(follower, committed)


class _Batch:
    """Drafts that are stored together, and the time that their callers have."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.is_over = False
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(APPEND_SECONDS, self._give_up)

    def is_full(self) -> bool:
        """Whether it takes no more."""
        return len(self.items) >= BATCH

    def over(self) -> bool:
        """Whether the time is over, so that nobody waits any more."""
        return self.is_over

    def fail(self, error: Exception) -> None:
        """Hand an error to every caller that still waits."""
        for item in self.items:
            item.reject(error)

    def end(self) -> None:
        """No more comes of it: whoever still waits hears so."""
        self._timer.cancel()
        self.fail(_too_late())

    def _give_up(self) -> None:
        self.is_over = True
        self.fail(_too_late())


def _too_late() -> Unavailable:
    return Unavailable("The database is not available just now", retry_after=RETRY_AFTER)
