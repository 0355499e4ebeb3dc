"""Erasure: delete an account and its content; other users' messages stay."""

from collections.abc import Callable
from dataclasses import dataclass

from chat_core.conversations import Change, Conversation, MemberDeleted, Role, RoleChanged
from chat_core.errors import NotFound
from chat_core.events import UserUpdated
from chat_core.ids import ConversationId, SessionId, UserId
from chat_core.pages import MAX_LIMIT
from chat_core.ports.log import ChangeDraft, ConversationLog, Stale
from chat_core.ports.notifications import Notifier
from chat_core.ports.security import SecurityEvents
from chat_core.ports.storage import BlockStore, ConversationStore, SessionStore, UserStore
from chat_core.ports.system import Clock
from chat_core.security_events import SecurityEvent, SecurityEventKind
from chat_core.services.presence import Presence
from chat_core.services.revocation import LATE_SECONDS
from chat_core.services.sessions import Sessions
from chat_core.sessions import Actor
from chat_core.users import User

OPERATOR = SessionId("operator")
"""Stands for the session if the operator acts for a user."""

ELSEWHERE_SECONDS = LATE_SECONDS + 1.0
"""After this time, other processes no longer accept requests from an ended session."""

Step = Callable[[int], None]
"""A callback for progress: the number of conversations done since the last call."""


def _ignore(_: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class ToErase:
    """An account to erase, and the data that still belongs to it.

    `member_of` are the conversations with the user as a member, `left_behind` the groups that the
    user has left, but that still have content from them. Each of these gets an entry.
    """

    user: User
    member_of: tuple[ConversationId, ...]
    left_behind: tuple[ConversationId, ...]
    sessions: int
    blocks: int

    @property
    def is_done(self) -> bool:
        """Return whether there is nothing left to erase."""
        around = self.member_of or self.left_behind or self.sessions or self.blocks
        return self.user.deleted_at is not None and not around


@dataclass(frozen=True, slots=True)
class Erasure:
    """Delete an account. If it is interrupted, call it again, and it continues."""

    users: UserStore
    conversations: ConversationStore
    log: ConversationLog
    blocks: BlockStore
    stored_sessions: SessionStore
    sessions: Sessions
    presence: Presence
    notifier: Notifier
    clock: Clock
    security_events: SecurityEvents

    async def delete_own(self, actor: Actor, password: str, address: str) -> None:
        """Erase the user and all they have written. Raises `WrongPassword`, `RateLimited`.

        Their sessions end, and each of their conversations gets an entry about it. If the last
        owner of a group goes, the longest-standing admin, or else member, becomes the owner.
        """
        await self.sessions.check_password(actor.user_id, password, address)
        await self._erase(actor, _ignore, address)

    async def erase(self, user_id: UserId, step: Step = _ignore) -> User:
        """Do the same for an operator, without the password. Raises `NotFound`.

        If the account is already erased, it completes any unfinished work.
        """
        actor = Actor(user_id, OPERATOR)
        await self._erase(actor, step)
        # A server is another process, and takes a moment to see that sessions have ended.
        await self.clock.sleep(ELSEWHERE_SECONDS)
        await self._leave_all(actor, step)
        return await self._user(user_id)

    async def to_erase(self, user_id: UserId) -> ToErase:
        """Return what `erase` would do. Raises `NotFound`."""
        user = await self._user(user_id)
        member_of = [
            each for each in await self._conversations_of(user_id) if await self._is_in(user, each)
        ]
        return ToErase(
            user,
            tuple(member_of),
            tuple(await self.conversations.left_behind(user_id)),
            sessions=len(await self.stored_sessions.of_user(user_id)),
            blocks=len(await self._blocked_by(user_id)),
        )

    async def _erase(self, actor: Actor, step: Step, address: str | None = None) -> None:
        user_id = actor.user_id
        user = await self._user(user_id)
        peers = (await self.conversations.peers([user_id]))[user_id]
        await self._leave_all(actor, step)
        await self.sessions.end_all(user_id)
        if user.deleted_at is None:
            user = await self.users.erase(user_id, self.clock.now())
            session_id = None if actor.session_id == OPERATOR else actor.session_id
            self.security_events.record(
                SecurityEvent(SecurityEventKind.ACCOUNT_ERASED, user_id, session_id, address)
            )
        # Do it again for what was added meanwhile. From now on nothing can be added.
        await self._leave_all(actor, step)
        await self.sessions.end_all(user_id)
        await self.stored_sessions.forget_devices(user_id)
        for other_id in await self._blocked_by(user_id):
            await self.blocks.unblock(user_id, other_id)
        self.notifier.notify(UserUpdated(user, self.presence.of(user)), peers)

    async def _user(self, user_id: UserId) -> User:
        user = (await self.users.get([user_id])).get(user_id)
        if user is None:
            raise NotFound("There is no such user")
        return user

    async def _is_in(self, user: User, conversation_id: ConversationId) -> bool:
        conversation = await self.conversations.get(conversation_id)
        return conversation is not None and not _is_done(conversation, user.id)

    async def _blocked_by(self, user_id: UserId) -> list[UserId]:
        found: list[UserId] = []
        after = None
        while True:
            page = await self.blocks.blocked_by(user_id, after=after, limit=MAX_LIMIT)
            found += page.items
            if page.next is None:
                return found
            after = page.next

    async def _conversations_of(self, user_id: UserId) -> list[ConversationId]:
        found: list[ConversationId] = []
        place = None
        while True:
            page = await self.conversations.latest(user_id, after=place, limit=MAX_LIMIT)
            found += [each.conversation_id for each in page.items]
            if page.next is None:
                return found
            place = page.next

    async def _leave_all(self, actor: Actor, step: Step) -> None:
        for conversation_id in await self._conversations_of(actor.user_id):
            await self._leave(actor, conversation_id)
            step(1)
        for conversation_id in await self.conversations.left_behind(actor.user_id):
            await self._empty(actor, conversation_id)
            step(1)

    async def _empty(self, actor: Actor, conversation_id: ConversationId) -> None:
        """Delete the messages of a user who has left the group."""
        change = MemberDeleted(actor.user_id)
        while True:
            conversation = await self.conversations.get(conversation_id)
            if conversation is None:
                return
            try:
                await self.log.append(ChangeDraft(conversation, actor, change, self.clock.now()))
            except Stale:
                continue
            return

    async def _leave(self, actor: Actor, conversation_id: ConversationId) -> None:
        while True:
            conversation = await self.conversations.get(conversation_id)
            if conversation is None or _is_done(conversation, actor.user_id):
                return
            successor = conversation.successor_of(actor.user_id)
            change: Change = MemberDeleted(actor.user_id)
            if successor is not None:
                change = RoleChanged(successor.user_id, Role.OWNER)
            try:
                await self.log.append(ChangeDraft(conversation, actor, change, self.clock.now()))
            except Stale:
                continue


def _is_done(conversation: Conversation, user_id: UserId) -> bool:
    return user_id in conversation.gone or user_id not in conversation.members
