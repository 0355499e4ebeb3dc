"""A shortcut for calling a handler that gets very many requests."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from chat_core.errors import Malformed, TooLarge
from chat_core.sessions import Actor
from chat_server.http.answers import Answer
from chat_server.http.problems import BODY_EXPECTED
from chat_wire import decode, requests

LENGTH = b"content-length"


class DirectCall:
    """Middleware of one handler that calls it instead of the framework.

    The framework takes as long to find the arguments of any handler and to build a response from
    any result as the service takes to store a message. This middleware is only for a handler that
    takes a body as `data`, the `request` and services, and returns an `Answer`. The handler is
    declared like all others, so its path, method, access rules, errors and documentation work the
    same way.
    """

    def __init__(self, app: ASGIApp) -> None:  # noqa: ARG002 - bypassed
        self._call: _Call | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request.

        Raises `TooLarge`, `Malformed`, `Invalid` or an error of the handler.
        """
        call = self._call
        if call is None:
            call = self._call = _Call.of(cast("HTTPRouteHandler", scope["route_handler"]))
        body = await _body(scope, receive, call.max_bytes)
        request: Request[Actor, Any, Any] = Request(scope, receive, send)
        services = {name: provide() for name, provide in call.services}
        answer = await call.handler(data=decode(body, call.body), request=request, **services)
        await answer.to_asgi_response(None, request)(scope, receive, send)


@dataclass(frozen=True, slots=True)
class _Call:
    """The facts about the handler that are known before the first request."""

    handler: Callable[..., Awaitable[Answer[object]]]
    body: type[requests.Request]
    max_bytes: int
    services: list[tuple[str, Callable[[], object]]]

    @classmethod
    def of(cls, handler: HTTPRouteHandler) -> "_Call":
        """Read the facts from the handler's declaration."""
        parameters = handler.parsed_fn_signature.parameters
        provided = handler.resolve_dependencies()
        return cls(
            handler.fn,
            parameters["data"].annotation,
            handler.resolve_request_max_body_size() or 0,  # a limit is always set
            [
                (name, provided[name].dependency)
                for name in parameters
                if name not in {"data", "request"}
            ],
        )


async def _body(scope: Scope, receive: Receive, max_bytes: int) -> bytes:
    for name, value in scope["headers"]:
        if name == LENGTH and value.isdigit() and int(value) > max_bytes:
            raise TooLarge
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Malformed("The connection ended before the whole body arrived")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > max_bytes:
            raise TooLarge
    if not body:
        raise Malformed(BODY_EXPECTED)
    return body
