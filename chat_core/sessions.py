"""Sessions: the revocable logins of users on their devices, and who acts in a request."""

from dataclasses import dataclass
from datetime import datetime

from chat_core.errors import Invalid
from chat_core.ids import ConnectionId, SessionId, UserId
from chat_core.users import User, is_text

MAX_DEVICE = 100
UNNAMED_DEVICE = "Unnamed device"


@dataclass(frozen=True, slots=True)
class Session:
    """One login of a user on one device; `device` is its label."""

    id: SessionId
    user_id: UserId
    device: str
    created_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified access token says."""

    user_id: UserId
    session_id: SessionId
    expires_at: datetime


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


def check_device(device: str) -> str:
    """1 to 100 characters; raises `Invalid`."""
    if not 1 <= len(device) <= MAX_DEVICE or not is_text(device):
        raise Invalid.field("device", f"must be 1 to {MAX_DEVICE} characters")
    return device
