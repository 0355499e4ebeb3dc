"""One log line for each HTTP request: method, path, status, milliseconds and request id."""

import re
import time

import structlog
import uuid_utils
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from chat_server.http.security_headers import missing_from
from chat_server.logs import current_request

HEADER = b"x-request-id"
_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

logger = structlog.get_logger("chat_server.requests")


class RequestLog:
    """Logs requests and answers each with its `X-Request-Id`, the caller's own where it sent one.

    What a browser is told of every answer is added here, too: a wrapper of its own would cost more
    than the headers do.

    It goes around the whole application, so that it sees what the framework makes of errors.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
            logger.info(
                "request",
                method=scope.get("method"),
                path=path,
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 1),
            )
            current_request.reset(before)


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == HEADER and _SAFE_ID.fullmatch(value):
            return value
    return uuid_utils.uuid4().hex.encode()
