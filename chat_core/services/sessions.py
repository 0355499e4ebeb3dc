"""Sessions: log in, and know who asks."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from chat_core.errors import InvalidCredentials, Overloaded
from chat_core.ids import SessionId
from chat_core.limits import Limit
from chat_core.ports.limits import RateLimiter
from chat_core.ports.security import PasswordHasher, TokenIssuer, TokenVerifier
from chat_core.ports.storage import SessionStore, UserStore
from chat_core.ports.system import Clock, IdGenerator
from chat_core.sessions import UNNAMED_DEVICE, Claims, Login, Session, check_device
from chat_core.users import MAX_EMAIL, fold, is_text

REFRESH_BYTES = 32
"""Of chance in a refresh token: what is not guessed, so a fast digest of it is enough."""


@dataclass(frozen=True, slots=True)
class LoginLimits:
    """How often a log-in may fail: for one account from one address, and from one address."""

    per_account: Limit
    per_address: Limit


@dataclass(frozen=True, slots=True)
class Sessions:
    """Log in with a password, and verify tokens."""

    sessions: SessionStore
    users: UserStore
    hasher: PasswordHasher
    issuer: TokenIssuer
    verifier: TokenVerifier
    limiter: RateLimiter
    clock: Clock
    ids: IdGenerator
    limits: LoginLimits

    async def log_in(self, login: str, password: str, device: str | None, address: str) -> Login:
        """A new session for whoever knows the password; `login` is a user name or an e-mail.

        Only failed log-ins count against the limits. Raises `InvalidCredentials`, `RateLimited`,
        `Invalid`, `Overloaded`.
        """
        label = UNNAMED_DEVICE if device is None else check_device(device)
        known = is_text(login) and len(login) <= MAX_EMAIL
        credentials = await self.users.credentials(login) if known else None
        # One account has one count, by whichever of its names; an unknown one looks the same.
        account = credentials.user.id if credentials else fold(login[:MAX_EMAIL])
        counted = (
            (self.limits.per_address, address),
            (self.limits.per_account, f"{account} {address}"),
        )
        for limit, key in counted:
            await self.limiter.take(limit, key)
        password_hash = credentials.password_hash if credentials else None
        try:
            right = await self.hasher.verify(password, password_hash)
        except Overloaded:
            await self._give_back(counted)
            raise
        if credentials is None or not right:
            raise InvalidCredentials
        await self._give_back(counted)
        now = self.clock.now()
        session = Session(
            SessionId(self.ids.new_id()),
            credentials.user.id,
            label,
            created_at=now,
            last_seen_at=now,
        )
        refresh_token = secrets.token_urlsafe(REFRESH_BYTES)
        await self.sessions.add(session, hashlib.sha256(refresh_token.encode()).digest())
        access = self.issuer.issue(session.user_id, session.id, now)
        return Login(credentials.user, session, access, refresh_token)

    def verify(self, token: str) -> Claims:
        """Who holds this access token; raises `TokenInvalid`, `TokenExpired`."""
        return self.verifier.verify(token, self.clock.now())

    async def relabel(self, session_id: SessionId, device: str) -> None:
        """Give the session's device another label; raises `Invalid`."""
        await self.sessions.relabel(session_id, check_device(device))

    async def _give_back(self, counted: Iterable[tuple[Limit, str]]) -> None:
        for limit, key in counted:
            await self.limiter.give_back(limit, key)
