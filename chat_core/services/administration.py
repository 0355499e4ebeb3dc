"""Administration: the operator's access to accounts and sessions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

from chat_core.errors import AccountDisabled, Invalid, NotFound
from chat_core.ids import SessionId, UserId
from chat_core.passwords import PasswordRules
from chat_core.ports.security import PasswordHasher, SecurityEvents
from chat_core.ports.storage import AccountStore, SessionStore, UserStore
from chat_core.ports.system import Clock, IdGenerator
from chat_core.security_events import SecurityEvent, SecurityEventKind
from chat_core.services.accounts import NewAccount
from chat_core.services.revocation import Revocations
from chat_core.sessions import Session
from chat_core.users import User, is_text

AT_ONCE = 50
"""The number of users whose sessions are read at one time."""

_NOBODY = UserId("")


@dataclass(frozen=True, slots=True)
class ListedAccount:
    """An account, and the number of its live sessions."""

    user: User
    sessions: int


@dataclass(frozen=True, slots=True)
class Administration:
    """Add, list, disable and enable accounts, give new passwords, and end sessions.

    It checks no permissions. The program that offers it has to.
    """

    users: UserStore
    accounts: AccountStore
    sessions: SessionStore
    revocations: Revocations
    hasher: PasswordHasher
    clock: Clock
    ids: IdGenerator
    security_events: SecurityEvents
    passwords: PasswordRules = field(default_factory=PasswordRules)

    async def add(self, new: NewAccount, *, change_required: bool = False) -> User:
        """Create an account by the rules of signing up, even if users can't sign up.

        With `change_required` the user has to change the password at the first log-in. Raises
        `Invalid`, `UsernameTaken`, `EmailTaken`.
        """
        user = new.user(UserId(self.ids.new_id()), self.clock.now())
        user = replace(user, password_change_required=change_required)
        password = new.checked_password(self.passwords)
        await self.users.add(user, await self.hasher.hash(password))
        self._record(SecurityEventKind.SIGNED_UP, user.id)
        return user

    async def find(self, login: str) -> User:
        """Return the user with that user name or e-mail address. Raises `NotFound`."""
        credentials = await self.users.credentials(login) if is_text(login) else None
        if credentials is None:
            raise NotFound("There is no such user")
        return credentials.user

    async def list(self, prefix: str = "") -> AsyncIterator[Sequence[ListedAccount]]:
        """Yield all accounts in batches, erased ones included, in the order of their ids.

        With a prefix, yield those with a matching name, in the order of names. Raises `Invalid`.
        """
        if not is_text(prefix):
            raise Invalid.field("query", "must not contain NUL or an unpaired surrogate")
        async for users in self._found(prefix) if prefix else self._all():
            live = await asyncio.gather(*(self.sessions.of_user(each.id) for each in users))
            yield [
                ListedAccount(user, len(of_user)) for user, of_user in zip(users, live, strict=True)
            ]

    async def disable(self, user_id: UserId) -> int:
        """Disable a user, end all their sessions, return how many. Raises `NotFound`.

        A second call ends any new sessions. Messages stay, and other members can still write.
        """
        # Keep this order: a log-in that stores its session later then checks the account again.
        await self.accounts.disable(user_id, self.clock.now())
        live = await self.sessions.of_user(user_id)
        await self.revocations.end({each.id: user_id for each in live}, AccountDisabled)
        self._record(SecurityEventKind.ACCOUNT_DISABLED, user_id)
        return len(live)

    async def enable(self, user_id: UserId) -> User:
        """Let a user log in again. Ended sessions stay ended. Raises `NotFound`."""
        user = await self.accounts.enable(user_id)
        self._record(SecurityEventKind.ACCOUNT_ENABLED, user_id)
        return user

    async def reset_password(
        self, user_id: UserId, new: str, *, change_required: bool = False
    ) -> int:
        """Give a user a new password, end all their sessions, return how many.

        With `change_required` the user has to change it at the next log-in. Raises `Invalid`,
        `NotFound`.
        """
        user = (await self.users.get([user_id])).get(user_id)
        if user is None or user.deleted_at is not None:
            raise NotFound("There is no such user")
        password = self.passwords.check(new, (user.username, user.display_name, user.email))
        await self.users.set_password_hash(
            user_id, await self.hasher.hash(password), change_required=change_required
        )
        self._record(SecurityEventKind.PASSWORD_CHANGED, user_id)
        return await self.end_sessions(user_id)

    async def sessions_of(self, user_id: UserId) -> Sequence[Session]:
        """Return the user's live sessions, the most recently seen first."""
        return list(await self.sessions.of_user(user_id))

    async def session(self, session_id: SessionId) -> Session:
        """Return a live session of any user. Raises `NotFound`."""
        session = await self.sessions.get(session_id) if is_text(session_id) else None
        if session is None or session.ended_at is not None:
            raise NotFound("There is no such session, or it has ended")
        return session

    async def end_session(self, session_id: SessionId) -> None:
        """End a session of any user. Raises `NotFound`, also if it has ended."""
        session = await self.session(session_id)
        await self.revocations.end({session_id: session.user_id})

    async def end_sessions(self, user_id: UserId) -> int:
        """End all sessions of a user, and return how many."""
        live = await self.sessions.of_user(user_id)
        await self.revocations.end({each.id: user_id for each in live})
        return len(live)

    async def end_all_sessions(self) -> AsyncIterator[int]:
        """End the sessions of all users in batches, and yield the count of each batch.

        If it is interrupted, call it again. Sessions that start meanwhile may stay.
        """
        async for users in self._all():
            live = await asyncio.gather(*(self.sessions.of_user(each.id) for each in users))
            ended = {session.id: session.user_id for of_user in live for session in of_user}
            await self.revocations.end(ended)
            yield len(ended)

    def _record(self, kind: SecurityEventKind, user_id: UserId) -> None:
        self.security_events.record(SecurityEvent(kind, user_id))

    async def _all(self) -> AsyncIterator[Sequence[User]]:
        place: UserId | None = None
        while True:
            page = await self.accounts.accounts(after=place, limit=AT_ONCE)
            yield page.items
            if page.next is None:
                return
            place = page.next

    async def _found(self, prefix: str) -> AsyncIterator[Sequence[User]]:
        place = None
        while True:
            page = await self.users.search(prefix, without=_NOBODY, after=place, limit=AT_ONCE)
            yield page.items
            if page.next is None:
                return
            place = page.next
