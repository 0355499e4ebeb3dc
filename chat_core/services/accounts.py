"""Accounts: sign up, look up, change one's profile."""

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
"""Characters of a name's beginning: four times what the longest name has."""


@dataclass(frozen=True, slots=True)
class SignupPolicy:
    """Who may make an account: `per_address` is None where signing up is closed."""

    per_address: Limit | None


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What someone who signs up tells."""

    username: str
    password: str
    email: str | None = None
    display_name: str | None = None

    def check_names(self) -> None:
        """The names and the address are as they should be; raises `Invalid`."""
        check_username(self.username)
        self._shown_as()
        if self.email is not None:
            check_email(self.email)

    def user(self, user_id: UserId, at: datetime) -> User:
        """The account, shown under the user name if under no other; raises `Invalid`."""
        self.check_names()
        return User(user_id, self.username, self._shown_as(), self.email, created_at=at)

    def checked_password(self, rules: PasswordRules) -> str:
        """The password in the form to hash, if the rules allow it; raises `Invalid`."""
        return rules.check(self.password, (self.username, self._shown_as(), self.email))

    def _shown_as(self) -> str:
        return self.username if self.display_name is None else clean_display_name(self.display_name)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Sign up, find users, change one's profile."""

    users: UserStore
    reads: FairQueue
    hasher: PasswordHasher
    limiter: RateLimiter
    presence: Presence
    clock: Clock
    ids: IdGenerator
    signups: SignupPolicy
    sessions: Sessions
    """That check the password where a change needs it."""
    security_events: SecurityEvents
    changes: Limit
    """How often a user may take another display name: all who share a conversation hear of it."""
    passwords: PasswordRules = field(default_factory=PasswordRules)

    async def sign_up(self, new: NewAccount, address: str) -> User:
        """Make an account for someone at that network address.

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
        """One user; raises `NotFound`."""
        users = await self.users.get([user_id])
        if user_id not in users:
            raise NotFound("There is no such user")
        return users[user_id]

    async def get_many(self, ids: Collection[UserId], *, asker_id: UserId) -> Mapping[UserId, User]:
        """At most 100 users, unknown ones left out; raises `Invalid`, `RateLimited`."""
        if len(ids) > MAX_IDS:
            raise Invalid.field("ids", f"must be at most {MAX_IDS}")
        async with self.reads.call(asker_id) as turn, turn:
            return await self.users.get(ids)

    async def search(
        self, prefix: str, *, asker_id: UserId, after: NamePlace | None, limit: int
    ) -> Page[User, NamePlace]:
        """Users other than the asker by the beginning of a name, in the order of names.

        The page ends early at `PAGE_BYTES`. Raises `Invalid`, `RateLimited`.
        """
        # To normalize text takes a time that grows with the square of its length.
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
        """Change one's own profile and tell those who share a conversation.

        Another e-mail address, or none any more, needs the password: with a found phone nobody
        takes the account over, or finds out which addresses have one. Without a display name a
        user is shown under the user name. Raises `Invalid`, `Forbidden`, `WrongPassword`,
        `RateLimited`, `EmailTaken`, `NotFound`.
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
