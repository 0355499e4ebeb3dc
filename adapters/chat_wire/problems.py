"""What an error looks like to a client: a problem document (RFC 9457), over HTTP and in acks."""

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
"""The status of each kind of error."""

STATUS_OF_CODE: Mapping[str, int] = {
    "malformed": 400,
    "too_large": 413,
    "unsupported_media_type": 415,
    "host_not_allowed": 421,
}
"""The codes whose status is not their kind's."""

INTERNAL = 500

NOTHING_MORE: Mapping[str, str] = MappingProxyType({})


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A problem document; what does not apply is left out. `retry_after` is in whole seconds."""

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
    """The status of an operational error."""
    return STATUS_OF_CODE.get(error.code, STATUS[error.kind])


def problem(error: ChatError, *, stack: str | None = None) -> Problem:
    """The document of an operational error."""
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
    """The document of a programming error: neutral text, and the id that finds it in the log."""
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
    """Turns whatever was raised into a problem document; logs programming errors as incidents.

    With `development` the documents carry the stack trace too.
    """

    def __init__(self, ids: IdGenerator, *, development: bool) -> None:
        self._ids = ids
        self._development = development
        self.incidents = 0
        """So far."""

    def report(self, error: Exception, about: Mapping[str, str] = NOTHING_MORE) -> Problem:
        """The document for the client; what is not operational is logged with its traceback.

        `about` are ids that the line carries, by their names: `user_id`, `connection_id`.
        """
        stack = "".join(format_exception(error)) if self._development else None
        if isinstance(error, ChatError):
            return problem(error, stack=stack)
        incident_id = self._ids.new_id()
        self.incidents += 1
        ids = {"incident": incident_id, **about}
        logger.error("incident %s", incident_id, exc_info=error, extra=ids)
        return internal_problem(incident_id, stack=stack)
