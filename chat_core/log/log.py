"""The loop that commits: drafts wait, are judged together, and share a commit."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from chat_core.conversations import Conversation
from chat_core.errors import Unavailable
from chat_core.log.drafts import Judgement, judge, repeat_of_creation, repeat_of_message
from chat_core.log.heads import Heads, KnownHead
from chat_core.log.writes import audience_of, first_write, write_after
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
    Stale,
    tell,
)
from chat_core.ports.log_store import LogStore, Verdict, Write

BATCH = 500
"""Drafts that are committed together at most: more would let the first of them wait."""
RETRY_SECONDS = 0.25
RETRY_AFTER = 1.0
_STORED, _WRITE = Verdict.STORED, Judgement.WRITE


class Log(ConversationLog):
    """The log of every conversation, over a store. One in a process; `close` it before its store.

    Without `patience`, a draft gets the answer that the store gives. With it, the log tries again
    while the store is out of reach, and tells a caller who has waited for so many seconds that it
    is; what the store has begun by then may be stored all the same, and is told to the followers.
    """

    def __init__(self, store: LogStore, *, patience: float | None = None) -> None:
        self._store = store
        self._patience = patience
        self._followers: list[Follower] = []
        self._heads = Heads()
        self._waiting: deque[_Batch] = deque()
        self._at_work: _Batch | None = None
        self._task: asyncio.Task[None] | None = None
        self._round_number = 0
        self._is_closing = False

    def submit(self, draft: Draft, done: Done) -> None:
        """See `ConversationLog.submit`."""
        if self._at_work is not None and self._at_work.is_over:
            # The store is out of reach: what would wait would wait in vain.
            done(_too_late())
            return
        if not self._waiting or len(self._waiting[-1].drafts) >= BATCH:
            self._waiting.append(_Batch(self._patience))
        self._waiting[-1].drafts.append(_Submitted(draft, done))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work_off())

    async def repeated(self, draft: MessageDraft | CreationDraft) -> Appended | None:
        """See `ConversationLog.repeated`."""
        (repeat,) = await self._repeats([draft])
        return repeat if isinstance(repeat, Appended) else None

    async def open_direct(self, conversation: Conversation) -> Conversation:
        """See `ConversationLog.open_direct`."""
        return await self._store.open_direct(conversation)

    def follow(self, follower: Follower) -> None:
        """See `ConversationLog.follow`."""
        self._followers.append(follower)

    async def close(self) -> None:
        """Finish what somebody waits for, for as long as the patience lasts. Again is a no-op."""
        if self._task is not None and not (self._at_work and self._at_work.is_over):
            await asyncio.wait([self._task], timeout=self._patience)
        self._is_closing = True
        await self._store.close()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=self._patience)

    async def _work_off(self) -> None:
        try:
            while self._waiting:
                self._at_work = batch = self._waiting.popleft()
                try:
                    await self._store_all(batch)
                except BaseException as error:
                    batch.fail(error if isinstance(error, Exception) else _too_late())
                    if not isinstance(error, Exception):
                        raise
                finally:
                    batch.end()
        finally:
            self._at_work = self._task = None

    async def _store_all(self, batch: "_Batch") -> None:
        """Store what can be stored, and answer it; once the time is over, drop the rest."""
        self._heads.make_room()
        since, left = self._round_number + 1, batch.drafts
        while left and not batch.is_over:
            try:
                await self._round(left, since)
            except Unavailable:
                self._heads.forget_all()
                if self._patience is None or self._is_closing:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
            left = [each for each in left if not each.is_settled]

    async def _round(self, drafts: Sequence["_Submitted"], since: int) -> None:
        """Judge and commit once. What has to be judged again is left, and keeps its order."""
        self._round_number += 1
        unknown = self._unknown(drafts)
        if unknown:
            self._heads.read(await self._store.heads(unknown), self._round_number)
        writing, refused = self._judged(drafts, since)
        taken = await self._commit(writing) if writing else []
        if taken or refused:
            await self._answer_repeats(taken, refused)

    def _unknown(self, drafts: Sequence["_Submitted"]) -> list[Conversation]:
        """The conversations whose heads have to be read."""
        known = self._heads.by_id
        unknown = {
            each.draft.conversation.id: each.draft
            for each in drafts
            if each.draft.conversation.id not in known
        }
        return [
            draft.conversation
            for draft in unknown.values()
            if not isinstance(draft, CreationDraft) and self._heads.of(draft.conversation) is None
        ]

    def _judged(
        self, drafts: Sequence["_Submitted"], since: int
    ) -> tuple[list["_Submitted"], list["_Submitted"]]:
        """Those that have a write now, and those to refuse; what has to wait is in neither."""
        writing: list[_Submitted] = []
        refused: list[_Submitted] = []
        behind: set[KnownHead] = set()
        outdated: list[Conversation] = []
        now, heads = self._round_number, self._heads
        for each in drafts:
            draft = each.draft
            head = heads.by_id.get(draft.conversation.id) or heads.of(draft.conversation)
            if behind and head in behind:
                continue
            judgement = judge(draft, head, since, now)
            if judgement is _WRITE and head is not None:
                each.write = write = write_after(draft, head.conversation, head.last_seq)
                head.move(write, now)
                writing.append(each)
            elif judgement is Judgement.BEGIN:
                each.write = first_write(draft)
                if head is None:
                    heads.begin(each.write, draft.conversation, now)
                writing.append(each)
            elif judgement is Judgement.REFUSE or head is None:
                refused.append(each)
            else:
                behind.add(head)
                if judgement is Judgement.READ_AGAIN:
                    outdated.append(draft.conversation)
        for conversation in outdated:
            heads.forget(conversation)
        return writing, refused

    async def _commit(self, writing: Sequence["_Submitted"]) -> list["_Submitted"]:
        """Store, and tell; what may be a repeat is returned."""
        try:
            verdicts = await self._store.commit([each.write for each in writing])
        except BaseException:
            for each in writing:
                self._heads.forget(each.draft.conversation)
            raise
        taken: list[_Submitted] = []
        for each, verdict in zip(writing, verdicts.each, strict=True):
            if verdict is _STORED:
                self._stored(each)
                continue
            self._heads.forget(each.draft.conversation)
            if verdict is Verdict.TAKEN:
                taken.append(each)
            elif verdict is Verdict.CHANGED:
                each.answer(Stale())
            elif isinstance(verdict, Exception):
                each.answer(verdict)
        self._store.commits.push_lag.observe(time.monotonic() - verdicts.at)
        return taken

    def _stored(self, submitted: "_Submitted") -> None:
        """Tell the followers of the entry, then the caller."""
        event, draft = submitted.write.event, submitted.draft
        committed = Committed(event, audience_of(draft), draft.actor.connection_id)
        for follower in self._followers:
            tell(follower, committed)
        submitted.is_settled = True
        submitted.tell(Appended(event))

    async def _answer_repeats(
        self, taken: Sequence["_Submitted"], refused: Sequence["_Submitted"]
    ) -> None:
        """Each gets what it repeats; one that is refused and repeats nothing is stale."""
        asked = [*taken, *refused]
        repeats = await self._repeats([each.draft for each in asked])
        for each, repeat in zip(asked, repeats, strict=True):
            if repeat is not None:
                each.answer(repeat)
            elif each in refused:
                each.answer(Stale())

    async def _repeats(self, drafts: Sequence[Draft]) -> Sequence[Outcome | None]:
        """For each what it repeats, or that it can't; None where its client id is new."""
        sent = {
            (draft.actor.user_id, draft.client_id): draft
            for draft in drafts
            if isinstance(draft, MessageDraft) and draft.client_id is not None
        }
        created = {
            (draft.actor.user_id, draft.client_id): draft
            for draft in drafts
            if isinstance(draft, CreationDraft) and draft.client_id is not None
        }
        messages = await self._store.first_sent(list(sent)) if sent else {}
        groups = await self._store.first_created(list(created)) if created else {}
        outcomes: list[Outcome | None] = []
        for draft in drafts:
            outcome: Outcome | None = None
            if isinstance(draft, MessageDraft) and draft.client_id is not None:
                message = messages.get((draft.actor.user_id, draft.client_id))
                outcome = None if message is None else repeat_of_message(draft, message)
            elif isinstance(draft, CreationDraft) and draft.client_id is not None:
                group = groups.get((draft.actor.user_id, draft.client_id))
                outcome = None if group is None else repeat_of_creation(draft, group)
            outcomes.append(outcome)
        return outcomes


