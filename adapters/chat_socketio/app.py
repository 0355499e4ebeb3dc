"""The ASGI app to mount at `/socket.io`."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import socketio

from chat_core.errors import OriginNotAllowed
from chat_socketio.server import OriginCheck, SocketServer
from chat_wire import encode
from chat_wire.problems import Problem, ProblemReporter

# As the ASGI specification has them: every framework types its messages in its own way.
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class SocketApp:
    """Refuses foreign origins, serves the rest, and lets no error out."""

    def __init__(
        self, server: SocketServer, *, origins: OriginCheck, problems: ProblemReporter
    ) -> None:
        self._app = socketio.ASGIApp(server, socketio_path=None)
        self._origins = origins
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one polling request, or one websocket to its end."""
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        origin = headers.get(b"origin")
        if origin is not None and not self._origins(origin, headers.get(b"host")):
            await _answer(scope, receive, send, self._problems.report(OriginNotAllowed()))
            return
        has_begun = False

        async def send_noting(message: Mapping[str, Any]) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_noting)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of every transport
            problem = self._problems.report(error)
            if not has_begun and scope["type"] == "http":
                await _answer(scope, receive, send, problem)


async def _answer(scope: Scope, receive: Receive, send: Send, problem: Problem) -> None:
    """Answer with a problem document, for a websocket in place of its handshake."""
    prefix = "http"
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" not in scope.get("extensions", {}):
            await send({"type": "websocket.close"})
            return
        prefix = "websocket.http"
    headers = [(b"content-type", b"application/problem+json")]
    await send({"type": f"{prefix}.response.start", "status": problem.status, "headers": headers})
    await send({"type": f"{prefix}.response.body", "body": encode(problem)})
