"""One log line for each HTTP request: method, path, status, milliseconds and who asked."""

import re
import time
from collections.abc import Mapping

import structlog
import uuid_utils
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from chat_core.sessions import Actor
from chat_server.http.refused_lines import WINDOW_SECONDS, RefusedLines
from chat_server.logs import current_request
from chat_server.metrics import HttpRequests
from chat_wire.http_headers import missing_from

HEADER = b"x-request-id"
REFUSED = 400
"""The first status of a refusal."""
TOO_MANY = 429
_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

logger = structlog.get_logger("chat_server.requests")


class RequestLog:
    """Logs requests and answers each with its `X-Request-Id`, the caller's own where it sent one.

    What a browser is told of every answer is added here, too: a wrapper of its own would cost more
    than the headers do.

    It goes around the whole application, so that it sees what the framework makes of errors.
    """

    def __init__(self, app: ASGIApp, requests: HttpRequests) -> None:
        self._app = app
        self._requests = requests
        self._refused = RefusedLines()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request and log it."""
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        path = scope["path"]  # now: a mounted application gets to see only its own part
        status = 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = [*message["headers"], (HEADER, request_id)]
                headers.extend(missing_from(headers))
            await send(message)

        before = current_request.set(request_id.decode())
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            ended = time.perf_counter()
            method = str(scope.get("method"))
            self._requests.observe(_route(scope), method, status, ended - began)
            self._log(scope, method, path, status, began, ended)
            current_request.reset(before)

    def _log(
        self, scope: Scope, method: str, path: str, status: int, began: float, ended: float
    ) -> None:
        untold = self._refused.over(ended)
        if untold:
            logger.info("more requests were refused", number=untold, seconds=WINDOW_SECONDS)
        line = {
            "method": method,
            "path": path,
            "status": status,
            "ms": round((ended - began) * 1000, 1),
        }
        user = scope.get("user")
        if isinstance(user, Actor):
            line["user_id"] = user.user_id
        # Whoever has an account is bound by its rates; a rate's refusals are bound by nothing.
        is_bound = "user_id" in line and status != TOO_MANY
        if status < REFUSED or is_bound or self._refused.take():
            logger.info("request", **line)


def _route(scope: Scope) -> str | None:
    """The template of the route that took the request, if one did."""
    routed: Mapping[str, object] = scope  # where no route took it, these keys are not there
    handler = routed.get("route_handler")
    if handler is None:
        return None
    if isinstance(handler, ASGIRouteHandler) and handler.is_mount:
        return min(handler.paths)  # the framework has no template of a mount
    return str(routed["path_template"]) or "/"


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == HEADER and _SAFE_ID.fullmatch(value):
            return value
    return uuid_utils.uuid4().hex.encode()