@dataclass(slots=True, eq=False)
class _Submitted:
    """A draft, and the caller who is told what came of it."""

    draft: Draft
    done: Done | None
    """None once the caller has been told."""
    write: Write = field(init=False)
    """What it becomes, once it was judged."""
    is_settled: bool = False
    """Whether nothing more is to be done for it."""

    def answer(self, outcome: Outcome) -> None:
        """It is settled: tell the caller, who may have been told that the time is over."""
        self.is_settled = True
        self.tell(outcome)

    def tell(self, outcome: Outcome) -> None:
        """Tell the caller, once, whatever becomes of the draft."""
        done, self.done = self.done, None
        if done is not None:
            tell(done, outcome)


class _Batch:
    """Drafts that are committed together, and the time that their callers have."""

    def __init__(self, patience: float | None) -> None:
        self.drafts: list[_Submitted] = []
        self.is_over = False
        self._timer: asyncio.TimerHandle | None = None
        if patience is not None:
            self._timer = asyncio.get_running_loop().call_later(patience, self._give_up)

    def fail(self, error: Exception) -> None:
        """Hand an error to every caller that still waits."""
        for each in self.drafts:
            each.tell(error)

    def end(self) -> None:
        """No more comes of it."""
        if self._timer is not None:
            self._timer.cancel()

    def _give_up(self) -> None:
        self.is_over = True
        self.fail(_too_late())


def _too_late() -> Unavailable:
    return Unavailable("The database is not available just now", retry_after=RETRY_AFTER)
