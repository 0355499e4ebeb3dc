"""Export: read all of a user's data, a page at a time."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from chat_core.conversations import Overview
from chat_core.errors import NotFound
from chat_core.ids import ConversationId, UserId
from chat_core.messages import Message
from chat_core.pages import MAX_LIMIT
from chat_core.ports.storage import (
    BlockStore,
    ConversationStore,
    LogReader,
    SessionStore,
    UserStore,
)
from chat_core.sessions import Session
from chat_core.users import User


@dataclass(frozen=True, slots=True)
class Export:
    """Read a user's data: their profile, their messages, and everything that they may see.

    From conversations that the user is in, export all stored messages by all members. From groups
    that the user has left, export only the user's own messages, because the rest is now hidden from
    them.
    """

    users: UserStore
    sessions: SessionStore
    blocks: BlockStore
    conversations: ConversationStore
    reader: LogReader

    async def profile(self, user_id: UserId) -> User:
        """Return the user. Raises `NotFound`, also for an erased account."""
        user = (await self.users.get([user_id])).get(user_id)
        if user is None or user.deleted_at is not None:
            raise NotFound("There is no such user")
        return user

    async def sessions_of(self, user_id: UserId) -> Sequence[Session]:
        """Return the live sessions, the most recently seen first."""
        return list(await self.sessions.of_user(user_id))

    async def blocked_by(self, user_id: UserId) -> AsyncIterator[User]:
        """Yield the users that this user has blocked."""
        after = None
        while True:
            page = await self.blocks.blocked_by(user_id, after=after, limit=MAX_LIMIT)
            users = await self.users.get(page.items)
            for other_id in page.items:
                yield users[other_id]
            if page.next is None:
                return
            after = page.next

    async def conversations_of(self, user_id: UserId) -> AsyncIterator[Overview]:
        """Yield the user's conversations with all members, latest activity first."""
        place = None
        while True:
            page = await self.conversations.latest(user_id, after=place, limit=MAX_LIMIT)
            for each in page.items:
                # `whole` is None if the user has left since the list was read.
                whole = await self.conversations.overview(user_id, each.conversation_id)
                if whole is not None:
                    yield whole
            if page.next is None:
                return
            place = page.next

    async def members_of(self, overview: Overview) -> Mapping[UserId, User]:
        """Return the members' users by id."""
        return await self.users.get([each.user_id for each in overview.members])

    async def messages_in(self, conversation_id: ConversationId) -> AsyncIterator[Message]:
        """Yield every stored message of a conversation, ascending by seq, as it is now."""
        after = 0
        while True:
            history = await self.reader.history(
                conversation_id, before=None, after=after, limit=MAX_LIMIT
            )
            for message in history.items:
                yield message
                after = message.seq
            if not history.has_more:
                return

    async def said_before_leaving(self, user_id: UserId) -> AsyncIterator[Message]:
        """Yield the user's messages in groups that they have left, group by group."""
        for conversation_id in await self.conversations.left_behind(user_id):
            async for message in self.messages_in(conversation_id):
                if message.sender_id == user_id:
                    yield message
