"""Sessions: log in, stay logged in, log out, and verify tokens."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from chat_core.addresses import shown_address
from chat_core.errors import (
    AccountDisabled,
    Forbidden,
    Invalid,
    InvalidCredentials,
    NotFound,
    Overloaded,
    PasswordChangeRequired,
    RateLimited,
    RefreshReused,
    SessionRevoked,
    Unavailable,
    WrongPassword,
)
from chat_core.ids import SessionId, UserId
from chat_core.pages import DEFAULT_LIMIT, Page, check_limit
from chat_core.passwords import PasswordRules, normalized
from chat_core.ports.limits import RateLimiter
from chat_core.ports.notifications import Connections
from chat_core.ports.security import (
    PasswordHasher,
    SecurityEvents,
    TokenIssuer,
    TokenVerifier,
)
from chat_core.ports.storage import SessionStore, UserStore
from chat_core.ports.system import Clock, IdGenerator
from chat_core.security_events import SecurityEvent, SecurityEventKind
from chat_core.services.fair_queue import FairQueue
from chat_core.services.login_attempts import LoginAttempts, LoginLimits, unknown_account
from chat_core.services.revocation import Revocations
from chat_core.sessions import (
    UNNAMED_DEVICE,
    AccessToken,
    Actor,
    Claims,
    Login,
    RefreshChain,
    RefreshLimits,
    RefreshToken,
    RefreshUse,
    Session,
    SessionPlace,
    clean_device,
    digest,
    shown_user_agent,
)
from chat_core.users import MAX_EMAIL, NO_PASSWORD, Credentials, User, is_text
from chat_core.wire_sizes import BoundedItems, session_size

SESSIONS = "sessions"


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session, and whether it has a live connection."""

    session: Session
    online: bool


