"""A log whose conversations change faster than they are judged."""

import asyncio
from dataclasses import dataclass

from chat_core import Conversation
from chat_core.ports.log import (
    Appended,
    ConversationLog,
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

    def submit(self, draft: Draft) -> "asyncio.Future[Appended]":
        self.asked += 1
        if self.asked <= self.times:
            outcome: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
            outcome.set_exception(Stale())
            return outcome
        return self.log.submit(draft)

    async def repeated(self, draft: MessageDraft) -> Appended | None:
        return await self.log.repeated(draft)

    async def open_direct(self, conversation: Conversation) -> Conversation:
        return await self.log.open_direct(conversation)

    def follow(self, follower: Follower) -> None:
        self.log.follow(follower)
