"""One log line for each HTTP request: method, path, status, milliseconds, address and user."""

import re
import time
from asyncio import CancelledError
from collections.abc import Mapping

import structlog
import uuid_utils
from litestar.enums import ScopeType
from litestar.handlers import ASGIRouteHandler
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from chat_core.errors import Unavailable
from chat_core.sessions import Actor
from chat_server.addresses import client_address
from chat_server.http.bounded_lines import (
    OTHER_LINES,
    REFUSED_LINES,
    WINDOW_SECONDS,
    BoundedLines,
)
from chat_server.http.problems import send_problem
from chat_server.logs import current_request
from chat_server.metrics import HttpRequests
from chat_wire.http_headers import missing_from
from chat_wire.problems import INTERNAL, problem

HEADER = b"x-request-id"
REFUSED = 400
"""The lowest status of a refusal."""
TOO_MANY = 429
MAX_PATH, MAX_METHOD = 200, 20
"""Maximum number of characters of the path and the method, which the client chooses."""
_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_CODE = re.compile(rb'\{"type":"urn:chat-core:problem:([a-z_]+)"')

logger = structlog.get_logger("chat_server.requests")


class RequestLog:
    """Logs each request and adds `X-Request-Id` to its answer: the client's own id, or a new one.

    This class also adds the security headers to every answer, because a separate wrapper would cost
    more than the headers do. It wraps the whole application, so it sees the framework's error
    responses too.
    """

    def __init__(self, app: ASGIApp, requests: HttpRequests, *, trusted_proxies: int) -> None:
        self._app = app
        self._requests = requests
        self._trusted_proxies = trusted_proxies
        self._window_ends = 0.0
        self._refused = BoundedLines(REFUSED_LINES)
        self._others = BoundedLines(OTHER_LINES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request and log it."""
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        path = scope["path"]  # read now, because a mounted application changes it to its own part
        status, code = 0, None

        async def send_with_id(message: Message) -> None:
            nonlocal status, code
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = [*message["headers"], (HEADER, request_id)]
                headers.extend(missing_from(headers))
            elif message["type"] == "http.response.body" and status >= REFUSED and code is None:
                found = _CODE.match(message["body"])
                code = None if found is None else found[1].decode()
            await send(message)

        before = current_request.set(request_id.decode())
        try:
            await self._app(scope, receive, send_with_id)
        except CancelledError:  # the service stops and no longer waits for this request
            if not status:
                await send_problem(send_with_id, problem(Unavailable()))
            raise
        finally:
            ended = time.perf_counter()
            method = str(scope.get("method"))
            status = status or INTERNAL
            self._requests.observe(_route(scope), method, status, ended - began)
            self._log(scope, method, path, status, code, began, ended)
            current_request.reset(before)

    def _log(
        self,
        scope: Scope,
        method: str,
        path: str,
        status: int,
        code: str | None,
        began: float,
        ended: float,
    ) -> None:
        if ended >= self._window_ends:
            self._begin_window(ended)
        user = scope.get("user")
        # Rate limits bound the lines of a user's requests, but nothing bounds refusals with status
        # 429.
        if not isinstance(user, Actor) or status == TOO_MANY:
            lines = self._others if status < REFUSED else self._refused
            if not lines.take():
                return
        line = {
            "method": method[:MAX_METHOD],
            "path": path[:MAX_PATH],
            "status": status,
            "ms": round((ended - began) * 1000, 1),
            "address": client_address(scope, self._trusted_proxies),
        }
        if code is not None:
            line["code"] = code
        if isinstance(user, Actor):
            line["user_id"] = user.user_id
        logger.info("request", **line)

    def _begin_window(self, now: float) -> None:
        self._window_ends = now + WINDOW_SECONDS
        refused, others = self._refused.begin(), self._others.begin()
        if refused:
            logger.info("more requests were refused", number=refused, seconds=WINDOW_SECONDS)
        if others:
            logger.info("more requests were answered", number=others, seconds=WINDOW_SECONDS)


def _route(scope: Scope) -> str | None:
    """Return the path template of the matching route, or None if no route matched."""
    routed: Mapping[str, object] = scope  # these keys are missing if no route matched
    handler = routed.get("route_handler")
    if handler is None:
        return None
    if isinstance(handler, ASGIRouteHandler) and handler.is_mount:
        return min(handler.paths)  # the framework has no path template for a mount
    return str(routed["path_template"]) or "/"


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == HEADER and _SAFE_ID.fullmatch(value):
            return value
    return uuid_utils.uuid4().hex.encode()
