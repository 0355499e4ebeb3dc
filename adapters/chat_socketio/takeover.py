"""The handover of websockets from uvicorn: admission and handshake."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from picows import (
    WSAutoPingStrategy,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # (in no stub)

from chat_core.errors import Malformed, NotFound
from chat_socketio.admission import ADDRESS, Admission
from chat_socketio.direct import DirectSocket
from chat_socketio.engine import EngineServer
from chat_socketio.writes import Writes
from chat_wire import encode
from chat_wire.http_headers import DATA_NOT_KEPT, PROBLEM, check_numbers
from chat_wire.problems import ProblemReporter

READ_BUFFER_BYTES = 1_024
"""Initial size of the read buffer, which grows with the client's frames."""

READ_BYTES = 8_192
"""Maximum bytes per read. All frames of one read are handled before other connections get their
turn, so a larger read would let a flood of tiny frames block them."""

_silent = logging.getLogger("chat_socketio.picows")
_silent.setLevel(logging.CRITICAL)
"""Silent, because picows logs a peer's mistakes as its own errors, with a traceback."""


class DirectWebSockets:
    """Takes over uvicorn's websockets: pass `protocol()` as uvicorn's `ws` option."""

    def __init__(
        self,
        server: EngineServer,
        *,
        path: str,
        admission: Admission,
        problems: ProblemReporter,
    ) -> None:
        self._server = server
        self._path = path
        self._admission = admission
        self._problems = problems
        self._writes = Writes()

    def protocol(self) -> type[asyncio.BufferedProtocol]:
        """Return the class that uvicorn instantiates for each websocket."""
        accept, frame_bytes = self.accept, self._server.max_http_buffer_size
        silent = logging.LoggerAdapter(_silent)  # picows creates a child of a plain logger for each

        class Protocol(WSProtocol):  # type: ignore[misc]
            __slots__ = ("_connections", "_peer")

            def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:  # noqa: ANN401, ARG002
                # Filled before the handshake is checked, by code that can't reach this protocol
                # object.
                self._peer: list[str] = []
                super().__init__(
                    host_port=None,
                    ws_path=None,
                    is_client_side=False,
                    ws_listener_factory=partial(accept, self._peer),
                    logger=silent,
                    disconnect_on_exception=True,
                    websocket_handshake_timeout=None,
                    enable_auto_ping=False,  # Engine.IO has its own pings
                    auto_ping_idle_timeout=0,
                    auto_ping_reply_timeout=0,
                    auto_ping_strategy=WSAutoPingStrategy.PING_WHEN_IDLE,
                    enable_auto_pong=False,  # automatic pongs would bypass the limits
                    max_frame_size=frame_bytes,
                    extra_headers=None,
                    read_buffer_init_size=READ_BUFFER_BYTES,
                )
                self._connections = server_state.connections

            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self._connections.add(self)
                peer = transport.get_extra_info("peername")
                if isinstance(peer, tuple):  # a Unix socket has no address
                    self._peer.append(peer[0])
                super().connection_made(transport)

            def connection_lost(self, error: Exception | None) -> None:
                self._connections.discard(self)
                super().connection_lost(error)

            def get_buffer(self, size_hint: int) -> memoryview:
                buffer: memoryview = super().get_buffer(size_hint)
                return buffer[:READ_BYTES]

            def data_received(self, data: bytes) -> None:
                """Receive the request that uvicorn has read already."""
                rest = memoryview(data)
                while rest:
                    buffer = self.get_buffer(len(rest))
                    size = min(len(buffer), len(rest))
                    buffer[:size] = rest[:size]
                    self.buffer_updated(size)
                    rest = rest[size:]

            def shutdown(self) -> None:
                """End the websocket because uvicorn stops."""
                self.transport.disconnect()

        return Protocol

    def accept(
        self, peer: Sequence[str], request: WSUpgradeRequest
    ) -> DirectSocket | WSUpgradeResponseWithListener:
        """Check a handshake; return a listener for it, or the response that refuses it.

        `peer` holds the address of the client, or is empty if there is none.
        """
        try:
            return self._accepted(peer[0] if peer else None, request)
        except Exception as error:  # noqa: BLE001 - a boundary: picows would answer with its text
            problem = self._problems.report(error)
            headers = {name.decode(): value.decode() for name, value in (PROBLEM, *DATA_NOT_KEPT)}
            if isinstance(problem.retry_after, int):
                headers["Retry-After"] = str(problem.retry_after)
            response = WSUpgradeResponse.create_error_response(
                HTTPStatus(problem.status), encode(problem), headers
            )
            return WSUpgradeResponseWithListener(response, None)

    def _accepted(self, peer: str | None, request: WSUpgradeRequest) -> DirectSocket:
        path, _, query_string = request.path.decode("latin-1").partition("?")
        if path.rstrip("/") != self._path:
            raise NotFound("This path has no websocket")
        query = parse_qs(query_string)
        hosts = request.headers.getall("host", [])
        origins = request.headers.getall("origin", [])
        check_numbers(hosts=len(hosts), origins=len(origins), http_version="1.1")
        address = self._admission(
            peer=peer,
            host=hosts[0] if hosts else None,
            origin=origins[0] if origins else None,
            forwarded=request.headers.getall("x-forwarded-for", []),
            is_new="sid" not in query,
        )
        if query.get("transport") != ["websocket"] or "j" in query:
            raise Malformed("A websocket requires transport=websocket")
        environ = {"QUERY_STRING": query_string, "PATH_INFO": path, ADDRESS: address}
        if "sid" not in query:
            if query.get("EIO") != ["4"]:
                raise Malformed("Engine.IO version 4 is required: send EIO=4")
            return DirectSocket(self._server, self._writes, environ, None)
        polling = self._server.upgradable(query["sid"][0])
        if polling is None:
            raise Malformed("There is no such session to upgrade")
        return DirectSocket(self._server, self._writes, environ, polling)
