"""Operational errors: what may go wrong while everything works as designed.

Each class is one stable ``code`` that a client may switch on; its ``kind`` says what sort of
answer it is. How a kind looks over HTTP or a socket is the business of those borders. Whatever is
raised and is not a `ChatError` is a programming error.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from chat_core.ids import SessionId


class ErrorKind(StrEnum):
    """The sorts of answer; every border has one table from these to its own statuses."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of a request; `field` is its path, as in `members.0.userId`."""

    field: str
    message: str


class ChatError(Exception):
    """An operational error. Raise one of its subclasses, where the rule is broken.

    `title` is the same for every error of a code, `detail` tells of this one, both fit for a
    user's eyes. `retry_after` is in seconds.
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
        """Every class that has a code, in the order of their definition."""
        for subclass in cls.__subclasses__():
            if "code" in vars(subclass):
                yield subclass
            yield from subclass.classes()


class Malformed(ChatError):
    """The request is not JSON at all, or not JSON as this protocol bounds it."""

    kind, code, title = ErrorKind.INVALID, "malformed", "The request can't be read"


class TooLarge(ChatError):
    """The request is larger than the server takes."""

    kind, code, title = ErrorKind.INVALID, "too_large", "The request is too large"


class UnsupportedMediaType(ChatError):
    """The request has a body and does not declare it as JSON."""

    kind, code = ErrorKind.INVALID, "unsupported_media_type"
    title = "The body has to be declared as application/json"


class Invalid(ChatError):
    """Readable, but some fields are not as they should be; `errors` names them."""

    kind, code, title = ErrorKind.INVALID, "invalid", "The request is not valid"

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        """One field is wrong."""
        return cls(f"{field}: {message}", errors=[FieldError(field, message)])


class Unauthenticated(ChatError):
    """No one has been identified."""

    kind, code, title = ErrorKind.UNAUTHENTICATED, "unauthenticated", "Log in first"


class InvalidCredentials(ChatError):
    """Unknown user or wrong password: the answer does not tell which."""

    kind, code = ErrorKind.UNAUTHENTICATED, "invalid_credentials"
    title = "The user name or the password is wrong"


class TokenInvalid(ChatError):
    """The token was not issued by this server, or is not a token."""

    kind, code, title = ErrorKind.UNAUTHENTICATED, "token_invalid", "The token is not valid"


class TokenExpired(ChatError):
    """The token was good, and its time is over."""

    kind, code, title = ErrorKind.UNAUTHENTICATED, "token_expired", "The token has expired"


class SessionRevoked(ChatError):
    """The session was ended: by a log-out, from another device, or by a new password."""

    kind, code, title = ErrorKind.UNAUTHENTICATED, "session_revoked", "The session has ended"
    session_id: SessionId | None = None
    """That session, where a store tells, for the server's own use."""

    @classmethod
    def of(cls, session_id: SessionId) -> "SessionRevoked":
        """Of that session."""
        error = cls()
        error.session_id = session_id
        return error


class RefreshReused(ChatError):
    """A refresh token was used twice, so it may be stolen: the session has ended."""

    kind, code = ErrorKind.UNAUTHENTICATED, "refresh_reused"
    title = "The refresh token was used before"
    session_id: SessionId | None = None
    """The session that has ended, for the server's own use."""


class AccountDisabled(ChatError):
    """The operator has closed the account."""

    kind, code, title = ErrorKind.UNAUTHENTICATED, "account_disabled", "The account is closed"


class RegistrationTimeout(ChatError):
    """A connection did not register in time."""

    kind, code = ErrorKind.UNAUTHENTICATED, "registration_timeout"
    title = "The connection did not register in time"


class Forbidden(ChatError):
    """The user is known, and may not do this."""

    kind, code, title = ErrorKind.FORBIDDEN, "forbidden", "This is not allowed"


class WrongPassword(ChatError):
    """A change that needs the password came with another one."""

    kind, code, title = ErrorKind.FORBIDDEN, "wrong_password", "The password is wrong"


class PasswordChangeRequired(ChatError):
    """The password was generated by the operator, and nothing goes before the user changes it."""

    kind, code = ErrorKind.FORBIDDEN, "password_change_required"
    title = "Change the generated password first"


class Blocked(ChatError):
    """One of the two has blocked the other."""

    kind, code = ErrorKind.FORBIDDEN, "blocked"
    title = "Messages between you are blocked"


class SignupsClosed(ChatError):
    """Accounts are made by the operator only."""

    kind, code, title = ErrorKind.FORBIDDEN, "signups_closed", "Sign-up is closed"


class OriginNotAllowed(ChatError):
    """A browser page of an origin that is not on the list."""

    kind, code = ErrorKind.FORBIDDEN, "origin_not_allowed"
    title = "This origin may not connect"


class HostNotAllowed(ChatError):
    """The request is for a host that is not on the list."""

    kind, code = ErrorKind.FORBIDDEN, "host_not_allowed"
    title = "There is no such host here"


class NotFound(ChatError):
    """There is no such thing, or its existence is nobody's business."""

    kind, code, title = ErrorKind.NOT_FOUND, "not_found", "There is no such thing here"


class RecipientNotFound(ChatError):
    """The user that is written to does not exist."""

    kind, code, title = ErrorKind.NOT_FOUND, "recipient_not_found", "There is no such recipient"


class UsernameTaken(ChatError):
    """Another account has that name, whatever the case."""

    kind, code, title = ErrorKind.CONFLICT, "username_taken", "The user name is taken"


class EmailTaken(ChatError):
    """Another account has that address, whatever the case."""

    kind, code, title = ErrorKind.CONFLICT, "email_taken", "The e-mail address is taken"


class ClientIdConflict(ChatError):
    """A client id was used before, for something else."""

    kind, code = ErrorKind.CONFLICT, "client_id_conflict"
    title = "This client id was used for something else"


class AlreadyMember(ChatError):
    """The user is in the conversation."""

    kind, code, title = ErrorKind.CONFLICT, "already_member", "The user is a member already"


class LastOwner(ChatError):
    """A group with members has an owner."""

    kind, code, title = ErrorKind.CONFLICT, "last_owner", "Make someone else an owner first"


class AlreadyRegistered(ChatError):
    """The connection belongs to another session already, and goes on doing so."""

    kind, code = ErrorKind.CONFLICT, "already_registered"
    title = "The connection is registered already"


class RateLimited(ChatError):
    """Too often; `retry_after` tells when it will work again."""

    kind, code, title = ErrorKind.RATE_LIMITED, "rate_limited", "Too many requests"


class TooManyConnections(ChatError):
    """The user, or the address, has as many live connections as one may have."""

    kind, code = ErrorKind.RATE_LIMITED, "too_many_connections"
    title = "Too many connections"


class Unavailable(ChatError):
    """Something that the server needs is out of reach; a retry is safe."""

    kind, code = ErrorKind.UNAVAILABLE, "unavailable"
    title = "The service is not available just now"


class Overloaded(ChatError):
    """The server has more to do than it can; a retry is safe."""

    kind, code, title = ErrorKind.UNAVAILABLE, "overloaded", "The service is busy just now"
