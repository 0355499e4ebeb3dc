"""Security events: events of accounts and sessions that an operator should see."""

from dataclasses import dataclass
from enum import StrEnum

from chat_core.ids import SessionId, UserId


class SecurityEventKind(StrEnum):
    """The kinds of security event, with their names in the log."""

    LOGIN_SUCCEEDED = "login_succeeded"
    LOGIN_FAILED = "login_failed"
    """A wrong password, also one for a change, or an unknown account."""
    LOGIN_REFUSED = "login_refused"
    """Too many log-ins have failed, or the account is disabled."""
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
    """An event of an account. Unknown fields are None.

    It contains nothing that a user typed, because a password may have been typed as a user name.
    """

    kind: SecurityEventKind
    user_id: UserId | None = None
    session_id: SessionId | None = None
    address: str | None = None
    """The network address of the request."""
