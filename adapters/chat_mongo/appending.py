"""Storage of writes: messages share one insert, all other writes use transactions.

A unique index on conversation and seq defines the order of a log. A message is inserted without a
transaction and without a read. If its place is free, then nothing has happened since the log's head
was read, not even a change of members. If the answer to a write is lost, its outcome is determined
before anything else is stored.
"""

import asyncio
from collections.abc import Sequence

import pymongo
from bson import ObjectId
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from chat_core.errors import Unavailable
from chat_core.ports.log_store import MessageWrite, Verdict, Write
from chat_mongo.changing import Changing
from chat_mongo.database import CALL_SECONDS, MongoDatabase, Row
from chat_mongo.documents import EntryDocument, MetaDocument
from chat_mongo.entries import message_row
from chat_mongo.errors import NOT_COMMITTED, TEMPORARY, translated

INSERT_SECONDS = 4.0
TRANSACTION_SECONDS = 10.0
"""Long, because blanking all messages of a deleted account takes time."""
RETRY_SECONDS = 0.25
_DUPLICATE_KEY = 11000


class _Pending:
    """A write in progress: the id of its entry, and its outcome."""

    __slots__ = ("entry_id", "is_doubtful", "verdict", "write")

    def __init__(self, write: Write) -> None:
        self.write = write
        self.entry_id: str = (
            write.event.message.id if isinstance(write, MessageWrite) else str(ObjectId())
        )
        self.verdict: Verdict | Exception | None = None
        self.is_doubtful = False
        """Whether the write was sent to the database and no answer has come."""


