"""Socket.IO over ASGI: python-socketio's server with this project's dispatcher."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import socketio

from chat_core.addresses import networks
from chat_core.ports.system import Clock, Timer
from chat_socketio import packets
from chat_socketio.admission import ADDRESS
from chat_socketio.connections import Connection, Transport
from chat_socketio.dispatcher import Dispatcher
from chat_socketio.engine import EngineServer
from chat_socketio.engine_socket import EngineSocket, ProtocolError
from chat_socketio.outbound import Outbound, OutboundBound

NAMESPACE = "/"
PING_INTERVAL_SECONDS = 25
PING_TIMEOUT_SECONDS = 20

FIRST_BACK_MS, BACK_EVERY_MS, LAST_BACK_MS = 1_000, 5, 30_000
"""Reconnect delays after a stop. They are staggered, so that the clients don't all come at once.
From about six thousand clients on, all others get the maximum."""

FINISH_SECONDS = 2.0
"""Seconds that a stop waits for unanswered requests, because a database may hang."""

_library_logger = logging.getLogger("chat_socketio.library")
_library_logger.setLevel(logging.ERROR)
"""Only errors are logged, because python-socketio logs whole packets with their tokens at INFO,
and every client's mistake at WARNING."""

OriginCheck = Callable[[str, str | None], bool]
"""Takes an origin and the host that its page requested; returns whether it may connect."""


@dataclass(frozen=True, slots=True)
class TransportLimits:
    """Limits of the transports. The defaults are those of the service (docs/settings.md).

    `connect_seconds` is the time until CONNECT. `frame_bytes` is the maximum size of one frame or
    polling request; it must exceed that of the longest message.
    """

    connect_seconds: float = 5.0
    frame_bytes: int = 65_536
    outbound: OutboundBound = field(default_factory=OutboundBound)


@dataclass(slots=True, eq=False)
class _Peer(Transport):
    """An Engine.IO socket, before and after its CONNECT."""

    socket: EngineSocket
    deadline: Timer
    address: str
    connection: Connection | None = field(default=None)

    def write(self, packet: str) -> None:
        """See `Transport.write`."""
        self.socket.write(packet)

    def close(self) -> None:
        """See `Transport.close`."""
        self.socket.write(packets.DISCONNECT)
        self.socket.end()


