"""Erasure: an account goes, and what others said around it stays."""

from dataclasses import dataclass

from chat_core.conversations import Change, Conversation, MemberDeleted, Role, RoleChanged
from chat_core.events import UserUpdated
from chat_core.ids import ConversationId, UserId
from chat_core.pages import MAX_LIMIT
from chat_core.ports.log import ChangeDraft, ConversationLog, Stale
from chat_core.ports.notifications import Notifier
from chat_core.ports.storage import ConversationStore, UserStore
from chat_core.ports.system import Clock
from chat_core.services.presence import Presence
from chat_core.services.sessions import Sessions
from chat_core.sessions import Actor


@dataclass(frozen=True, slots=True)
class Erasure:
    """Delete one's own account. Interrupted, it can be asked for again and goes on."""

    users: UserStore
    conversations: ConversationStore
    log: ConversationLog
    sessions: Sessions
    presence: Presence
    notifier: Notifier
    clock: Clock

    async def delete_own(self, actor: Actor, password: str, address: str) -> None:
        """Forget who the user is, and what they said. `WrongPassword`, `RateLimited`.

        Their sessions end, and each of their conversations gets an entry that says so; where the
        last owner of a group goes, the longest-standing admin, else member, becomes owner.
        """
        user_id = actor.user_id
        await self.sessions.check_password(user_id, password, address)
        peers = (await self.conversations.peers([user_id]))[user_id]
        await self._leave_all(actor)
        await self.sessions.end_all(user_id)
        erased = await self.users.erase(user_id, self.clock.now())
        # Again, for what came in between; from now on nothing can.
        await self._leave_all(actor)
        await self.sessions.end_all(user_id)
        self.notifier.notify(UserUpdated(erased, self.presence.of(erased)), peers)

    async def _conversations_of(self, user_id: UserId) -> list[ConversationId]:
        found: list[ConversationId] = []
        place = None
        while True:
            page = await self.conversations.overviews(user_id, after=place, limit=MAX_LIMIT)
            found += [overview.conversation.id for overview in page.items]
            if page.next is None:
                return found
            place = page.next

    async def _leave_all(self, actor: Actor) -> None:
        for conversation_id in await self._conversations_of(actor.user_id):
            await self._leave(actor, conversation_id)

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
