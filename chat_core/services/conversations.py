"""Conversations: one's list of them, and their history."""

from dataclasses import dataclass

from chat_core.conversations import ActivityPlace, Overview
from chat_core.errors import Invalid, NotFound
from chat_core.ids import ConversationId, UserId
from chat_core.messages import History
from chat_core.pages import Page, check_limit
from chat_core.ports.storage import ConversationStore

MAX_SEQ = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Conversations:
    """List conversations and read their messages."""

    conversations: ConversationStore

    async def list(
        self, user_id: UserId, *, after: ActivityPlace | None, limit: int
    ) -> Page[Overview, ActivityPlace]:
        """The user's conversations, latest activity first; raises `Invalid`."""
        return await self.conversations.overviews(user_id, after=after, limit=check_limit(limit))

    async def history(
        self,
        user_id: UserId,
        conversation_id: ConversationId,
        *,
        before: int | None,
        after: int | None,
        limit: int,
    ) -> History:
        """Messages before or after a seq, with neither the latest.

        Raises `NotFound` to whoever is no member, `Invalid` with both.
        """
        if before is not None and after is not None:
            raise Invalid.field("after", "must not be given together with before")
        for name, seq in (("before", before), ("after", after)):
            if seq is not None and not 0 <= seq <= MAX_SEQ:
                raise Invalid.field(name, "must be a seq: 0 or more")
        check_limit(limit)
        conversation = await self.conversations.get(conversation_id)
        if conversation is None:
            raise NotFound("There is no such conversation")
        conversation.check_member(user_id)
        return await self.conversations.history(
            conversation_id, before=before, after=after, limit=limit
        )
