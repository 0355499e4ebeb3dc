"""The loop that commits: drafts wait, are checked together, and share a commit."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from chat_core.conversations import Conversation
from chat_core.errors import Unavailable
from chat_core.log.batches import Batch, Plan, too_late
from chat_core.log.drafts import Judgement, judge, repeat_of_creation, repeat_of_message
from chat_core.log.heads import Heads, KnownHead
from chat_core.log.writes import audience_of, first_write, write_after
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
    Stale,
    tell,
)
from chat_core.ports.log_store import ChangeWrite, LogStore, Verdict

BATCH = 500
"""The most drafts in one commit. More would delay the first of them."""
RETRY_SECONDS = 0.25
_STORED, _WRITE = Verdict.STORED, Judgement.WRITE


class Log(ConversationLog):
    """The log of every conversation, over a store. Use one in a process, closed before its store.

    Without `patience`, a draft gets the store's answer. With `patience`, in seconds, the log
    retries while the store is unreachable, and passes `Unavailable` to a caller who has waited that
    long. If the store had already begun to store the draft, followers may still get the entry.
    """

    def __init__(self, store: LogStore, *, patience: float | None = None) -> None:
        self._store = store
        self._patience = patience
        self._followers: list[Follower] = []
        self._heads = Heads()
        self._waiting: deque[Batch] = deque()
        self._at_work: Batch | None = None
        self._task: asyncio.Task[None] | None = None
        self._round_number = 0
        self._is_closing = False

    @property
    def commits(self) -> Commits:
        """Return the store's measures."""
        return self._store.commits

    def submit(self, draft: Draft, done: Done) -> None:
        """See `ConversationLog.submit`."""
        if self._at_work is not None and self._at_work.is_over:
            # The store is unreachable, so waiting would be useless.
            done(too_late())
            return
        if not self._waiting or len(self._waiting[-1].drafts) >= BATCH:
            self._waiting.append(Batch(self._patience))
        batch = self._waiting[-1]
        batch.drafts.append(draft)
        batch.callers.append(done)
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
        """Finish the waiting drafts within the patience. A second call does nothing."""
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
                    batch.fail(error if isinstance(error, Exception) else too_late())
                    if not isinstance(error, Exception):
                        raise
                finally:
                    batch.end()
        finally:
            self._at_work = self._task = None

    async def _store_all(self, batch: Batch) -> None:
        """Store and answer what can be stored. Drop the rest when the deadline passes."""
        self._heads.make_room()
        since, left = self._round_number + 1, list(range(len(batch.drafts)))
        while left and not batch.is_over:
            try:
                await self._round(batch, left, since)
            except Unavailable:
                if self._patience is None or self._is_closing:
                    raise
                await asyncio.sleep(RETRY_SECONDS)
            left = [index for index in left if batch.callers[index] is not None]

    async def _round(self, batch: Batch, left: Sequence[int], since: int) -> None:
        """Check and commit once. Drafts that need another check are left, in their order."""
        self._round_number += 1
        plan = Plan()
        self._judge(batch, left, since, plan)
        if plan.unknown:
            drafts, plan.unknown = plan.unknown, []
            wanted = {each.id: each for each in (batch.drafts[n].conversation for n in drafts)}
            read = await self._store.heads(list(wanted.values()))
            self._heads.read(read, self._round_number)
            plan.are_read = True
            self._judge(batch, drafts, since, plan)
        self._heads.forget_each(plan.outdated)
        taken = await self._commit(batch, plan) if plan.writes else []
        if taken or plan.refused:
            await self._answer_repeats(batch, taken, plan.refused)

    def _judge(self, batch: Batch, left: Sequence[int], since: int, plan: Plan) -> None:
        """Plan the writes of all drafts that can be written now."""
        now, heads, drafts = self._round_number, self._heads, batch.drafts
        known, writing, writes = heads.by_id, plan.writing, plan.writes
        for index in left:
            draft = drafts[index]
            head = known.get(draft.conversation.id) or heads.of(draft.conversation)
            judgement = judge(draft, head, since, now)
            if judgement is not _WRITE or head is None:
                self._judge_on(index, draft, head, judgement, plan)
                continue
            write = write_after(draft, head.conversation, head.last_seq)
            head.last_seq += 1
            head.moved = now
            if isinstance(write, ChangeWrite):
                head.conversation = write.after
            writing.append(index)
            writes.append(write)

    def _judge_on(
        self,
        index: int,
        draft: Draft,
        head: KnownHead | None,
        judgement: Judgement,
        plan: Plan,
    ) -> None:
        """Handle each judgement except `WRITE`."""
        if head is None and not plan.are_read and not isinstance(draft, CreationDraft):
            plan.unknown.append(index)
        elif judgement is Judgement.BEGIN:
            plan.writing.append(index)
            plan.writes.append(first_write(draft))
            if head is None:
                self._heads.begin(draft.conversation, self._round_number)
        elif judgement is Judgement.REFUSE:
            plan.refused.append(index)
        elif judgement is Judgement.READ_AGAIN:
            plan.outdated.append(draft.conversation)

    async def _commit(self, batch: Batch, plan: Plan) -> list[int]:
        """Commit, call followers, then callers. Return the drafts that may be repeats."""
        try:
            verdicts = await self._store.commit(plan.writes)
        except BaseException:
            self._heads.forget_each(batch.drafts[index].conversation for index in plan.writing)
            raise
        taken: list[int] = []
        trouble: Unavailable | None = None
        drafts, callers, followers = batch.drafts, batch.callers, self._followers
        for index, write, verdict in zip(plan.writing, plan.writes, verdicts.each, strict=True):
            draft = drafts[index]
            if verdict is _STORED:
                event = write.event
                committed = Committed(event, audience_of(draft), draft.actor.connection_id)
                for follower in followers:
                    tell(follower, committed)
                done, callers[index] = callers[index], None
                if done is not None:
                    tell(done, Appended(event))
                continue
            self._heads.forget(draft.conversation)
            if verdict is Verdict.TAKEN:
                taken.append(index)
            elif isinstance(verdict, Unavailable):
                trouble = verdict
            elif verdict is not Verdict.MOVED:
                batch.answer(index, verdict if isinstance(verdict, Exception) else Stale())
        self._store.commits.push_lag.observe(time.monotonic() - verdicts.at)
        if trouble is not None:
            raise trouble
        return taken

    async def _answer_repeats(
        self, batch: Batch, taken: Sequence[int], refused: Sequence[int]
    ) -> None:
        """Answer each repeat. If a refused draft is not a repeat, answer `Stale`."""
        asked = [*taken, *refused]
        repeats = await self._repeats([batch.drafts[index] for index in asked])
        for place, (index, repeat) in enumerate(zip(asked, repeats, strict=True)):
            if repeat is not None:
                batch.answer(index, repeat)
            elif place >= len(taken):
                batch.answer(index, Stale())

    async def _repeats(self, drafts: Sequence[Draft]) -> Sequence[Outcome | None]:
        """Return for each draft its repeat or conflict, or None if its client id is new."""
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
