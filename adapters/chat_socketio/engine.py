"""Engine.IO: python-engineio's server with this project's own sockets."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from typing import Any

import engineio
from engineio import packet

from chat_core.limits import Limit
from chat_socketio.asgi_request import environ_of
from chat_socketio.counted_log import CountedLog
from chat_socketio.engine_socket import Direct, EngineSocket
from chat_socketio.outbound import Outbound

WATCH_SECONDS = 1.0
"""Seconds between checks of the total data that waits for all clients."""

logger = logging.getLogger(__name__)


class EngineServer(engineio.AsyncServer):  # type: ignore[misc]
    """Engine.IO with `EngineSocket`s as its sockets."""

    _async: dict[str, Any]

    def __init__(self, *, outbound: Outbound, inbound: Limit, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self._async = {**self._async, "translate_request": environ_of}
        self.start_service_task: bool
        self.on_open: Callable[[str, Mapping[str, Any]], None]
        """Called when a session has begun."""
        self.on_message: Callable[[str, str], Awaitable[object] | None]
        """Called for each message. Returns an awaitable if the next message must wait, else
        None."""
        self.describe: Callable[[str], Mapping[str, str]]
        """Returns the ids for log lines about a session."""
        self.outbound = outbound
        outbound.watch(self.sockets.values)
        self.inbound = inbound
        """The limit for packets and frames of each connection."""
        self.pauses = 0
        """Number of times so far that reading from a connection paused."""
        self.refusals = CountedLog(logger, "refused a packet")
        self._tasks: set[asyncio.Task[None]] = set()

    def create_queue(self, *_: object, **__: object) -> None:
        """Create no queue yet: see `EngineSocket.queue`."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in a task until it is done."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def refused(self, socket: EngineSocket, error: Exception) -> None:
        """End the transport of a peer that violates the protocol."""
        self.refusals.note(error, self.describe(socket.sid))
        socket.abort()

    async def disconnect(self, sid: str | None = None) -> None:
        """End one transport, or all."""
        sockets = list(self.sockets.values()) if sid is None else [self.sockets.get(sid)]
        for socket in sockets:
            if socket is not None:
                socket.abort()

    async def _service_task(self) -> None:
        """Replace the library's check for missed pongs, because sockets here use timers."""
        self.service_task_event = self.create_event()
        while not self.service_task_event.is_set():
            self._forget_closed()
            self.outbound.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.service_task_event.wait(), WATCH_SECONDS)

    def _forget_closed(self) -> None:
        """Remove sockets that the library has closed itself."""
        for sid in [sid for sid, socket in self.sockets.items() if socket.closed]:
            del self.sockets[sid]

    def _log_error_once(self, message: str, message_key: str) -> None:  # noqa: ARG002 - of the base
        """Log a client's mistake, in the client's own words, at INFO; it is not a server error."""
        self.logger.info(message)

    async def _handle_connect(
        self, environ: dict[str, Any], transport: str, jsonp_index: int | None = None
    ) -> Any:  # noqa: ANN401
        if jsonp_index is not None:
            return self._bad_request("JSONP is not supported")
        socket = self._new_socket()
        hello = self._hello(socket, self._upgrades(socket.sid, transport))
        await socket.send(packet.Packet(packet.OPEN, hello))
        self.on_open(socket.sid, environ)
        socket.schedule_ping()
        if transport == "websocket":
            return await socket.handle_get_request(environ)
        socket.connected = True
        return self._ok(await socket.poll())

    def open_direct(self, direct: Direct, environ: Mapping[str, Any]) -> EngineSocket:
        """Start a session on a websocket whose frames are written directly."""
        socket = self._new_socket()
        socket.connected = socket.upgraded = True
        socket.direct = direct
        direct.send(f"{packet.OPEN}{json.dumps(self._hello(socket, []))}")
        self.on_open(socket.sid, environ)
        socket.schedule_ping()
        return socket

    def upgradable(self, sid: str) -> EngineSocket | None:
        """Return the session with that id if it polls and no upgrade is in progress, else None."""
        socket: EngineSocket | None = self.sockets.get(sid)
        if socket is None or socket.closed or socket.upgraded or socket.upgrading:
            return None
        return socket

    def _new_socket(self) -> EngineSocket:
        if self.start_service_task:
            self.start_service_task = False
            self.service_task_handle = self.start_background_task(self._service_task)
        socket = EngineSocket(self, self.generate_id())
        self.sockets[socket.sid] = socket
        return socket

    def _hello(self, socket: EngineSocket, upgrades: list[str]) -> dict[str, Any]:
        return {
            "sid": socket.sid,
            "upgrades": upgrades,
            "pingTimeout": int(self.ping_timeout * 1000),
            "pingInterval": int(self.ping_interval * 1000),
            "maxPayload": self.max_http_buffer_size,
        }
