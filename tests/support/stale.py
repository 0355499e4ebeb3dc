"""A log whose conversations change faster than they are judged."""

from dataclasses import dataclass

from chat_core import Conversation
from chat_core.ports.log import (
    Appended,
    ConversationLog,
    CreationDraft,
    Done,
    Draft,
    Follower,
    MessageDraft,
    Stale,
)


@dataclass(slots=True)
class StaleLog(ConversationLog):
    """Finds that many drafts stale."""

    log: ConversationLog
    times: int
    asked: int = 0

    def submit(self, draft: Draft, done: Done) -> None:
        self.asked += 1
        if self.asked <= self.times:
            done(Stale())
        else:
            self.log.submit(draft, done)

    async def repeated(self, draft: MessageDraft | CreationDraft) -> Appended | None:
        return await self.log.repeated(draft)

    async def open_direct(self, conversation: Conversation) -> Conversation:
        return await self.log.open_direct(conversation)

    def follow(self, follower: Follower) -> None:
        self.log.follow(follower)
