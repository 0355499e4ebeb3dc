"""Conversations: one's list of them, groups and their members, and history."""

from collections.abc import Collection
from dataclasses import dataclass

from chat_core.conversations import (
    ActivityPlace,
    Change,
    Conversation,
    MemberAdded,
    MemberRemoved,
    Overview,
    Role,
    RoleChanged,
    TitleChanged,
    check_title,
)
from chat_core.errors import Invalid, NotFound, Overloaded, RecipientNotFound
from chat_core.ids import ClientConversationId, ConversationId, UserId
from chat_core.messages import History, check_client_id
from chat_core.pages import DEFAULT_LIMIT, Page, check_limit
from chat_core.ports.log import ChangeDraft, ConversationLog, CreationDraft, Stale
from chat_core.ports.storage import ConversationStore, LogReader, UserDirectory
from chat_core.ports.system import Clock, IdGenerator
from chat_core.sessions import Actor

ATTEMPTS = 10
MAX_SEQ = 2**63 - 1


@dataclass(frozen=True, slots=True)
class NewGroup:
    """What someone who makes a group tells; they become its owner."""

    title: str
    member_ids: Collection[UserId]
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation that was asked for; with `existed` it was there before."""

    overview: Overview
    existed: bool


@dataclass(frozen=True, slots=True)
class Conversations:
    """List and make conversations, change groups, and read messages."""

    conversations: ConversationStore
    reader: LogReader
    log: ConversationLog
    users: UserDirectory
    clock: Clock
    ids: IdGenerator
    group_members: int

    async def list(
        self, user_id: UserId, *, after: ActivityPlace | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[Overview, ActivityPlace]:
        """The user's conversations, latest activity first; raises `Invalid`."""
        return await self.conversations.overviews(user_id, after=after, limit=check_limit(limit))

    async def get(self, user_id: UserId, conversation_id: ConversationId) -> Overview:
        """One conversation; raises `NotFound` to whoever is no member."""
        overview = await self.conversations.overview(user_id, conversation_id)
        if overview is None:
            raise NotFound("There is no such conversation")
        return overview

    async def history(
        self,
        user_id: UserId,
        conversation_id: ConversationId,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = DEFAULT_LIMIT,
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
        (await self._stored(conversation_id)).check_member(user_id)
        return await self.reader.history(conversation_id, before=before, after=after, limit=limit)

    async def create_group(self, actor: Actor, new: NewGroup) -> Opened:
        """Make a group, or find the one that this repeats.

        Raises `Invalid`, `RecipientNotFound`, `ClientIdConflict`.
        """
        check_title(new.title)
        client_id = None
        if new.client_id is not None:
            checked = check_client_id(new.client_id, "clientConversationId")
            client_id = ClientConversationId(checked)
        others = [user for user in dict.fromkeys(new.member_ids) if user != actor.user_id]
        if len(others) + 1 > self.group_members:
            raise Invalid.field("memberIds", f"must be less than {self.group_members}")
        await self._check_users(others)
        roles = {actor.user_id: Role.OWNER, **dict.fromkeys(others, Role.MEMBER)}
        now = self.clock.now()
        group = Conversation.group(ConversationId(self.ids.new_id()), new.title, roles, now)
        appended = await self.log.append(CreationDraft(group, actor, client_id, now))
        overview = await self.get(actor.user_id, appended.event.conversation_id)
        return Opened(overview, existed=appended.duplicate)

    async def open_direct(self, actor: Actor, other_id: UserId) -> Opened:
        """The direct conversation with that user: `Invalid`, `RecipientNotFound`."""
        if other_id == actor.user_id:
            raise Invalid.field("userId", "must be someone else")
        await self._check_users([other_id])
        now = self.clock.now()
        new_id = ConversationId(self.ids.new_id())
        wanted = Conversation.direct(new_id, actor.user_id, other_id, now)
        stored = await self.log.open_direct(wanted)
        overview = await self.get(actor.user_id, stored.id)
        return Opened(overview, existed=stored.id != new_id)

    async def change_title(
        self, actor: Actor, conversation_id: ConversationId, title: str
    ) -> Overview:
        """Rename a group; the same title again adds no entry.

        Raises `Invalid`, `NotFound`, `Forbidden`.
        """
        check_title(title)
        return await self._change(actor, conversation_id, TitleChanged(title))

    async def add_member(
        self, actor: Actor, conversation_id: ConversationId, new: MemberAdded
    ) -> Overview:
        """Add a user to a group.

        Raises `NotFound`, `Forbidden`, `AlreadyMember`, `RecipientNotFound`, `Invalid`.
        """
        (await self._stored(conversation_id)).check_may_add(actor.user_id, new)
        await self._check_users([new.user_id])
        return await self._change(actor, conversation_id, new)

    async def change_role(
        self, actor: Actor, conversation_id: ConversationId, change: RoleChanged
    ) -> Overview:
        """Give a member another role; the same again adds no entry.

        Raises `NotFound`, `Forbidden`, `LastOwner`.
        """
        return await self._change(actor, conversation_id, change)

    async def remove_member(
        self, actor: Actor, conversation_id: ConversationId, user_id: UserId
    ) -> None:
        """Remove a member, oneself to leave: `NotFound`, `Forbidden`, `LastOwner`."""
        await self._append(actor, conversation_id, MemberRemoved(user_id))

    async def _change(
        self, actor: Actor, conversation_id: ConversationId, change: Change
    ) -> Overview:
        await self._append(actor, conversation_id, change)
        return await self.get(actor.user_id, conversation_id)

    async def _append(self, actor: Actor, conversation_id: ConversationId, change: Change) -> None:
        for _ in range(ATTEMPTS):
            conversation = await self._stored(conversation_id)
            self._check_may(actor.user_id, conversation, change)
            if _is_so(conversation, change):
                return
            try:
                await self.log.append(ChangeDraft(conversation, actor, change, self.clock.now()))
            except Stale:
                continue
            return
        raise Overloaded("The conversation changes too fast to change it")

    def _check_may(self, user_id: UserId, conversation: Conversation, change: Change) -> None:
        match change:
            case MemberAdded():
                conversation.check_may_add(user_id, change)
                if len(conversation.members) >= self.group_members:
                    raise Invalid.field("userId", f"the group has {self.group_members} members")
            case MemberRemoved(other_id):
                conversation.check_may_remove(user_id, other_id)
            case RoleChanged():
                conversation.check_may_change_role(user_id, change)
            case TitleChanged():
                conversation.check_may_change_title(user_id)

    async def _stored(self, conversation_id: ConversationId) -> Conversation:
        conversation = await self.conversations.get(conversation_id)
        if conversation is None:
            raise NotFound("There is no such conversation")
        return conversation

    async def _check_users(self, user_ids: Collection[UserId]) -> None:
        users = await self.users.get(user_ids)
        for user_id in user_ids:
            if user_id not in users or users[user_id].deleted_at is not None:
                raise RecipientNotFound(f"There is no user {user_id}")


def _is_so(conversation: Conversation, change: Change) -> bool:
    match change:
        case TitleChanged(title):
            return conversation.title == title
        case RoleChanged(user_id, role):
            return conversation.members[user_id].role is role
    return False
