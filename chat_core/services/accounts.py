"""Accounts: sign up, find users, change your profile."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from chat_core.addresses import counts
from chat_core.errors import Invalid, NotFound, SignupsClosed
from chat_core.ids import UserId
from chat_core.limits import Limit
from chat_core.pages import Page, check_limit
from chat_core.passwords import PasswordRules
from chat_core.ports.limits import RateLimiter
from chat_core.ports.security import PasswordHasher, SecurityEvents
from chat_core.ports.storage import UserStore
from chat_core.ports.system import Clock, IdGenerator
from chat_core.security_events import SecurityEvent, SecurityEventKind
from chat_core.services.fair_queue import FairQueue
from chat_core.services.presence import Presence
from chat_core.services.sessions import Sessions
from chat_core.sessions import Actor
from chat_core.users import (
    MAX_IDS,
    UNCHANGED,
    NamePlace,
    ProfileChange,
    User,
    check_email,
    check_username,
    clean_display_name,
    fold,
    is_text,
    name_place,
)
from chat_core.wire_sizes import BoundedItems, user_size

MAX_PREFIX = 256
"""Characters of a prefix to search for: four times the length of the longest name."""


@dataclass(frozen=True, slots=True)
class SignupPolicy:
    """The policy for new accounts. If `per_address` is None, users can't sign up."""

    per_address: Limit | None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """The data of a new account."""

    username: str
    password: str
    email: str | None = None
    display_name: str | None = None

    def check_names(self) -> None:
        """Check the names and the e-mail address. Raises `Invalid`."""
        check_username(self.username)
        self._shown_as()
        if self.email is not None:
            check_email(self.email)

    def user(self, user_id: UserId, at: datetime) -> User:
        """Return the new user. The default display name is the user name. Raises `Invalid`."""
        self.check_names()
        return User(user_id, self.username, self._shown_as(), self.email, created_at=at)

    def checked_password(self, rules: PasswordRules) -> str:
        """Return the password in the form to hash. Raises `Invalid` if the rules reject it."""
        return rules.check(self.password, (self.username, self._shown_as(), self.email))

    def _shown_as(self) -> str:
        return self.username if self.display_name is None else clean_display_name(self.display_name)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Sign up, find users, change your profile."""

    users: UserStore
    reads: FairQueue
    hasher: PasswordHasher
    limiter: RateLimiter
    presence: Presence
    clock: Clock
    ids: IdGenerator
    signups: SignupPolicy
    sessions: Sessions
    """Checks the password if a change requires it."""
    security_events: SecurityEvents
    changes: Limit
    """How often a user may change the display name, which is pushed to all their contacts."""
    passwords: PasswordRules = field(default_factory=PasswordRules)

    async def sign_up(self, new: NewAccount, address: str) -> User:
        """Create an account; `address` is the network address of the request.

        Raises `SignupsClosed`, `Invalid`, `RateLimited`, `UsernameTaken`, `EmailTaken`.
        """
        if self.signups.per_address is None:
            raise SignupsClosed
        user = new.user(UserId(self.ids.new_id()), self.clock.now())
        password = new.checked_password(self.passwords)
        await self.limiter.take_all(counts(self.signups.per_address, address))
        await self.users.add(user, await self.hasher.hash(password))
        self.security_events.record(
            SecurityEvent(SecurityEventKind.SIGNED_UP, user.id, address=address)
        )
        return user

    async def get(self, user_id: UserId) -> User:
        """Return a user. Raises `NotFound`."""
        users = await self.users.get([user_id])
        if user_id not in users:
            raise NotFound("There is no such user")
        return users[user_id]

    async def get_many(self, ids: Collection[UserId], *, asker_id: UserId) -> Mapping[UserId, User]:
        """Return up to 100 users; unknown ids are left out. Raises `Invalid`, `RateLimited`."""
        if len(ids) > MAX_IDS:
            raise Invalid.field("ids", f"must be at most {MAX_IDS}")
        async with self.reads.call(asker_id) as turn, turn:
            return await self.users.get(ids)

    async def search(
        self, prefix: str, *, asker_id: UserId, after: NamePlace | None, limit: int
    ) -> Page[User, NamePlace]:
        """Find other users by the start of a name, in the order of names.

        The page ends early at `PAGE_BYTES`. Raises `Invalid`, `RateLimited`.
        """
        # Normalizing a text takes time that grows with the square of its length.
        if len(prefix) > MAX_PREFIX:
            raise Invalid.field("q", f"must be at most {MAX_PREFIX} characters")
        if not is_text(prefix):
            raise Invalid.field("q", "must not contain NUL or an unpaired surrogate")
        check_limit(limit)
        async with self.reads.call(asker_id) as turn, turn:
            page = await self.users.search(prefix, without=asker_id, after=after, limit=limit)
        shown = BoundedItems(user_size)
        if shown.take(page.items):
            return Page(shown.items, page.next)
        return Page(shown.items, name_place(shown.items[-1], fold(prefix)))

    async def change_profile(
        self,
        actor: Actor,
        change: ProfileChange,
        *,
        address: str,
        current_password: str | None = None,
    ) -> User:
        """Change the profile and notify everyone who shares a conversation.

        To change or remove the e-mail address you need the password. So nobody can take over the
        account from a stolen phone, or find out which addresses have an account. Without a display
        name the user name is shown. Raises `Invalid`, `Forbidden`, `WrongPassword`, `RateLimited`,
        `EmailTaken`, `NotFound`.
        """
        user_id = actor.user_id
        if isinstance(change.display_name, str):
            change = replace(change, display_name=clean_display_name(change.display_name))
        if isinstance(change.email, str):
            check_email(change.email)
        before = await self.get(user_id)
        if change.display_name is None:
            change = replace(change, display_name=before.username)
        if change.email not in {UNCHANGED, before.email}:
            await self.sessions.check_password(user_id, current_password, address)
        if change.display_name not in {UNCHANGED, before.display_name}:
            await self.limiter.take(self.changes, user_id)
        user = await self.users.update(user_id, change)
        if user.email != before.email:
            self.security_events.record(
                SecurityEvent(SecurityEventKind.EMAIL_CHANGED, user_id, actor.session_id, address)
            )
        if user.display_name != before.display_name:
            self.presence.renamed(user_id)
        return user
