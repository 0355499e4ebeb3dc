"""Requests for hosts that are none of the service's."""

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from chat_core.errors import HostNotAllowed
from chat_server.hosts import HostPolicy
from chat_server.http.problems import MEDIA_TYPE
from chat_wire import encode
from chat_wire.problems import ProblemReporter

HEADER = b"host"
HEALTH = "/health/"
"""Asked by address, by those that start the service and watch it; it tells nothing of anybody."""


class KnownHosts:
    """Answers those requests in place of the application, but for the health checks."""

    def __init__(self, app: ASGIApp, hosts: HostPolicy, problems: ProblemReporter) -> None:
        self._app = app
        self._hosts = hosts
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request, or answer it. Websockets are judged where they are let in."""
        if scope["type"] == ScopeType.HTTP and not scope["path"].startswith(HEALTH):
            # Of several none is listed: which of them counts, each proxy says otherwise.
            values = [value for name, value in scope["headers"] if name == HEADER]
            try:
                self._hosts.check(b", ".join(values).decode("latin-1"))
            except HostNotAllowed as error:
                await self._refuse(send, error)
                return
        await self._app(scope, receive, send)

    async def _refuse(self, send: Send, error: HostNotAllowed) -> None:
        problem = self._problems.report(error)
        body = encode(problem)
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
