"""Storing drafts: messages together in one insert, all else in transactions.

A log's order is a unique index on conversation and seq. A message goes after the head that this
process knows. If that seq is free, nothing has happened since, no change of members either, and
the draft was judged rightly; if it is taken, the head is read again. So a message needs no
transaction and no read. What becomes of drafts whose answer got lost is found out before anything
else is stored.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import pymongo
from bson import ObjectId
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from chat_core.conversations import Conversation
from chat_core.errors import Unavailable
from chat_core.events import MessageSent
from chat_core.measures import Histogram
from chat_core.ports.log import Appended, Committed, CreationDraft, Follower, MessageDraft, Stale
from chat_mongo.changing import Changing
from chat_mongo.database import CALL_SECONDS, MongoDatabase, Row
from chat_mongo.documents import EntryDocument, MetaDocument
from chat_mongo.entries import message_row
from chat_mongo.errors import NOT_COMMITTED, TEMPORARY, translated
from chat_mongo.heads import Head, Heads, key_of
from chat_mongo.items import Attempt, Item, audience_of, head_after, may_open
from chat_mongo.repeats import first_sent, repeat_of

INSERT_SECONDS = 4.0
TRANSACTION_SECONDS = 10.0
"""Blanking the many messages of a deleted account takes a while."""
RETRY_SECONDS = 0.25
_DUPLICATE_KEY = 11000


class Appending:
    """Stores the drafts of one process, in the order in which they are handed over."""

    def __init__(self, database: MongoDatabase, tell: Follower, push_lag: Histogram) -> None:
        self._database = database
        self._entries = database.collection(EntryDocument)
        self._tell = tell
        self._push_lag = push_lag
        self._heads = Heads(database)
        # One for everything that is written here: the server refuses a write of a session that
        # comes after a later one of the same, so nothing that was given up is carried out late.
        self._session: AsyncClientSession | None = None
        self._gives_up = False

    def give_up(self) -> None:
        """Find out no more what became of drafts whose answer got lost: the process ends."""
        # The way out of an outage. To cancel a call of the driver's is none: see `check` of
        # `MongoDatabase`.
        self._gives_up = True

    async def close(self) -> None:
        """End the session. Again is a no-op."""
        if self._session is not None:
            await self._session.end_session()

    async def store(self, items: Sequence[Item], *, until: Callable[[], bool]) -> None:
        """Store what can be stored, and answer every item.

        Once the time is over, only what may be stored already is found out, however long that
        takes; the rest is dropped.
        """
        pending = list(items)
        while pending:
            try:
                with translated():
                    await self._settle([each for each in pending if each.attempt is not None])
                    if not until():
                        await self._round([each for each in pending if not each.is_settled])
            except Unavailable:
                self._heads.forget_all()
                await asyncio.sleep(RETRY_SECONDS)
            except BaseException:
                self._heads.forget_all()
                raise
            pending = [each for each in pending if not each.is_settled]
            if self._gives_up:
                return
            if until():
                pending = [each for each in pending if each.attempt is not None]

    async def _round(self, pending: Sequence[Item]) -> None:
        """One insert and one transaction, which keep the order in each conversation."""
        session = self._writing()
        with pymongo.timeout(CALL_SECONDS):
            fresh = await self._heads.read(session, [each.draft.conversation for each in pending])
        messages: list[Item] = []
        others: list[Item] = []
        outdated: list[Conversation] = []
        held: set[str] = set()
        for item in pending:
            draft, head = item.draft, self._heads.of(item.draft.conversation)
            judged, key = draft.conversation.revision, key_of(draft.conversation)
            if key in held:
                continue
            if isinstance(draft, CreationDraft) or (head is None and may_open(draft)):
                others.append(item)
                held.add(key)
            elif head is not None and head.revision < judged and key not in fresh:
                # The caller has seen more than is known here: to be read again.
                outdated.append(draft.conversation)
                held.add(key)
            elif head is None or head.revision != judged:
                await self._refuse(session, item)
            elif isinstance(draft, MessageDraft):
                messages.append(item)
            else:
                others.append(item)
                held.add(key)
        if messages:
            await self._insert(session, messages)
        behind = {key_of(each.draft.conversation) for each in messages if not each.is_settled}
        others = [each for each in others if key_of(each.draft.conversation) not in behind]
        if others:
            await self._transact(session, others)
        for conversation in outdated:
            self._heads.forget(conversation)

    async def _refuse(self, session: AsyncClientSession, item: Item) -> None:
        """The conversation has changed since the draft was judged; a repeat may do so all along."""
        draft = item.draft
        if isinstance(draft, MessageDraft) and draft.client_id is not None:
            with pymongo.timeout(CALL_SECONDS):
                first = await first_sent(self._database, session, draft)
            if first is not None:
                item.answer(repeat_of(draft, first))
                return
        item.answer(Stale())

    async def _insert(self, session: AsyncClientSession, items: Sequence[Item]) -> None:
        """Store messages in one ordered insert, up to the first that can't be."""
        rows = self._placed(items)
        try:
            with pymongo.timeout(INSERT_SECONDS):
                await self._entries.insert_many(rows, ordered=True, session=session)
        except BulkWriteError as error:
            if error.details["writeConcernErrors"]:
                raise Unavailable("A write was not confirmed") from error
            failed = error.details["writeErrors"][0]
            self._finish(items[: failed["index"]])
            left = items[failed["index"] :]
            for item in left:
                item.attempt = None
            await self._resolve(session, failed, left, error)
        else:
            self._finish(items)
        finally:
            self._database.note(session)

    def _placed(self, items: Sequence[Item]) -> list[Row]:
        """The documents of messages, each at the seq after the one before."""
        ends: dict[str, int] = {}
        rows = []
        for item in items:
            draft, head = item.draft, self._heads.of(item.draft.conversation)
            if head is None or not isinstance(draft, MessageDraft):
                raise TypeError(draft)
            seq = ends.get(head.conversation_id, head.last_seq) + 1
            ends[head.conversation_id] = seq
            sent = draft.stored(head.conversation_id, seq)
            after = Head(head.conversation_id, seq, head.revision)
            item.attempt = Attempt(draft.id, after, Appended(MessageSent(sent)))
            rows.append(message_row(draft, sent, head.revision))
        return rows

    async def _resolve(
        self, session: AsyncClientSession, failed: Row, left: Sequence[Item], error: BulkWriteError
    ) -> None:
        """Find out what stands in the way of the first of those that are left."""
        index = failed.get("keyPattern", {}) if failed["code"] == _DUPLICATE_KEY else {}
        if "seq" in index:
            # Another process was there first, and perhaps in the other conversations, too.
            for item in left:
                self._heads.forget(item.draft.conversation)
            return
        if failed["code"] in TEMPORARY:
            raise Unavailable("A write was refused for now") from error
        first = left[0]
        if index and isinstance(first.draft, MessageDraft) and first.draft.client_id is not None:
            with pymongo.timeout(CALL_SECONDS):
                sent = await first_sent(self._database, session, first.draft)
            if sent is not None:
                first.answer(repeat_of(first.draft, sent))
                return
        first.answer(error)

    async def _transact(self, session: AsyncClientSession, items: Sequence[Item]) -> None:
        """Store drafts of different conversations, in one transaction if that works."""
        try:
            with pymongo.timeout(TRANSACTION_SECONDS):
                outcomes = await self._commit(session, items)
        except DuplicateKeyError as error:
            self._undone(items)
            if len(items) > 1:
                for item in items:
                    await self._transact(session, [item])
            elif "_id" in (error.details or {}).get("keyPattern", {}):
                items[0].answer(error)
            return
        except PyMongoError as error:
            if not error.has_error_label(NOT_COMMITTED):
                raise
            self._undone(items)
            if not isinstance(error, OperationFailure):
                raise
            return  # a conflict with another process: anew, at once
        finally:
            self._database.note(session)
        for item, outcome in zip(items, outcomes, strict=True):
            if item.attempt is None:
                item.answer(outcome)
            else:
                self._finish([item])

    async def _commit(
        self, session: AsyncClientSession, items: Sequence[Item]
    ) -> list[Appended | Exception]:
        changing = Changing(self._database, session)
        outcomes: list[Appended | Exception] = []
        transaction = await session.start_transaction(read_concern=ReadConcern("snapshot"))
        async with transaction:
            for item in items:
                draft = item.draft
                entry_id = draft.id if isinstance(draft, MessageDraft) else str(ObjectId())
                outcome = await changing.apply(draft, entry_id, self._heads.of(draft.conversation))
                outcomes.append(outcome)
                if isinstance(outcome, Appended) and not outcome.duplicate:
                    item.attempt = Attempt(entry_id, head_after(draft, outcome), outcome)
        return outcomes

    def _undone(self, items: Sequence[Item]) -> None:
        for item in items:
            item.attempt = None
            self._heads.forget(item.draft.conversation)

    async def _settle(self, doubtful: Sequence[Item]) -> None:
        """Find out which of the entries are stored whose answer got lost."""
        if not doubtful:
            return
        session = self._writing()
        with pymongo.timeout(CALL_SECONDS):
            if session.in_transaction:
                await session.abort_transaction()
            # After this write the server carries out no earlier one of the session any more.
            await self._database.collection(MetaDocument).update_one(
                {"_id": "fence"}, {"$inc": {"writes": 1}}, upsert=True, session=session
            )
            ids = [each.attempt.entry_id for each in doubtful if each.attempt is not None]
            cursor = self._entries.find({"_id": {"$in": ids}}, {"_id": 1}, session=session)
            stored = {row["_id"] async for row in cursor}
        for item in doubtful:
            if item.attempt is not None and item.attempt.entry_id in stored:
                self._finish([item])
            else:
                item.attempt = None
        self._heads.forget_all()

    def _finish(self, items: Sequence[Item]) -> None:
        """These are stored: tell the follower, then the callers."""
        began = time.monotonic()
        for item in items:
            attempt = item.attempt
            if attempt is None:
                raise ValueError(item.draft)
            self._heads.moved(item.draft.conversation, attempt.head)
            event = attempt.appended.event
            self._tell(Committed(event, audience_of(item.draft), item.draft.actor.connection_id))
            item.answer(attempt.appended)
        self._push_lag.observe(time.monotonic() - began)

    def _writing(self) -> AsyncClientSession:
        if self._session is None:
            self._session = self._database.long_session()
        self._database.catch_up(self._session)
        return self._session
