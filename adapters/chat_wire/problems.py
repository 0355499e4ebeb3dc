"""Errors as clients see them: problem documents (RFC 9457), over HTTP and in acks."""

import logging
from collections.abc import Mapping
from traceback import format_exception
from types import MappingProxyType

import msgspec

from chat_core.errors import ChatError, ErrorKind
from chat_core.ports.system import IdGenerator

logger = logging.getLogger(__name__)

STATUS: Mapping[ErrorKind, int] = {
    ErrorKind.INVALID: 422,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.UNAVAILABLE: 503,
}
"""The HTTP status for each kind of error."""

STATUS_OF_CODE: Mapping[str, int] = {
    "malformed": 400,
    "too_large": 413,
    "unsupported_media_type": 415,
    "host_not_allowed": 421,
}
"""The HTTP status for error codes that don't use the status of their kind."""

INTERNAL = 500

NOTHING_MORE: Mapping[str, str] = MappingProxyType({})


class FieldProblem(msgspec.Struct, frozen=True):
    """The error of one field."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A problem document, without fields that don't apply. `retry_after` is in whole seconds."""

    type: str
    title: str
    status: int
    code: str
    detail: str | msgspec.UnsetType = msgspec.UNSET
    errors: list[FieldProblem] | msgspec.UnsetType = msgspec.UNSET
    retry_after: int | msgspec.UnsetType = msgspec.UNSET
    incident_id: str | msgspec.UnsetType = msgspec.UNSET
    stack: str | msgspec.UnsetType = msgspec.UNSET


def status_of(error: ChatError) -> int:
    """Return the HTTP status of an operational error."""
    return STATUS_OF_CODE.get(error.code, STATUS[error.kind])


def problem(error: ChatError, *, stack: str | None = None) -> Problem:
    """Return the document of an operational error."""
    return Problem(
        type=f"urn:chat-core:problem:{error.code}",
        title=error.title,
        status=status_of(error),
        code=error.code,
        detail=error.detail,
        errors=[FieldProblem(at.field, at.message) for at in error.errors] or msgspec.UNSET,
        retry_after=msgspec.UNSET if error.retry_after is None else -int(-error.retry_after // 1),
        stack=stack or msgspec.UNSET,
    )


def internal_problem(incident_id: str, *, stack: str | None = None) -> Problem:
    """Return the document of a programming error: a neutral text, and the id of its log entry."""
    return Problem(
        type="urn:chat-core:problem:internal",
        title="The server failed",
        status=INTERNAL,
        code="internal",
        detail=f"The error is logged as incident {incident_id}.",
        incident_id=incident_id,
        stack=stack or msgspec.UNSET,
    )


class ProblemReporter:
    """Turns exceptions into problem documents, and logs programming errors as incidents.

    With `development`, the documents include the stack trace.
    """

    def __init__(self, ids: IdGenerator, *, development: bool) -> None:
        self._ids = ids
        self._development = development
        self.incidents = 0
        """Number of incidents so far."""

    def report(self, error: Exception, about: Mapping[str, str] = NOTHING_MORE) -> Problem:
        """Return the document for the client; log any non-operational error with its traceback.

        `about` maps the names of ids (`user_id`, `connection_id`) to the ids for the log line.
        """
        stack = "".join(format_exception(error)) if self._development else None
        if isinstance(error, ChatError):
            return problem(error, stack=stack)
        incident_id = self._ids.new_id()
        self.incidents += 1
        ids = {"incident": incident_id, **about}
        logger.error("incident %s", incident_id, exc_info=error, extra=ids)
        return internal_problem(incident_id, stack=stack)