class Appending:
    """Stores writes in the order in which they are submitted, one call at a time."""

    def __init__(self, database: MongoDatabase) -> None:
        self._database = database
        self._entries = database.collection(EntryDocument)
        # One session for all writes. The server refuses a write that comes after a later one of the
        # same session, so an abandoned write is never carried out late.
        self._session: AsyncClientSession | None = None
        self._gives_up = False

    def give_up(self) -> None:
        """Stop waiting for the outcomes of writes without an answer, because the process ends."""
        # This ends the wait during an outage. Cancelling a call of the driver is not safe: see
        # `check` of `MongoDatabase`.
        self._gives_up = True

    async def close(self) -> None:
        """End the session. Calling it again is a no-op."""
        if self._session is not None:
            await self._session.end_session()

    async def store(self, writes: Sequence[Write]) -> list[Verdict | Exception]:
        """Store the writes. Return the certain outcome of each, or its exception.

        `Unavailable` means that the write is not stored so far.
        """
        pending = [_Pending(write) for write in writes]
        try:
            with translated():
                await self._store(pending)
        except Exception as error:  # noqa: BLE001 - returned for each write that is not stored
            await self._find_out(pending)
            for each in pending:
                each.verdict = each.verdict or error
        return [each.verdict or Verdict.MOVED for each in pending]

    async def _store(self, pending: Sequence[_Pending]) -> None:
        """Store in rounds of one insert and one transaction, in order within each conversation."""
        session = self._writing()
        left = list(pending)
        while left:
            messages: list[_Pending] = []
            others: list[_Pending] = []
            held: set[str] = set()
            for each in left:
                if each.write.conversation_id in held:
                    continue
                if isinstance(each.write, MessageWrite) and each.write.opens is None:
                    messages.append(each)
                else:
                    others.append(each)
                    held.add(each.write.conversation_id)
            if messages:
                await self._insert(session, messages)
            _move_behind(pending)
            others = [each for each in others if each.verdict is None]
            if others:
                await self._transact(session, others)
            _move_behind(pending)
            left = [each for each in left if each.verdict is None]

    async def _insert(self, session: AsyncClientSession, messages: Sequence[_Pending]) -> None:
        """Insert the messages in order, and stop at the first that fails."""
        rows = []
        for each in messages:
            each.is_doubtful = True
            if isinstance(each.write, MessageWrite):
                rows.append(message_row(each.write))
        try:
            with pymongo.timeout(INSERT_SECONDS):
                await self._entries.insert_many(rows, ordered=True, session=session)
        except BulkWriteError as error:
            if error.details["writeConcernErrors"]:
                raise Unavailable("A write was not confirmed") from error
            failed = error.details["writeErrors"][0]
            _stored(messages[: failed["index"]])
            await self._refuse(session, failed, messages[failed["index"] :], error)
        else:
            _stored(messages)
        finally:
            self._database.note(session)

    async def _refuse(
        self,
        session: AsyncClientSession,
        failed: Row,
        left: Sequence[_Pending],
        error: BulkWriteError,
    ) -> None:
        """Set the verdict of the first write in `left`, which failed; the others were not tried."""
        for each in left:
            each.is_doubtful = False
        index = failed.get("keyPattern", {}) if failed["code"] == _DUPLICATE_KEY else {}
        if "seq" in index:
            # Another process was faster, perhaps in the other conversations as well.
            for each in left:
                each.verdict = Verdict.MOVED
        elif failed["code"] in TEMPORARY:
            raise Unavailable("A write was refused for now") from error
        elif "client_id" in index or await self._is_there(session, left[0].write):
            left[0].verdict = Verdict.TAKEN
        else:
            left[0].verdict = error

    async def _is_there(self, session: AsyncClientSession, write: Write) -> bool:
        """Return whether this same message is already stored under its client id."""
        if not isinstance(write, MessageWrite) or write.event.message.client_message_id is None:
            return False
        row = message_row(write)
        stored = {"_id": row["_id"], "sender_id": row["sender_id"], "client_id": row["client_id"]}
        with pymongo.timeout(CALL_SECONDS):
            return await self._entries.find_one(stored, {"_id": 1}, session=session) is not None

    async def _transact(self, session: AsyncClientSession, items: Sequence[_Pending]) -> None:
        """Store writes of different conversations: all in one transaction, or each in its own."""
        try:
            with pymongo.timeout(TRANSACTION_SECONDS):
                verdicts = await self._commit(session, items)
        except DuplicateKeyError as error:
            _undone(items)
            if len(items) == 1:
                is_there = await self._is_there(session, items[0].write)
                items[0].verdict = Verdict.TAKEN if is_there else _refusal(error)
            else:
                for each in items:
                    await self._transact(session, [each])
            return
        except PyMongoError as error:
            if not error.has_error_label(NOT_COMMITTED):
                raise
            _undone(items)
            if not isinstance(error, OperationFailure):
                raise
            for each in items:  # a conflict with another process; `Log` retries at once
                each.verdict = Verdict.MOVED
            return
        finally:
            self._database.note(session)
        for each, verdict in zip(items, verdicts, strict=True):
            each.verdict, each.is_doubtful = verdict, False

    async def _commit(
        self, session: AsyncClientSession, items: Sequence[_Pending]
    ) -> list[Verdict]:
        changing = Changing(self._database, session)
        verdicts: list[Verdict] = []
        transaction = await session.start_transaction(read_concern=ReadConcern("snapshot"))
        async with transaction:
            for each in items:
                verdict = await changing.apply(each.write, each.entry_id)
                verdicts.append(verdict)
                each.is_doubtful = verdict is Verdict.STORED
        return verdicts

    async def _find_out(self, pending: Sequence[_Pending]) -> None:
        """Determine which of the writes without an answer are stored, however long it takes."""
        doubtful = [each for each in pending if each.is_doubtful]
        while doubtful and not self._gives_up:
            try:
                with translated():
                    stored = await self._carried_out([each.entry_id for each in doubtful])
            except Unavailable:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                _stored([each for each in doubtful if each.entry_id in stored])
                return

    async def _carried_out(self, entry_ids: Sequence[str]) -> set[str]:
        """Return which of these entries are stored. The others can no longer become stored."""
        session = self._writing()
        with pymongo.timeout(CALL_SECONDS):
            if session.in_transaction:
                await session.abort_transaction()
            # After this write, the server refuses all earlier writes of the session.
            await self._database.collection(MetaDocument).update_one(
                {"_id": "fence"}, {"$inc": {"writes": 1}}, upsert=True, session=session
            )
            cursor = self._entries.find({"_id": {"$in": entry_ids}}, {"_id": 1}, session=session)
            return {row["_id"] async for row in cursor}

    def _writing(self) -> AsyncClientSession:
        if self._session is None:
            self._session = self._database.long_session()
        self._database.catch_up(self._session)
        return self._session


def _stored(items: Sequence[_Pending]) -> None:
    for each in items:
        each.verdict, each.is_doubtful = Verdict.STORED, False


def _undone(items: Sequence[_Pending]) -> None:
    for each in items:
        each.is_doubtful = False


def _move_behind(pending: Sequence[_Pending]) -> None:
    """Set `MOVED` for each write that follows an unstored write of the same log."""
    behind: set[str] = set()
    for each in pending:
        conversation_id = each.write.conversation_id
        if each.verdict is None and conversation_id in behind:
            each.verdict = Verdict.MOVED
        elif each.verdict not in {None, Verdict.STORED}:
            behind.add(conversation_id)


def _refusal(error: DuplicateKeyError) -> Verdict | Exception:
    """Return the verdict for a duplicate key, or the error if the index is unexpected."""
    index = (error.details or {}).get("keyPattern", {})
    if "client_id" in index:
        return Verdict.TAKEN
    return Verdict.MOVED if {"seq", "pair"} & index.keys() else error
