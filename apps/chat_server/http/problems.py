"""Errors over HTTP: every exception becomes a problem document."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.types import ExceptionHandlersMap, Scope, Send
from msgspec import structs

from chat_core.errors import (
    ChatError,
    FieldError,
    Invalid,
    Malformed,
    NotFound,
    RateLimited,
    TooLarge,
)
from chat_core.sessions import Actor
from chat_wire import encode
from chat_wire.http_headers import PROBLEM
from chat_wire.problems import Problem, ProblemReporter

MEDIA_TYPE = "application/problem+json"
TOO_LARGE = 413
METHOD_NOT_ALLOWED = 405
UNAUTHENTICATED = 401
BODY_EXPECTED = "The body must be a JSON object"


def exception_handlers(
    reporter: ProblemReporter, count_unmatched: Callable[[Scope], None]
) -> ExceptionHandlersMap:
    """Return the handlers that turn each kind of exception into a response.

    `count_unmatched` is called for requests that match no route; it may raise `RateLimited`.
    """

    def answer(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        if isinstance(error, (NotFoundException, MethodNotAllowedException)):
            try:
                count_unmatched(request.scope)
            except RateLimited as limited:
                return _response(reporter.report(limited), {})
        if isinstance(error, MethodNotAllowedException):
            return _response(_method_not_allowed(reporter), dict(error.headers or {}))
        translated = _translated(error) if isinstance(error, HTTPException) else error
        actor = request.scope.get("user")
        about = {"user_id": actor.user_id} if isinstance(actor, Actor) else {}
        return _response(reporter.report(translated, about), {})

    return {HTTPException: answer, ChatError: answer, Exception: answer}


async def send_problem(send: Send, problem: Problem) -> None:
    """Answer a request with a problem, without using the framework."""
    body = encode(problem)
    headers = [PROBLEM, (b"content-length", str(len(body)).encode())]
    if isinstance(problem.retry_after, int):
        headers.append((b"retry-after", str(problem.retry_after).encode()))
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _response(problem: Problem, headers: dict[str, str]) -> Response[bytes]:
    if isinstance(problem.retry_after, int):
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(
        encode(problem), status_code=problem.status, headers=headers, media_type=MEDIA_TYPE
    )


def _method_not_allowed(reporter: ProblemReporter) -> Problem:
    known = reporter.report(NotFound("This path does not support the method"))
    return structs.replace(known, status=METHOD_NOT_ALLOWED, title="The method is not allowed")


def _translated(error: HTTPException) -> Exception:
    """Translate the framework's own errors into this project's errors."""
    if isinstance(error, NotFoundException):
        return NotFound("There is no such path")
    if isinstance(error, ValidationException):
        return _invalid(error)
    if error.status_code == TOO_LARGE:
        return TooLarge()
    if 400 <= error.status_code < 500:  # noqa: PLR2004 - the class of client errors
        return Malformed(error.detail)
    return error


def _invalid(error: ValidationException) -> ChatError:
    found = error.extra if isinstance(error.extra, list) else []
    errors = [FieldError(str(each.get("key", "")), str(each.get("message", ""))) for each in found]
    if any(each.field == "data" for each in errors) or not errors:
        return Malformed(BODY_EXPECTED)
    return Invalid("; ".join(f"{each.field}: {each.message}" for each in errors), errors=errors)
