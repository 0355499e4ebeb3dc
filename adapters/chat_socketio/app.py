"""The ASGI app to mount at `/socket.io`."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import socketio

from chat_core.errors import ChatError, Malformed
from chat_socketio.admission import ADDRESS, Admission
from chat_socketio.server import SocketServer
from chat_wire import encode
from chat_wire.http_headers import DATA_NOT_KEPT, PROBLEM, check_numbers
from chat_wire.problems import Problem, ProblemReporter

# Loosely typed, as in the ASGI specification, because each framework has types of its own.
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class SocketApp:
    """Rejects requests that fail admission, serves the others, and handles every exception."""

    def __init__(
        self, server: SocketServer, *, admission: Admission, problems: ProblemReporter
    ) -> None:
        self._app = socketio.ASGIApp(server, socketio_path=None)
        self._admission = admission
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one polling request, or one websocket until it ends."""
        try:
            scope = {**scope, ADDRESS: _admit(self._admission, scope)}
        except ChatError as error:
            await _answer(scope, receive, send, self._problems.report(error))
            return
        has_begun = False

        async def send_noting(message: Mapping[str, Any]) -> None:
            nonlocal has_begun
            has_begun = True
            if message["type"] == "http.response.start":
                # ASGI requires lower-case header names; the library writes `Content-Type`.
                headers = [(name.lower(), value) for name, value in message["headers"]]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of every transport
            problem = self._problems.report(error)
            if not has_begun and scope["type"] == "http":
                await _answer(scope, receive, send, problem)


def _admit(admission: Admission, scope: Scope) -> str:
    query = parse_qs(scope["query_string"].decode("latin-1"))
    # The library would trust a plain request that claims to be a websocket.
    is_websocket = query.get("transport", ["polling"])[0] == "websocket"
    if is_websocket != (scope["type"] == "websocket"):
        raise Malformed("Use transport=websocket for websockets, and for nothing else")
    headers = [(name.lower(), value.decode("latin-1")) for name, value in scope["headers"]]
    hosts = [value for name, value in headers if name == b"host"]
    origins = [value for name, value in headers if name == b"origin"]
    check_numbers(
        hosts=len(hosts), origins=len(origins), http_version=scope.get("http_version", "1.1")
    )
    client = scope.get("client")
    return admission(
        peer=client[0] if client else None,
        host=hosts[0] if hosts else None,
        origin=origins[0] if origins else None,
        forwarded=[value for name, value in headers if name == b"x-forwarded-for"],
        # Engine.IO does the same: an empty `sid` counts as absent.
        is_new="sid" not in query,
    )


async def _answer(scope: Scope, receive: Receive, send: Send, problem: Problem) -> None:
    """Send a problem document; for a websocket, instead of its handshake."""
    prefix = "http"
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close"})
            return
        prefix = "websocket.http"
    headers = [PROBLEM, *DATA_NOT_KEPT]
    if isinstance(problem.retry_after, int):
        headers.append((b"retry-after", str(problem.retry_after).encode()))
    await send({"type": f"{prefix}.response.start", "status": problem.status, "headers": headers})
    await send({"type": f"{prefix}.response.body", "body": encode(problem)})
