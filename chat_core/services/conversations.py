"""Conversations: list and create them, change groups, and read messages."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from chat_core.conversations import (
    MAX_TITLE,
    ActivityPlace,
    Change,
    Conversation,
    Member,
    MemberAdded,
    MemberPlace,
    MemberRemoved,
    Overview,
    Role,
    RoleChanged,
    TitleChanged,
    clean_title,
)
from chat_core.errors import ChatError, Invalid, NotFound, Overloaded, RecipientNotFound
from chat_core.ids import ClientConversationId, ConversationId, UserId
from chat_core.limits import Limit
from chat_core.messages import History, check_client_id
from chat_core.names import clean
from chat_core.pages import DEFAULT_LIMIT, Page, check_limit
from chat_core.ports.limits import RateLimiter
from chat_core.ports.log import Appended, ChangeDraft, ConversationLog, CreationDraft, Stale
from chat_core.ports.storage import ConversationStore, LogReader, UserDirectory
from chat_core.ports.system import Clock, IdGenerator
from chat_core.services.fair_queue import FairQueue
from chat_core.sessions import Actor
from chat_core.wire_sizes import BoundedItems, message_size, overview_size

ATTEMPTS = 10
MAX_SEQ = 2**63 - 1
OVERVIEWS_A_TURN, MESSAGES_A_TURN = 20, 50
"""The most that one turn reads, which takes some milliseconds."""


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """The largest size of a group, and how often a user may create and change groups.

    The defaults are the limits of the service (docs/settings.md).
    """

    members: int = 256
    """The largest number of members, including the owner."""
    creations: Limit = field(default_factory=lambda: Limit("groups", burst=30, seconds=3600))
    additions: Limit = field(default_factory=lambda: Limit("members", burst=500, seconds=3600))
    """How many people a user may add to groups, when creating them or later."""
    changes: Limit = field(default_factory=lambda: Limit("changes", burst=30, seconds=60))
    """How often a user may change titles and roles, and remove others. Leaving is free."""


@dataclass(frozen=True, slots=True)
class NewGroup:
    """The data of a new group. Its creator becomes the owner."""

    title: str
    member_ids: Collection[UserId]
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """The requested conversation. With `existed` it was already stored."""

    overview: Overview
    existed: bool


@dataclass(frozen=True, slots=True)
class Conversations:
    """List and create conversations, change groups, and read messages.

    `opening` limits how often a user opens direct conversations. It is the limit on messages,
    because a message can open one, too.
    """

    conversations: ConversationStore
    reader: LogReader
    log: ConversationLog
    users: UserDirectory
    reads: FairQueue
    limiter: RateLimiter
    clock: Clock
    ids: IdGenerator
    limits: GroupLimits
    opening: Limit

    async def list(
        self, user_id: UserId, *, after: ActivityPlace | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[Overview, ActivityPlace]:
        """Return the user's conversations, latest activity first; ends early at `PAGE_BYTES`.

        Raises `Invalid`, `RateLimited`.
        """
        check_limit(limit)
        async with self.reads.call(user_id) as turn:
            async with turn:
                latest = await self.conversations.latest(user_id, after=after, limit=limit)
            page = BoundedItems(overview_size)
            wanted = [place.conversation_id for place in latest.items]
            for start in range(0, len(wanted), OVERVIEWS_A_TURN):
                async with turn:
                    shown = await self.conversations.overviews(
                        user_id, wanted[start : start + OVERVIEWS_A_TURN]
                    )
                if not page.take(shown):
                    last = page.items[-1].id
                    place = next(each for each in latest.items if each.conversation_id == last)
                    return Page(page.items, place)
        return Page(page.items, latest.next)

    async def get(self, user_id: UserId, conversation_id: ConversationId) -> Overview:
        """Return a conversation with all members. Raises `NotFound`, `RateLimited`."""
        async with self.reads.call(user_id) as turn, turn:
            return await self._shown(user_id, conversation_id)

    async def members(
        self,
        user_id: UserId,
        conversation_id: ConversationId,
        *,
        after: MemberPlace | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> Page[Member, MemberPlace]:
        """Return the members by joining time, then by id.

        Raises `NotFound` to users who are not members, `Invalid`, `RateLimited`.
        """
        check_limit(limit)
        async with self.reads.call(user_id) as turn, turn:
            conversation = await self._stored(conversation_id)
        conversation.check_member(user_id)
        start = None if after is None else (after.joined_at, after.user_id)
        ordered = sorted(
            (each.joined_at, each.user_id, each) for each in conversation.members.values()
        )
        found = [
            member
            for joined_at, member_id, member in ordered
            if start is None or (joined_at, member_id) > start
        ]
        if len(found) <= limit:
            return Page(found, None)
        last = found[limit - 1]
        return Page(found[:limit], MemberPlace(last.joined_at, last.user_id))

    async def history(
        self,
        user_id: UserId,
        conversation_id: ConversationId,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = DEFAULT_LIMIT,
    ) -> History:
        """Return messages before or after a seq, or the latest; ends early at `PAGE_BYTES`.

        Raises `NotFound` to users who are not members, `Invalid` with both, `RateLimited`.
        """
        if before is not None and after is not None:
            raise Invalid.field("after", "can't be combined with before")
        for name, seq in (("before", before), ("after", after)):
            if seq is not None and not 0 <= seq <= MAX_SEQ:
                raise Invalid.field(name, "must be a seq, which is 0 or more")
        check_limit(limit)
        page = BoundedItems(message_size)
        async with self.reads.call(user_id) as turn:
            async with turn:
                (await self._stored(conversation_id)).check_member(user_id)
            while True:
                part_limit = min(limit - len(page.items), MESSAGES_A_TURN)
                async with turn:
                    part = await self.reader.history(
                        conversation_id, before=before, after=after, limit=part_limit
                    )
                all_fit = page.take(part.items if after is not None else reversed(part.items))
                if not all_fit or not part.has_more or len(page.items) == limit:
                    break
                end = page.items[-1].seq
                before, after = (None, end) if after is not None else (end, None)
        if after is None:
            page.items.reverse()
        return History(page.items, has_more=part.has_more or not all_fit)

    async def create_group(self, actor: Actor, new: NewGroup) -> Opened:
        """Create a group, or return the one that this repeats, whatever has changed since.

        A repeat counts against no limit. Raises `Invalid`, `RecipientNotFound`, `RateLimited`,
        `ClientIdConflict`; `NotFound` for a repeat by a user who has left the group.
        """
        draft = self._creation(actor, new)
        appended = await self._repeated(draft, new.title)
        if appended is None:
            appended = await self._create(draft)
        overview = await self._shown(actor.user_id, appended.event.conversation_id)
        return Opened(overview, existed=appended.duplicate)

    async def open_direct(self, actor: Actor, other_id: UserId) -> Opened:
        """Return the direct conversation with that user. Counts as a message.

        Raises `Invalid`, `RateLimited`, `RecipientNotFound`.
        """
        if other_id == actor.user_id:
            raise Invalid.field("userId", "must be someone else")
        await self.limiter.take(self.opening, actor.user_id)
        await self._check_users([other_id])
        now = self.clock.now()
        new_id = ConversationId(self.ids.new_id())
        wanted = Conversation.direct(new_id, actor.user_id, other_id, now)
        stored = await self.log.open_direct(wanted)
        overview = await self._shown(actor.user_id, stored.id)
        return Opened(overview, existed=stored.id != new_id)

    async def change_title(
        self, actor: Actor, conversation_id: ConversationId, title: str
    ) -> Overview:
        """Rename a group. The same title adds no entry, but still counts.

        Raises `Invalid`, `NotFound`, `Forbidden`, `RateLimited`.
        """
        title = clean_title(title)
        return await self._change(actor, conversation_id, TitleChanged(title))

    async def add_member(
        self, actor: Actor, conversation_id: ConversationId, new: MemberAdded
    ) -> Overview:
        """Add a user to a group.

        Raises `NotFound`, `Forbidden`, `AlreadyMember`, `RecipientNotFound`, `Invalid`,
        `RateLimited`.
        """
        (await self._stored(conversation_id)).check_may_add(actor.user_id, new)
        await self._check_users([new.user_id])
        return await self._change(actor, conversation_id, new)

    async def change_role(
        self, actor: Actor, conversation_id: ConversationId, change: RoleChanged
    ) -> Overview:
        """Change a member's role. The same role adds no entry, but still counts.

        Raises `NotFound`, `Forbidden`, `LastOwner`, `RateLimited`.
        """
        return await self._change(actor, conversation_id, change)

    async def remove_member(
        self, actor: Actor, conversation_id: ConversationId, user_id: UserId
    ) -> None:
        """Remove a member, or leave the group. Leaving counts against no limit.

        Raises `NotFound`, `Forbidden`, `LastOwner`, `RateLimited`.
        """
        await self._append(actor, conversation_id, MemberRemoved(user_id))

    async def _change(
        self, actor: Actor, conversation_id: ConversationId, change: Change
    ) -> Overview:
        await self._append(actor, conversation_id, change)
        return await self._shown(actor.user_id, conversation_id)

    def _creation(self, actor: Actor, new: NewGroup) -> CreationDraft:
        """Return the draft of the new group, with a checked client id."""
        client_id = None
        if new.client_id is not None:
            checked = check_client_id(new.client_id, "clientConversationId")
            client_id = ClientConversationId(checked)
        others = [user for user in new.member_ids if user != actor.user_id]
        roles = {actor.user_id: Role.OWNER, **dict.fromkeys(others, Role.MEMBER)}
        now = self.clock.now()
        title = clean(new.title, MAX_TITLE)
        group = Conversation.group(ConversationId(self.ids.new_id()), title, roles, now)
        return CreationDraft(group, actor, client_id, now)

    async def _repeated(self, draft: CreationDraft, title: str) -> Appended | None:
        """Return the creation that this repeats, or None."""
        if draft.client_id is None:
            return None
        repeated = await self.log.repeated(draft)
        if repeated is None and title != draft.conversation.title:
            # Earlier versions stored titles uncleaned.
            as_it_came = replace(draft.conversation, title=title)
            repeated = await self.log.repeated(replace(draft, conversation=as_it_came))
        return repeated

    async def _create(self, draft: CreationDraft) -> Appended:
        """Check, count and append a new group."""
        creator, group = draft.actor.user_id, draft.conversation
        clean_title(group.title or "")
        if len(group.members) > self.limits.members:
            raise Invalid.field("memberIds", f"must be fewer than {self.limits.members}")
        others = [user for user in group.members if user != creator]
        await self._check_users(others)
        creations, additions = self.limits.creations, self.limits.additions
        async with (
            self._counted(creator, creations, 1),
            self._counted(creator, additions, len(others)),
        ):
            appended = await self.log.append(draft)
        if appended.duplicate:
            # The same request, made at the same time, was stored first.
            await self.limiter.give_back(creations, creator)
            await self.limiter.give_back(additions, creator, len(others))
        return appended

    @asynccontextmanager
    async def _counted(self, user_id: UserId, limit: Limit, count: int) -> AsyncIterator[None]:
        """Count `count` actions, unless an error means that nothing was stored."""
        await self.limiter.take(limit, user_id, count)
        try:
            yield
        except ChatError:
            await self.limiter.give_back(limit, user_id, count)
            raise

    async def _append(self, actor: Actor, conversation_id: ConversationId, change: Change) -> None:
        conversation = await self._stored(conversation_id)
        self._check_may(actor.user_id, conversation, change)
        match change:
            case MemberAdded():
                async with self._counted(actor.user_id, self.limits.additions, 1):
                    await self._append_judged(actor, conversation, change)
            case MemberRemoved(user_id) if user_id == actor.user_id:
                await self._append_judged(actor, conversation, change)
            case _:
                await self.limiter.take(self.limits.changes, actor.user_id)
                await self._append_judged(actor, conversation, change)

    async def _append_judged(
        self, actor: Actor, conversation: Conversation, change: Change
    ) -> None:
        """Append a change. If the conversation changes meanwhile, check the rules again."""
        for _ in range(ATTEMPTS):
            if _is_so(conversation, change):
                return
            try:
                await self.log.append(ChangeDraft(conversation, actor, change, self.clock.now()))
            except Stale:
                conversation = await self._stored(conversation.id)
                self._check_may(actor.user_id, conversation, change)
            else:
                return
        raise Overloaded("The conversation is changing too fast; try again")

    def _check_may(self, user_id: UserId, conversation: Conversation, change: Change) -> None:
        match change:
            case MemberAdded():
                conversation.check_may_add(user_id, change)
                if len(conversation.members) >= self.limits.members:
                    raise Invalid.field(
                        "userId",
                        f"the group already has {self.limits.members} members, the most allowed",
                    )
            case MemberRemoved(other_id):
                conversation.check_may_remove(user_id, other_id)
            case RoleChanged():
                conversation.check_may_change_role(user_id, change)
            case TitleChanged():
                conversation.check_may_change_title(user_id)

    async def _shown(self, user_id: UserId, conversation_id: ConversationId) -> Overview:
        overview = await self.conversations.overview(user_id, conversation_id)
        if overview is None:
            raise NotFound("There is no such conversation")
        return overview

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
