"""A chat's live connections as one ASGI app, for mounting in a product's application."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Self

from chat_core.chat import Chat
from chat_core.errors import OriginNotAllowed
from chat_socketio.app import Receive, Scope, Send, SocketApp
from chat_socketio.authentication import Authentication
from chat_socketio.connections import Rooms
from chat_socketio.dispatcher import Dispatcher, SocketLimits
from chat_socketio.handlers import handlers, pipelined
from chat_socketio.server import SocketServer, TransportLimits
from chat_wire.problems import ProblemReporter

RESTART_SECONDS = 1.0
END_SECONDS = 1.0
DEFAULT_SOCKET_LIMITS = SocketLimits()
DEFAULT_TRANSPORT_LIMITS = TransportLimits()


class SocketEndpoint:
    """Socket.IO for any ASGI framework: mount it at `/socket.io`.

    Enter it (`async with`) in the application's lifespan. While it is open, it announces presence.
    On exit it tells the connected clients when to reconnect, answers their open requests, and
    disconnects them. uvicorn disconnects websockets earlier and waits for polls, so set its
    `--timeout-graceful-shutdown`.

    `rooms` receives the chat's events. `sessions` verifies tokens: `Sessions`, or
    `ExternalSessions`. Browsers may connect from pages of the same host, and of `origins`, each in
    the form that browsers send (`https://shop.example`).
    """

    def __init__(  # noqa: PLR0913 - the parts, and their bounds
        self,
        chat: Chat,
        rooms: Rooms,
        sessions: Authentication,
        *,
        origins: Collection[str] = (),
        limits: SocketLimits = DEFAULT_SOCKET_LIMITS,
        transport: TransportLimits = DEFAULT_TRANSPORT_LIMITS,
    ) -> None:
        self._chat = chat
        self._origins = frozenset(origins)
        self._problems = ProblemReporter(chat.ids, development=False)
        dispatcher = Dispatcher(
            sessions=sessions,
            handlers=handlers(
                synchronising=chat.synchronising, receipts=chat.receipts, typing=chat.typing
            ),
            pipelined=pipelined(chat.messaging),
            presence=chat.presence,
            rooms=rooms,
            clock=chat.clock,
            ids=chat.ids,
            problems=self._problems,
            limits=limits,
        )
        self._server = SocketServer(
            dispatcher, clock=chat.clock, origins=self._allows, limits=transport
        )
        self._app = SocketApp(self._server, admission=self._admit, problems=self._problems)
        self._announcing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._announcing = asyncio.create_task(self._announce())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()
        if self._announcing is not None:
            self._announcing.cancel()
            # A store's library may swallow the cancellation and continue.
            await asyncio.wait([self._announcing], timeout=END_SECONDS)
        await self._chat.presence.farewell()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one polling request, or one websocket until it ends."""
        await self._app(scope, receive, send)

    async def _announce(self) -> None:
        while True:
            try:
                await self._chat.presence.run()
            except Exception as error:  # noqa: BLE001 - a boundary: logged as an incident
                self._problems.report(error)
                await self._chat.clock.sleep(RESTART_SECONDS)

    def _allows(self, origin: str, host: str | None) -> bool:
        # The scheme can't be compared, because a proxy may handle TLS for this server.
        _, _, page_host = origin.partition("://")
        return origin in self._origins or (host is not None and page_host == host.lower())

    def _admit(
        self,
        *,
        peer: str | None,
        host: str | None,
        origin: str | None,
        forwarded: Sequence[str],  # noqa: ARG002 - part of `Admission`
        is_new: bool,  # noqa: ARG002
    ) -> str:
        """See `Admission`. Raises `OriginNotAllowed`."""
        if origin is not None and not self._allows(origin, host):
            raise OriginNotAllowed
        return peer or ""
