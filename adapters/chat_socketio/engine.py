"""Engine.IO: python-engineio's server, over sockets of our own."""

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
"""How often it is added up what waits for all clients together."""

logger = logging.getLogger(__name__)


class EngineServer(engineio.AsyncServer):  # type: ignore[misc]
    """Engine.IO whose sockets are `EngineSocket`s."""

    _async: dict[str, Any]

    def __init__(self, *, outbound: Outbound, inbound: Limit, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self._async = {**self._async, "translate_request": environ_of}
        self.start_service_task: bool
        self.on_open: Callable[[str, Mapping[str, Any]], None]
        """A session has begun."""
        self.on_message: Callable[[str, str], Awaitable[object] | None]
        """A message came in: what has to be awaited before the next one, if anything."""
        self.describe: Callable[[str], Mapping[str, str]]
        """The ids that a log line about a session carries."""
        self.outbound = outbound
        outbound.watch(self.sockets.values)
        self.inbound = inbound
        """How many packets and frames of each connection are handled."""
        self.pauses = 0
        """How often so far a connection was not read for a while."""
        self.refusals = CountedLog(logger, "refused a packet")
        self._tasks: set[asyncio.Task[None]] = set()

    def create_queue(self, *_: object, **__: object) -> None:
        """None yet: see `EngineSocket.queue`."""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run something to its end."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def refused(self, socket: EngineSocket, error: Exception) -> None:
        """End the transport of a peer that does not speak the protocol."""
        self.refusals.note(error, self.describe(socket.sid))
        socket.abort()

    async def disconnect(self, sid: str | None = None) -> None:
        """End one transport, or all."""
        sockets = list(self.sockets.values()) if sid is None else [self.sockets.get(sid)]
        for socket in sockets:
            if socket is not None:
                socket.abort()

    async def _service_task(self) -> None:
        """In the place of the library's, which looks for missed pongs: here each has a timer."""
        self.service_task_event = self.create_event()
        while not self.service_task_event.is_set():
            self._forget_closed()
            self.outbound.look()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.service_task_event.wait(), WATCH_SECONDS)

    def _forget_closed(self) -> None:
        """Those that the library has closed by itself."""
        for sid in [sid for sid, socket in self.sockets.items() if socket.closed]:
            del self.sockets[sid]

    def _log_error_once(self, message: str, message_key: str) -> None:  # noqa: ARG002 - its base's
        """What a client did wrong, in the client's own words: no error of the server's."""
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
        """A session that begins with a websocket whose frames are written at once."""
        socket = self._new_socket()
        socket.connected = socket.upgraded = True
        socket.direct = direct
        direct.send(f"{packet.OPEN}{json.dumps(self._hello(socket, []))}")
        self.on_open(socket.sid, environ)
        socket.schedule_ping()
        return socket

    def upgradable(self, sid: str) -> EngineSocket | None:
        """The session of that id, if it polls and no websocket is taking over."""
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