class SocketServer(socketio.AsyncServer):  # type: ignore[misc]
    """Passes the packets of the default namespace to the dispatcher without decoding them.

    python-socketio handles the handshake, polling, upgrades, pings and namespaces.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        *,
        clock: Clock,
        origins: OriginCheck,
        limits: TransportLimits,
        outbound: Outbound | None = None,
    ) -> None:
        """Pass `outbound` if other code also writes to clients, so that both share one total."""
        self._dispatcher = dispatcher
        self._clock = clock
        self._limits = limits
        self._peers: dict[str, _Peer] = {}
        self._by_network: Counter[str] = Counter()
        super().__init__(
            async_mode="asgi",
            async_handlers=False,
            always_connect=True,
            namespaces=[NAMESPACE],
            logger=_library_logger,
            engineio_logger=_library_logger,
            cors_allowed_origins=_asked_by_library(origins),
            max_http_buffer_size=limits.frame_bytes,
            ping_interval=PING_INTERVAL_SECONDS,
            ping_timeout=PING_TIMEOUT_SECONDS,
            outbound=outbound or Outbound(limits.outbound),
            inbound=dispatcher.packet_limit,
        )
        self.manager_initialized: bool
        self.eio.on_open, self.eio.on_message = self._opened, self._received
        self.eio.describe = self._described
        self.on("connect", self._connected)

    @property
    def connections(self) -> int:
        """Number of live connections, registered or not."""
        return len(self._peers)

    def connections_of(self, network: str) -> int:
        """Return how many live connections count for this one of `chat_core.addresses.networks`."""
        return self._by_network[network]

    @property
    def pauses(self) -> int:
        """Number of times so far that reading paused because a connection sent too much."""
        pauses: int = self.eio.pauses
        return pauses

    async def close(self) -> None:
        """Tell every client when to reconnect, answer its open requests, and disconnect it."""
        connections = [each.connection for each in self._peers.values() if each.connection]
        for place, connection in enumerate(connections):
            wait = FIRST_BACK_MS + min(place * BACK_EVERY_MS, LAST_BACK_MS)
            self._dispatcher.closing(connection, wait)
        finishing = asyncio.ensure_future(self._dispatcher.finish(connections))
        await asyncio.wait([finishing], timeout=FINISH_SECONDS)
        finishing.cancel()
        for peer in list(self._peers.values()):
            peer.close()

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    def _opened(self, eio_sid: str, environ: Mapping[str, Any]) -> None:
        """Set up a new Engine.IO session: do the library's part, and start the deadline."""
        if not self.manager_initialized:
            self.manager_initialized = True
            self.manager.initialize()
        address = environ.get("asgi.scope", environ)[ADDRESS]
        # The library would keep a poll's request, and its TCP connection, as long as the session.
        self.environ[eio_sid] = {ADDRESS: address}
        socket: EngineSocket = self.eio.sockets[eio_sid]
        deadline = self._clock.call_later(self._limits.connect_seconds, socket.abort)
        self._by_network.update(networks(address))
        self._peers[eio_sid] = _Peer(socket, deadline, address)

    def _described(self, eio_sid: str) -> Mapping[str, str]:
        peer = self._peers.get(eio_sid)
        return peer.connection.described() if peer is not None and peer.connection else {}

    def _received(self, eio_sid: str, data: str) -> Awaitable[object] | None:
        """Handle a Socket.IO packet. Return an awaitable if the next one must wait, else None."""
        peer = self._peers.get(eio_sid)
        if peer is None:
            return None
        kind, rest = data[:1], data[1:]
        if kind == packets.EVENT and peer.connection is not None:
            return self._dispatcher.received(peer.connection, rest)
        if kind == packets.CONNECT:
            return self._handle_connect_packet(eio_sid, peer, rest)
        if kind == packets.DISCONNECT:
            peer.socket.end()
            if peer.connection is not None:
                self._dispatcher.closed(peer.connection)
            return self._left(eio_sid)
        if kind != packets.ACK:
            raise ProtocolError(f"Socket.IO packet type {kind!r}")
        return None

    async def _left(self, eio_sid: str) -> None:
        await self._handle_disconnect(eio_sid, NAMESPACE, self.reason.CLIENT_DISCONNECT)

    async def _handle_connect_packet(self, eio_sid: str, peer: _Peer, rest: str) -> None:
        if rest.startswith("/"):
            namespace, _, rest = rest.partition(",")
            if namespace != NAMESPACE:
                await self._handle_connect(eio_sid, namespace, None)
                return
        if peer.connection is not None:
            raise ProtocolError("a second CONNECT")
        await self._handle_connect(eio_sid, NAMESPACE, rest or None)

    def _connected(self, sid: str, _: dict[str, Any], auth: str | None) -> None:
        """Start the connection. The client has joined the namespace and has been told so."""
        peer = self._peers[self.manager.eio_sid_from_sid(sid, NAMESPACE)]
        peer.deadline.cancel()
        peer.connection = self._dispatcher.opened(peer, auth)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        peer = self._peers.pop(eio_sid, None)
        if peer is not None:
            peer.deadline.cancel()
            self._leave_networks(peer.address)
            if peer.connection is not None:
                self._dispatcher.closed(peer.connection)
                peer.connection = None  # breaks a reference cycle, for the collector
        await super()._handle_eio_disconnect(eio_sid, reason)

    def _leave_networks(self, address: str) -> None:
        for network in networks(address):
            self._by_network[network] -= 1
            if not self._by_network[network]:
                del self._by_network[network]


def _asked_by_library(origins: OriginCheck) -> Callable[[str | None, Mapping[str, str]], bool]:
    def is_allowed(origin: str | None, environ: Mapping[str, str]) -> bool:
        return origin is not None and origins(origin, environ.get("HTTP_HOST"))

    return is_allowed
