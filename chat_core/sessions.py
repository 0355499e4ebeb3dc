"""Sessions: the revocable logins of users on their devices, and who acts in a request."""

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from chat_core.addresses import networks
from chat_core.errors import RefreshReused, TokenExpired
from chat_core.ids import ConnectionId, SessionId, UserId
from chat_core.names import shown_name
from chat_core.users import User

MAX_DEVICE = 100
LOST_ANSWER = timedelta(seconds=10)
"""How long a refresh token may be used again after its first use."""
REFRESH_BYTES = 32
"""Of chance in each part of a refresh token."""
UNNAMED_DEVICE = "Unnamed device"
MAX_USER_AGENT = 200
NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what moves a cursor, hides, or turns the line round."""


SessionPlace = tuple[datetime, SessionId]
"""When a session was last seen, then its id."""


@dataclass(frozen=True, slots=True)
class Session:
    """One login of a user on one device; `device` is its label.

    `address` is the IP address of the log-in or of the latest refresh, and `user_agent` what the
    program there calls itself: None where that is not known, as of sessions from older versions.
    """

    id: SessionId
    user_id: UserId
    device: str
    created_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None = None
    address: str | None = None
    user_agent: str | None = None

    @property
    def place(self) -> SessionPlace:
        """Where it is in the list of the user's sessions: the highest place comes first."""
        return self.last_seen_at, self.id

    @property
    def network(self) -> str | None:
        """The narrowest of the `chat_core.addresses.networks` that the address counts in."""
        return None if self.address is None else networks(self.address)[0]


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """What a device gets its next tokens with: `family.secret`.

    The family stays the same for a session's life, and the secret is good for one use. Who has the
    family without a good secret has an old token: a copy of it is about.
    """

    family: str
    secret: str

    @classmethod
    def first(cls) -> "RefreshToken":
        """One of a new family."""
        return cls(secrets.token_urlsafe(REFRESH_BYTES), secrets.token_urlsafe(REFRESH_BYTES))

    @classmethod
    def parse(cls, text: str) -> "RefreshToken":
        """The token with that text.

        Tokens of older versions have one part alone. Their family is made of it, so that it is the
        same however often the token is used.
        """
        family, separator, secret = text.partition(".")
        if separator:
            return cls(family, secret)
        return cls(digest(f"family of {text}").hex(), "")

    def next(self) -> "RefreshToken":
        """Another of its family."""
        return replace(self, secret=secrets.token_urlsafe(REFRESH_BYTES))

    @property
    def text(self) -> str:
        """As a device keeps it."""
        return f"{self.family}.{self.secret}"


def digest(secret: str) -> bytes:
    """SHA-256: of what is not guessed, a fast digest is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class RefreshChain:
    """Digests (SHA-256) of a session's refresh tokens: the one in force, and the one it replaced.

    `family` is that of the part that all of them share. It is None where the token in force is
    from a version whose tokens had no such part.
    """

    current: bytes
    previous: bytes | None = None
    replaced_at: datetime | None = None
    """When `previous` was used first."""
    family: bytes | None = None


@dataclass(frozen=True, slots=True)
class RefreshLimits:
    """How long a session lasts: without use, and at all."""

    idle: timedelta
    total: timedelta


@dataclass(frozen=True, slots=True)
class RefreshUse:
    """A refresh token is used, and asks to be replaced by another of its family: digests of them.

    Where it comes from takes the place of what the session had; None leaves that as it is.
    """

    family: bytes
    presented: bytes
    replacement: bytes
    at: datetime
    limits: RefreshLimits
    address: str | None = None
    user_agent: str | None = None

    def judge(self, session: Session, chain: RefreshChain) -> tuple[Session, RefreshChain]:
        """The session and the chain after the use. The token is of that session's family.

        The token in force is replaced. The one before may be used again for `LOST_ANSWER`, since
        an answer can get lost, and what it brings replaces its first successor; once that
        successor was used itself it is no longer the one before. Anything else raises
        `RefreshReused`, a session past its limits `TokenExpired`.
        """
        idle, age = self.at - session.last_seen_at, self.at - session.created_at
        if idle >= self.limits.idle or age >= self.limits.total:
            raise TokenExpired("The session has expired; log in again")
        after = replace(
            session,
            last_seen_at=max(session.last_seen_at, self.at),
            address=self.address or session.address,
            user_agent=self.user_agent or session.user_agent,
        )
        if self.presented == chain.current:
            return after, RefreshChain(self.replacement, chain.current, self.at, self.family)
        in_time = chain.replaced_at is not None and self.at - chain.replaced_at <= LOST_ANSWER
        if self.presented == chain.previous and in_time:
            return after, replace(chain, current=self.replacement, family=self.family)
        raise RefreshReused


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says."""

    user_id: UserId
    session_id: SessionId
    expires_at: datetime
    password_change_required: bool = False
    """Whether the account had a generated password when the token was issued."""

    def actor(self, connection_id: ConnectionId | None = None) -> "Actor":
        """Its holder as who does something, through that connection, if through one."""
        return Actor(self.user_id, self.session_id, connection_id)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token that is good until `expires_at`."""

    text: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """What a device gets for the right password. The refresh token is stored as a digest only."""

    user: User
    session: Session
    access: AccessToken
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: always from a verified token, never from what a request says."""

    user_id: UserId
    session_id: SessionId
    connection_id: ConnectionId | None = None
    """The live connection that asked, where one did: it gets the answer instead of the push."""


def shown_user_agent(text: str | None) -> str | None:
    """What a program calls itself, as it is shown: at most 200 characters, without controls."""
    if text is None:
        return None
    begin = text[: 2 * MAX_USER_AGENT]  # a header may be long
    shown = "".join(each for each in begin if unicodedata.category(each) not in NOT_SHOWN)
    return shown.strip()[:MAX_USER_AGENT] or None


def clean_device(device: str) -> str:
    """A device's label as it is stored, 1 to 100 characters: see `shown_name`. Raises `Invalid`."""
    return shown_name(device, "device", MAX_DEVICE)