@dataclass(frozen=True, slots=True)
class Sessions:
    """Log in with a password, refresh tokens, end sessions, and verify tokens."""

    sessions: SessionStore
    users: UserStore
    revocations: Revocations
    connections: Connections
    hasher: PasswordHasher
    issuer: TokenIssuer
    verifier: TokenVerifier
    limiter: RateLimiter
    reads: FairQueue
    queue: FairQueue
    """The queue for password checks: `PASSWORDS_AT_ONCE` of an account at one time."""
    clock: Clock
    ids: IdGenerator
    security_events: SecurityEvents
    limits: LoginLimits
    lasting: RefreshLimits
    per_user: int
    """The largest number of sessions of a user."""
    passwords: PasswordRules = field(default_factory=PasswordRules)
    displaced: Counter[str] = field(default_factory=Counter)
    """The number of sessions ended by a later log-in, by `SESSIONS`."""

    async def log_in(
        self,
        login: str,
        password: str,
        device: str | None,
        address: str,
        user_agent: str | None = None,
    ) -> Login:
        """Create a session if the password is right; `login` is a user name or an e-mail address.

        If there are then more than `per_user` sessions, it ends the least recently seen. Only
        failed log-ins count against the limits. A hash is replaced if it is outdated, or if it was
        made from another form of the password than `passwords.normalized`. Raises
        `InvalidCredentials`, `RateLimited`, `Invalid`, `Overloaded`; `AccountDisabled` only if the
        password is right.
        """
        label = UNNAMED_DEVICE if device is None else clean_device(device)
        known = is_text(login) and len(login) <= MAX_EMAIL
        credentials = await self.users.credentials(login) if known else None
        # Both names of an account share one count. An unknown account behaves the same.
        account = credentials.user.id if credentials else unknown_account(login)
        user_id = None if credentials is None else credentials.user.id
        with self._recorded(user_id, address):
            form = await self._attempts.right_form(account, credentials, password, address)
            if form is None or credentials is None:
                raise InvalidCredentials
            if credentials.user.disabled_at is not None:
                raise AccountDisabled
        new = normalized(password)
        is_outdated = form != new or self.hasher.is_outdated(credentials.password_hash)
        now = self.clock.now()
        session = Session(
            SessionId(self.ids.new_id()),
            credentials.user.id,
            label,
            created_at=now,
            last_seen_at=now,
            address=shown_address(address),
            user_agent=shown_user_agent(user_agent),
        )
        token = RefreshToken.first()
        chain = RefreshChain(digest(token.text), family=digest(token.family))
        await self.sessions.add(session, chain)
        try:
            with self._recorded(user_id, address):
                await self._check_unchanged(login, credentials, new if is_outdated else None)
        except (InvalidCredentials, AccountDisabled, Overloaded):
            await self.revocations.end({session.id: session.user_id})
            raise
        await self._make_room_for(session)
        if is_outdated:
            await self._bring_up_to_date(credentials, new)
        self._record(SecurityEventKind.LOGIN_SUCCEEDED, user_id, session.id, address=address)
        access = self._access(credentials.user, session, now)
        return Login(credentials.user, session, access, token.text)

    async def refresh(
        self, refresh_token: str, address: str | None = None, user_agent: str | None = None
    ) -> Login:
        """Return new tokens for a live session, and record the address and user agent.

        Raises `TokenInvalid`, `TokenExpired`, and `SessionRevoked`, or `AccountDisabled` if that is
        the reason. If the token was already used up, raises `RefreshReused` and ends the session.
        """
        now = self.clock.now()
        presented = RefreshToken.parse(refresh_token)
        replacement = presented.next().text
        use = RefreshUse(
            digest(presented.family),
            digest(refresh_token),
            digest(replacement),
            now,
            self.lasting,
            address=None if address is None else shown_address(address),
            user_agent=shown_user_agent(user_agent),
        )
        try:
            session = await self.sessions.refresh(use)
        except RefreshReused as error:
            if error.session_id is not None:
                self.revocations.note([error.session_id])
                await self._record_reuse(error.session_id, address)
            raise
        except SessionRevoked as error:
            ended = await self.sessions.get(error.session_id) if error.session_id else None
            if ended is not None:
                await self._enabled_user(ended)
            raise
        try:
            user = await self._enabled_user(session)
        except AccountDisabled:
            # Disabling an account also ends its sessions, but may not have finished.
            await self.revocations.end({session.id: session.user_id}, AccountDisabled)
            raise
        return Login(user, session, self._access(user, session, now), replacement)

    def verify(self, token: str) -> Claims:
        """Return the claims of this access token.

        Raises `TokenInvalid`, `TokenExpired`, `SessionRevoked`, `AccountDisabled`.
        """
        claims = self.verifier.verify(token, self.clock.now())
        self.revocations.check(claims.session_id)
        return claims

    async def require_own_password(self, claims: Claims) -> None:
        """Raise `PasswordChangeRequired` until the user has changed a generated password.

        It reads the account only if the token was issued before the change.
        """
        if claims.password_change_required:
            user = (await self.users.get([claims.user_id])).get(claims.user_id)
            if user is not None and user.password_change_required:
                raise PasswordChangeRequired

    async def list(
        self, user_id: UserId, *, after: SessionPlace | None = None, limit: int = DEFAULT_LIMIT
    ) -> Page[ListedSession, SessionPlace]:
        """Return the user's live sessions, the most recently seen first.

        Raises `Invalid`, `RateLimited`.

        The page ends early at `PAGE_BYTES`.
        From page to page each session that was not used meanwhile is found once.
        """
        check_limit(limit)
        async with self.reads.call(user_id) as turn, turn:
            live = await self.sessions.of_user(user_id)
        rest = [each for each in live if after is None or each.place < after]
        shown = BoundedItems(session_size)
        is_last = shown.take(rest[:limit]) and len(rest) <= limit
        online = self.connections.online([each.id for each in shown.items])
        listed = [ListedSession(each, each.id in online) for each in shown.items]
        return Page(listed, None if is_last else shown.items[-1].place)

    async def end(self, user_id: UserId, session_id: SessionId, address: str | None = None) -> None:
        """End one of the user's own sessions. Raises `NotFound`."""
        session = await self.sessions.get(session_id)
        if session is None or session.user_id != user_id or session.ended_at is not None:
            raise NotFound("There is no such session")
        await self.revocations.end({session_id: user_id}, address=address)

    async def log_out(self, actor: Actor, address: str | None = None) -> None:
        """End the session that makes the request."""
        await self.revocations.end({actor.session_id: actor.user_id}, address=address)

    async def change_password(self, actor: Actor, current: str, new: str, address: str) -> None:
        """Replace the password; every other session ends.

        Raises `Invalid`, `Forbidden`, `WrongPassword`, `RateLimited`. A generated
        password is replaced by another one, and need not be changed any more.
        """
        user = (await self.users.get([actor.user_id])).get(actor.user_id)
        names = (user.username, user.display_name, user.email) if user else ()
        password = self.passwords.check(new, names, "newPassword")
        await self.check_password(actor.user_id, current, address)
        if user is not None and user.password_change_required and password == normalized(current):
            raise Invalid.field("newPassword", "must differ from the generated password")
        await self.users.set_password_hash(
            actor.user_id, await self.hasher.hash(password), change_required=False
        )
        self._record(
            SecurityEventKind.PASSWORD_CHANGED, actor.user_id, actor.session_id, address=address
        )
        live = await self.sessions.of_user(actor.user_id)
        others = {each.id: each.user_id for each in live if each.id != actor.session_id}
        await self.revocations.end(others, address=address)

    async def end_all(self, user_id: UserId) -> None:
        """End all sessions of a user."""
        live = await self.sessions.of_user(user_id)
        await self.revocations.end({each.id: user_id for each in live})

    async def check_password(self, user_id: UserId, password: str | None, address: str) -> None:
        """Check the password of a logged-in user. Raises `WrongPassword`, `RateLimited`.

        Raises `Forbidden` if the account has no password, and `Invalid` for `currentPassword` if no
        password is given.
        """
        users = await self.users.get([user_id])
        username = users[user_id].username if user_id in users else None
        credentials = await self.users.credentials(username) if username else None
        if credentials is not None and credentials.password_hash == NO_PASSWORD:
            raise Forbidden("This account has no password")
        if password is None:
            raise Invalid.field("currentPassword", "is required for this change")
        with self._recorded(user_id, address):
            if await self._attempts.right_form(user_id, credentials, password, address) is None:
                raise WrongPassword

    async def relabel(self, session_id: SessionId, device: str) -> None:
        """Change the label of the session's device. Raises `Invalid`."""
        await self.sessions.relabel(session_id, clean_device(device))

    def _record(
        self,
        kind: SecurityEventKind,
        user_id: UserId | None,
        session_id: SessionId | None = None,
        *,
        address: str | None,
    ) -> None:
        self.security_events.record(SecurityEvent(kind, user_id, session_id, address))

    async def _record_reuse(self, session_id: SessionId, address: str | None) -> None:
        session = None
        with suppress(Unavailable):  # the session has ended in any case
            session = await self.sessions.get(session_id)
        user_id = None if session is None else session.user_id
        for kind in (SecurityEventKind.REFRESH_REUSED, SecurityEventKind.SESSION_ENDED):
            self._record(kind, user_id, session_id, address=address)

    @contextmanager
    def _recorded(self, user_id: UserId | None, address: str) -> Iterator[None]:
        """Record that a password was wrong, or was not checked."""
        try:
            yield
        except (InvalidCredentials, WrongPassword):
            self._record(SecurityEventKind.LOGIN_FAILED, user_id, address=address)
            raise
        except (RateLimited, AccountDisabled):
            self._record(SecurityEventKind.LOGIN_REFUSED, user_id, address=address)
            raise

    def _access(self, user: User, session: Session, now: datetime) -> AccessToken:
        """Return a token for the user's session."""
        required = user.password_change_required
        return self.issuer.issue(user.id, session.id, now, password_change_required=required)

    async def _enabled_user(self, session: Session) -> User:
        """Return the session's user. Raises `AccountDisabled`."""
        user = (await self.users.get([session.user_id]))[session.user_id]
        if user.disabled_at is not None:
            raise AccountDisabled
        return user

    async def _check_unchanged(self, login: str, judged: Credentials, password: str | None) -> None:
        """Check that the password and the account stayed the same while the session was stored.

        If the hash is outdated, `password` is the form that a new hash is made from. Raises
        `InvalidCredentials`, `AccountDisabled`, and `Overloaded` if it could not check.
        """
        still = await self.users.credentials(login)
        if still is None or still.user.id != judged.user.id:
            raise InvalidCredentials
        if still.user.disabled_at is not None:
            raise AccountDisabled
        if still.password_hash == judged.password_hash:
            return
        # Another log-in may have replaced an outdated hash. Then the password is still the same.
        if password is None or not await self.hasher.verify(password, still.password_hash):
            raise InvalidCredentials

    async def _bring_up_to_date(self, judged: Credentials, password: str) -> None:
        """Replace an outdated hash, unless that is already done or fails for the moment."""
        # The password was right in any case. The next log-in tries again.
        with suppress(Overloaded, Unavailable):
            await self.users.set_password_hash(
                judged.user.id,
                await self.hasher.hash(password),
                instead_of=judged.password_hash,
            )

    async def _make_room_for(self, new: Session) -> None:
        """End the least recently seen sessions, so that `per_user` are left, including the new one.

        If several log-ins run at one time, the last one to be stored sees all the others.
        """
        others = [each for each in await self.sessions.of_user(new.user_id) if each.id != new.id]
        too_many = {each.id: each.user_id for each in others[self.per_user - 1 :]}
        if too_many:
            await self.revocations.end(too_many, address=new.address)
            self.displaced[SESSIONS] += len(too_many)

    @property
    def _attempts(self) -> LoginAttempts:
        return LoginAttempts(self.sessions, self.hasher, self.limiter, self.limits, self.queue)
