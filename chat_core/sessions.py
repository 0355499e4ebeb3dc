"""Sessions: the revocable logins of users on their devices, and the actor of a request."""

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
"""How long a used refresh token may be used again."""
REFRESH_BYTES = 32
"""Random bytes in each part of a refresh token."""
UNNAMED_DEVICE = "Unnamed device"
MAX_USER_AGENT = 200
NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of controls, format characters, surrogates and line breaks."""


SessionPlace = tuple[datetime, SessionId]
"""The time that a session was last seen, and its id."""


@dataclass(frozen=True, slots=True)
class Session:
    """One login of a user on one device; `device` is its label.

    `address` is the IP address of the log-in or of the latest refresh, and `user_agent` the name
    that the client sends. They are None if unknown, as in sessions from older versions.
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
        """Return the place in the list of the user's sessions. The highest place comes first."""
        return self.last_seen_at, self.id

    @property
    def network(self) -> str | None:
        """Return the narrowest of the address's `chat_core.addresses.networks`."""
        return None if self.address is None else networks(self.address)[0]


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The token that a device exchanges for new tokens: `family.secret`.

    The family stays the same as long as the session lasts, and each secret is valid for one use. A
    valid family with an old secret means that somebody may have copied the token.
    """

    family: str
    secret: str

    @classmethod
    def first(cls) -> "RefreshToken":
        """Return a token of a new family."""
        return cls(secrets.token_urlsafe(REFRESH_BYTES), secrets.token_urlsafe(REFRESH_BYTES))

    @classmethod
    def parse(cls, text: str) -> "RefreshToken":
        """Parse a token.

        Tokens of older versions have only one part. The family is derived from it, so that it is
        the same each time.
        """
        family, separator, secret = text.partition(".")
        if separator:
            return cls(family, secret)
        return cls(digest(f"family of {text}").hex(), "")

    def next(self) -> "RefreshToken":
        """Return another token of this family."""
        return replace(self, secret=secrets.token_urlsafe(REFRESH_BYTES))

    @property
    def text(self) -> str:
        """Return the text that a device stores."""
        return f"{self.family}.{self.secret}"


def digest(secret: str) -> bytes:
    """Return the SHA-256 of a secret. A fast digest is enough for a random secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class RefreshChain:
    """SHA-256 digests of a session's refresh tokens: the current one and the one before.

    `family` is the digest of the part that all of them share, or None if the current token is from
    a version without families.
    """

    current: bytes
    previous: bytes | None = None
    replaced_at: datetime | None = None
    """The time of the first use of `previous`."""
    family: bytes | None = None


@dataclass(frozen=True, slots=True)
class RefreshLimits:
    """How long a session lasts: without use, and in total."""

    idle: timedelta
    total: timedelta


@dataclass(frozen=True, slots=True)
class RefreshUse:
    """A request to replace a refresh token by another of its family, with digests of both.

    The address and user agent replace those of the session, unless they are None.
    """

    family: bytes
    presented: bytes
    replacement: bytes
    at: datetime
    limits: RefreshLimits
    address: str | None = None
    user_agent: str | None = None

    def judge(self, session: Session, chain: RefreshChain) -> tuple[Session, RefreshChain]:
        """Return the session and the chain after the use. The family must be that of the session.

        The current token is replaced. An answer can get lost, so the previous token may be used
        again for `LOST_ANSWER`, and its new successor replaces the first one. As soon as a
        successor is used, the token before it is no longer the previous one. Any other token raises
        `RefreshReused`, and a session past its limits raises `TokenExpired`.
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
    """The content of a verified access token."""

    user_id: UserId
    session_id: SessionId
    expires_at: datetime
    password_change_required: bool = False
    """Whether the account had a generated password when the token was issued."""

    def actor(self, connection_id: ConnectionId | None = None) -> "Actor":
        """Return the holder as an actor, through that connection, if there is one."""
        return Actor(self.user_id, self.session_id, connection_id)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token, valid until `expires_at`."""

    text: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """The answer to a successful log-in. The refresh token is stored only as a digest."""

    user: User
    session: Session
    access: AccessToken
    refresh_token: str


@dataclass(frozen=True, slots=True)
class Actor:
    """The user who does something: always from a verified token, never from the request."""

    user_id: UserId
    session_id: SessionId
    connection_id: ConnectionId | None = None
    """The live connection that sent the request, if any. It gets an answer but no push."""


def shown_user_agent(text: str | None) -> str | None:
    """Return a client's name as it is shown: at most 200 characters, without controls."""
    if text is None:
        return None
    begin = text[: 2 * MAX_USER_AGENT]  # a header may be long
    shown = "".join(each for each in begin if unicodedata.category(each) not in NOT_SHOWN)
    return shown.strip()[:MAX_USER_AGENT] or None


def clean_device(device: str) -> str:
    """Return a device's label of 1 to 100 characters as stored: see `shown_name`.

    Raises `Invalid`.
    """
    return shown_name(device, "device", MAX_DEVICE)
