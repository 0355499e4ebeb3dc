"""Operational errors: failures that can happen while everything works as designed.

Each class has one stable ``code``, which clients may switch on, and a ``kind``, which the HTTP
and socket adapters map to a status. An exception that is not a `ChatError` is a bug.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from chat_core.ids import SessionId


class ErrorKind(StrEnum):
    """The kind of a failure. Each transport maps the kinds to its own statuses."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error in one field of a request; `field` is a path such as `members.0.userId`."""

    field: str
    message: str


class ChatError(Exception):
    """An operational error. Raise one of its subclasses where the rule is broken.

    `title` is the same for every error with this code; `detail` describes this one. Both can be
    shown to a user. `retry_after` is in seconds.
    """

    kind: ClassVar[ErrorKind]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        retry_after: float | None = None,
    ) -> None:
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.retry_after = retry_after
        super().__init__(self.detail)

    @classmethod
    def classes(cls) -> Iterator[type["ChatError"]]:
        """Yield each class that has a code, in the order of definition."""
        for subclass in cls.__subclasses__():
            if "code" in vars(subclass):
                yield subclass
            yield from subclass.classes()


class Malformed(ChatError):
    """The request is not JSON, or exceeds the protocol's limits on JSON."""

    kind, code, title = ErrorKind.INVALID, "malformed", "The request can't be read"


class TooLarge(ChatError):
    """The request is larger than the server accepts."""

    kind, code, title = ErrorKind.INVALID, "too_large", "The request is too large"


class UnsupportedMediaType(ChatError):
    """The request has a body that is not declared as JSON."""

    kind, code = ErrorKind.INVALID, "unsupported_media_type"
    title = "The request body must have the type application/json"


class Invalid(ChatError):
    """The request is readable, but some fields are wrong; `errors` names them."""

    kind, code, title = ErrorKind.INVALID, "invalid", "The request is not valid"

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """Return an error about one field."""
        return cls(f"{field}: {message}", errors=[FieldError(field, message)])


class Unauthenticated(ChatError):
    """The request or the connection is not authenticated."""

    kind, code, title = ErrorKind.UNAUTHENTICATED, "unauthenticated", "Log in first"


class InvalidCredentials(ChatError):
    """Unknown user or wrong password; the error does not say which."""

    kind, code = ErrorKind.UNAUTHENTICATED, "invalid_credentials"
    title = "The username or password is wrong"


class TokenInvalid(ChatError):
    """This server did not issue the token, or it is not a token."""

    kind, code, title = ErrorKind.UNAUTHENTICATED, "token_invalid", "The token is not valid"


class TokenExpired(ChatError):
    """The token was valid and has expired."""

    kind, code, title = ErrorKind.UNAUTHENTICATED, "token_expired", "The token has expired"


class SessionRevoked(ChatError):
    """The session was ended, for example by a log-out, another device or a new password."""

    kind, code, title = ErrorKind.UNAUTHENTICATED, "session_revoked", "The session has ended"
    session_id: SessionId | None = None
    """The session, if the store reports it; for the server's own use."""

    @classmethod
    def of(cls, session_id: SessionId) -> "SessionRevoked":
        """Return an error with the id of the session."""
        error = cls()
        error.session_id = session_id
        return error


class RefreshReused(ChatError):
    """A refresh token was used twice, so it may be stolen: the session has ended."""

    kind, code = ErrorKind.UNAUTHENTICATED, "refresh_reused"
    title = "The refresh token was already used"
    session_id: SessionId | None = None
    """The session that has ended; for the server's own use."""


class AccountDisabled(ChatError):
    """The operator has disabled the account."""

    kind, code, title = ErrorKind.UNAUTHENTICATED, "account_disabled", "The account is disabled"


class RegistrationTimeout(ChatError):
    """The connection did not register in time."""

    kind, code = ErrorKind.UNAUTHENTICATED, "registration_timeout"
    title = "The connection did not register in time"


class Forbidden(ChatError):
    """The user is authenticated but may not do this."""

    kind, code, title = ErrorKind.FORBIDDEN, "forbidden", "This is not allowed"


class WrongPassword(ChatError):
    """A change that requires the account's password was sent with a wrong one."""

    kind, code, title = ErrorKind.FORBIDDEN, "wrong_password", "The password is wrong"


class PasswordChangeRequired(ChatError):
    """The operator generated the password; the user must change it before anything else."""

    kind, code = ErrorKind.FORBIDDEN, "password_change_required"
    title = "Change the generated password first"


class Blocked(ChatError):
    """One of the two users has blocked the other."""

    kind, code = ErrorKind.FORBIDDEN, "blocked"
    title = "One of you has blocked the other"


class SignupsClosed(ChatError):
    """Only the operator can create accounts."""

    kind, code, title = ErrorKind.FORBIDDEN, "signups_closed", "Sign-up is closed"


class OriginNotAllowed(ChatError):
    """The request comes from a web page whose origin is not allowed."""

    kind, code = ErrorKind.FORBIDDEN, "origin_not_allowed"
    title = "This origin is not allowed"


class HostNotAllowed(ChatError):
    """The request names a host that is not allowed."""

    kind, code = ErrorKind.FORBIDDEN, "host_not_allowed"
    title = "This host name is not allowed"


class NotFound(ChatError):
    """The thing does not exist, or the user may not know that it does."""

    kind, code, title = ErrorKind.NOT_FOUND, "not_found", "Not found"


class RecipientNotFound(ChatError):
    """The recipient, or the user being added, does not exist."""

    kind, code, title = ErrorKind.NOT_FOUND, "recipient_not_found", "The recipient does not exist"


class UsernameTaken(ChatError):
    """Another account has this username, ignoring case."""

    kind, code, title = ErrorKind.CONFLICT, "username_taken", "The username is already taken"


class EmailTaken(ChatError):
    """Another account has this address, ignoring case."""

    kind, code, title = ErrorKind.CONFLICT, "email_taken", "The e-mail address is already taken"


class ClientIdConflict(ChatError):
    """The client id was already used for something else."""

    kind, code = ErrorKind.CONFLICT, "client_id_conflict"
    title = "This client id was already used for something else"


class AlreadyMember(ChatError):
    """The user is already a member of the conversation."""

    kind, code, title = ErrorKind.CONFLICT, "already_member", "The user is already a member"


class LastOwner(ChatError):
    """The only owner of a group with other members can't leave or take a lower role."""

    kind, code, title = ErrorKind.CONFLICT, "last_owner", "Make someone else an owner first"


class AlreadyRegistered(ChatError):
    """The connection is registered to another session, and stays so."""

    kind, code = ErrorKind.CONFLICT, "already_registered"
    title = "The connection is already registered"


class RateLimited(ChatError):
    """Too many requests; `retry_after` says when to try again."""

    kind, code, title = ErrorKind.RATE_LIMITED, "rate_limited", "Too many requests"


class TooManyConnections(ChatError):
    """The user or the address has as many live connections as allowed."""

    kind, code = ErrorKind.RATE_LIMITED, "too_many_connections"
    title = "Too many connections"


class Unavailable(ChatError):
    """Something the server needs is unreachable; a retry is safe."""

    kind, code = ErrorKind.UNAVAILABLE, "unavailable"
    title = "The service is temporarily unavailable"


class Overloaded(ChatError):
    """The server has more work than it can do; a retry is safe."""

    kind, code, title = ErrorKind.UNAVAILABLE, "overloaded", "The service is busy"
