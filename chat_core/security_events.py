"""Security events: what an operator has to hear of accounts and sessions."""

from dataclasses import dataclass
from enum import StrEnum

from chat_core.ids import SessionId, UserId


class SecurityEventKind(StrEnum):
    """The sorts of security event, by the names that they have in the log."""

    LOGIN_SUCCEEDED = "login_succeeded"
    LOGIN_FAILED = "login_failed"
    """A wrong password, also one that a change asked for, or an account that does not exist."""
    LOGIN_REFUSED = "login_refused"
    """Too many have failed, or the account is disabled."""
    SIGNED_UP = "signed_up"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name
    EMAIL_CHANGED = "email_changed"
    SESSION_ENDED = "session_ended"
    REFRESH_REUSED = "refresh_reused"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"
    ACCOUNT_ERASED = "account_erased"


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """Something happened to an account; None is what is not known.

    It holds nothing that anybody typed: what was tried as a user name may be a password.
    """

    kind: SecurityEventKind
    user_id: UserId | None = None
    session_id: SessionId | None = None
    address: str | None = None
    """The network address that it came from."""
