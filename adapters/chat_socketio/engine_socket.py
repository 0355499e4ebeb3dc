"""One Engine.IO session: python-engineio's socket, with bounds.

What changes: text frames alone are taken, and split by hand (the library parses every message as
JSON, to any depth); what waits outbound is bounded; a websocket is ended by the server even when
its peer does not read; a second upgrade of one session is refused; pings take a timer and no task.
Private parts of the library are overridden, so its version is pinned.
"""

import asyncio
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Protocol

import engineio
from engineio import async_socket, packet

from chat_core.limits import Pace
from chat_socketio.inbound import MAX_PACKETS_IN_POST, cost

if TYPE_CHECKING:
    from chat_socketio.engine import EngineServer

SEPARATOR = "\x1e"
"""Between the packets of one polling request."""

LINGER_SECONDS = 1.0
"""How long a closing transport may take to deliver what was written."""

MAX_PACKETS_IN_ANSWER = 16
"""Of one polling request: Python's client takes more for an attack, and leaves."""

CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = (
    str(kind)
    for kind in (
        packet.CLOSE,
        packet.PING,
        packet.PONG,
        packet.MESSAGE,
        packet.UPGRADE,
        packet.NOOP,
    )
)


class ProtocolError(Exception):
    """The peer does not speak this protocol: its transport is ended."""


class WebSocket(Protocol):
    """What the library's ASGI driver offers."""

    async def wait(self) -> str | bytes:
        """The next message; raises `OSError` at the end."""

    async def send(self, message: str) -> None:
        """Send a text message, once the peer takes some more."""

    async def close(self) -> None:
        """Close it; never raises."""


class Direct(Protocol):
    """A websocket whose frames are written at once, without a queue and a task."""

    __slots__ = ()

    @abstractmethod
    def send(self, text: str) -> None:
        """Write a packet; one that is closed drops it."""

    @abstractmethod
    def close(self) -> None:
        """Begin its closing handshake, once what was written is sent. Again is a no-op."""

    @abstractmethod
    def abort(self) -> None:
        """Close it now. Again is a no-op."""

    @abstractmethod
    def waiting_bytes(self) -> int:
        """Those that were written and that the peer did not take yet."""


class EngineSocket(async_socket.AsyncSocket):  # type: ignore[misc]
    """One client's transport: polling, a websocket, or first the one and then the other."""

    server: "EngineServer"
    _queue: "asyncio.Queue[packet.Packet | None] | None"

    def __init__(self, server: "EngineServer", sid: str) -> None:
        super().__init__(server, sid)
        self.connected: bool
        self.last_ping: float | None = time.monotonic()
        self.waiting_packets = 0
        self.waiting_bytes = 0
        self.is_ending = False
        self.direct: Direct | None = None
        self._pace: Pace | None = None
        self._is_stuck = True
        self._is_aborted = False
        self._aborted: asyncio.Event | None = None
        self._ping_timer: asyncio.TimerHandle | None = None

    @property
    def queue(self) -> "asyncio.Queue[packet.Packet | None]":
        """What waits to be written; a websocket whose frames are written at once needs none."""
        if self._queue is None:
            self._queue = asyncio.Queue()
        return self._queue

    @queue.setter
    def queue(self, _: None) -> None:
        self._queue = None

    def write(self, text: str) -> None:
        """Send a Socket.IO packet. A client that does not take what is written is cut off."""
        if self.is_ending or self.closed:
            return
        if self.direct is not None:
            self.direct.send(MESSAGE + text)
            return
        self._put(packet.Packet(packet.MESSAGE, text))
        bound = self.server.outbound.bound
        over = self.waiting_packets > bound.packets or self.waiting_bytes > bound.bytes
        if over and self._is_stuck:
            self.cut_off()

    def untaken_bytes(self) -> int:
        """Those that wait for the client."""
        return self.waiting_bytes if self.direct is None else self.direct.waiting_bytes()

    def cut_off(self) -> None:
        """End the transport of a client that does not take what is sent to it."""
        if not self._is_aborted:
            self.server.outbound.count_cut_off(self.server.describe(self.sid))
        self.abort()

    def end(self) -> None:
        """Close the transport once what was written is taken, after a second in any case."""
        if self.is_ending:
            return
        self.is_ending = True
        # No Engine.IO CLOSE: clients that poll forget what came in the same answer.
        if self.direct is not None:
            self.direct.close()
        elif self.upgraded:
            self.queue.put_nowait(None)
        asyncio.get_running_loop().call_later(LINGER_SECONDS, self.abort)

    def abort(self) -> None:
        """Close the transport now. Again is a no-op."""
        self.is_ending = True
        if self._is_aborted:
            return
        self._is_aborted = True
        if self._aborted is not None:
            self._aborted.set()
        self.queue.put_nowait(None)
        self.server.spawn(self._gone(self.server.reason.SERVER_DISCONNECT))
        if self.direct is not None:
            self.direct.abort()

    def lost(self) -> None:
        """The direct websocket has ended."""
        self.is_ending = True
        self.server.spawn(self._gone(self.server.reason.TRANSPORT_CLOSE))

    def end_poll(self) -> None:
        """Let a poll that waits be answered."""
        self._put(packet.Packet(packet.NOOP))

    def take_over(self, direct: Direct) -> None:
        """From now on everything goes through that websocket, what waits first."""
        self.upgraded, self.direct = True, direct
        while not self.queue.empty():
            waiting = self.queue.get_nowait()
            if waiting is not None and waiting.packet_type != packet.NOOP:
                direct.send(waiting.encode())

    async def send(self, pkt: packet.Packet) -> None:
        """Send a packet of the library's own."""
        if self.closed:
            return
        if self.direct is not None:
            self.direct.send(pkt.encode())
        elif await self.check_ping_timeout():
            self._put(pkt)

    def schedule_ping(self) -> None:
        """Send a ping after a while, if the last one was answered."""
        if self.last_ping is None and self._ping_timer is not None:
            return
        self.last_ping = None
        self._set_timer(self.server.ping_interval, self._ping)

    def _ping(self) -> None:
        if self.is_ending or self.closed:
            return
        self.last_ping = time.monotonic()
        if self.direct is not None:
            self.direct.send(PING)
        else:
            self._put(packet.Packet(packet.PING))
        self._set_timer(self.server.ping_timeout, self.abort)

    def _set_timer(self, seconds: float, callback: Callable[[], None]) -> None:
        if self._ping_timer is not None:
            self._ping_timer.cancel()
        self._ping_timer = asyncio.get_running_loop().call_later(seconds, callback)

    async def check_ping_timeout(self) -> bool:
        """Whether the client still answers pings; one that does not is cut off."""
        if self.closed:
            raise engineio.exceptions.SocketIsClosedError
        if self.last_ping and time.monotonic() - self.last_ping > self.server.ping_timeout:
            self.abort()
            return False
        return True

    async def poll(self) -> list[packet.Packet]:
        """Wait for packets, and take as many as one answer carries; none at the end."""
        by_polling = not self.upgraded  # what an upgrade leaves waiting is the writer's to count
        self._is_stuck = False
        longest_wait = self.server.ping_interval + self.server.ping_timeout
        try:
            packets = [await asyncio.wait_for(self.queue.get(), longest_wait)]
        except (TimeoutError, asyncio.CancelledError) as error:
            raise engineio.exceptions.QueueEmpty from error
        finally:
            self._is_stuck = not self.upgraded
        while len(packets) < MAX_PACKETS_IN_ANSWER and not self.queue.empty():
            packets.append(self.queue.get_nowait())
        if None in packets:
            end = packets.index(None)
            packets = packets[:end]
            if packets:
                self.queue.put_nowait(None)  # for the next poll
        if by_polling:
            self._taken(packets)
        return packets

    def spend(self, size: int) -> float:
        """Count a frame or a packet: the seconds to read nothing more, 0.0 for none."""
        now = time.monotonic()
        if self._pace is None:  # a websocket whose frames are written at once has its own
            self._pace = Pace(self.server.inbound, now)
        pause = self._pace.spend(cost(size), now)
        if pause:
            self.server.pauses += 1
        return pause

    async def receive_text(self, text: str | bytes) -> None:
        """One packet of the client; returns when the next one may be read."""
        if self.is_ending:
            return
        if not isinstance(text, str):
            raise ProtocolError("binary")
        pause = self.spend(len(text))
        more = self.take(text)
        if more is not None:
            await more
        if pause:
            await asyncio.sleep(pause)

    def take(self, text: str) -> Awaitable[object] | None:
        """One packet of the client; what has to be awaited before the next one, if anything."""
        if self.is_ending:
            return None
        if len(text) > self.server.max_http_buffer_size:
            raise ProtocolError("a frame over the size limit")
        kind = text[:1]
        if kind == MESSAGE:
            return self.server.on_message(self.sid, text[1:])
        if kind == PONG:
            self.schedule_ping()
        elif kind == CLOSE and self.direct is not None:
            self.end()
        elif kind == CLOSE:
            self.abort()
        else:
            raise ProtocolError(f"packet type {kind!r}")
        return None

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:  # noqa: ANN401
        """A poll, or the start of a websocket. A client that hangs up in a poll is gone."""
        if environ["asgi.scope"]["type"] == "websocket":
            return await super().handle_get_request(environ)
        if pause := self.spend(0):
            await asyncio.sleep(pause)
        poll = asyncio.ensure_future(super().handle_get_request(environ))
        hang_up = asyncio.ensure_future(environ["asgi.receive"]())
        await asyncio.wait({poll, hang_up}, return_when=asyncio.FIRST_COMPLETED)
        if not poll.done():
            self.abort()
        hang_up.cancel()
        return await poll

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """The packets of one polling request."""
        length = int(environ.get("CONTENT_LENGTH", "0"))
        if length > self.server.max_http_buffer_size:
            raise engineio.exceptions.ContentTooLongError
        try:
            body = (await environ["wsgi.input"].read(length)).decode()
            for text in _packets(body):
                await self.receive_text(text)
        except (ProtocolError, UnicodeDecodeError) as error:
            self.server.refused(self, error)
            raise engineio.exceptions.EngineIOError from error

    async def _upgrade_websocket(self, environ: dict[str, Any]) -> Any:  # noqa: ANN401
        if self.upgraded or self.upgrading:
            return self.server._bad_request("Already upgraded")  # noqa: SLF001
        return await super()._upgrade_websocket(environ)

    async def _websocket_handler(self, ws: WebSocket) -> None:
        if self.connected and not await self._probe(ws):
            return
        self.connected = self.upgraded = True
        self._aborted = asyncio.Event()
        if self._is_aborted:
            self._aborted.set()
        tasks = {
            asyncio.create_task(self._read(ws)),
            asyncio.create_task(self._aborted.wait()),
            (writer := asyncio.create_task(self._write(ws))),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not self._is_aborted:
                self.queue.put_nowait(None)
                await asyncio.wait({writer}, timeout=LINGER_SECONDS)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._gone(self.server.reason.TRANSPORT_CLOSE)

    async def _gone(self, reason: str) -> None:
        if self._ping_timer is not None:
            self._ping_timer.cancel()
        await self.close(wait=False, abort=True, reason=reason)
        self.server.sockets.pop(self.sid, None)
        self.direct = self._ping_timer = None  # which refer to this: no work for the collector

    async def _probe(self, ws: WebSocket) -> bool:
        """The handshake of an upgrade: whether the websocket takes over from polling."""
        self.upgrading = True
        try:
            if await ws.wait() != f"{packet.PING}probe":
                return False
            await ws.send(f"{packet.PONG}probe")
            self.end_poll()
            self.upgraded = await ws.wait() == str(packet.UPGRADE)
        except (OSError, RuntimeError):  # ASGI servers raise either where the peer is gone
            return False
        finally:
            self.upgrading = False
        return bool(self.upgraded)

    async def _read(self, ws: WebSocket) -> None:
        while not self.is_ending:
            try:
                text = await ws.wait()
            except OSError:
                return
            try:
                await self.receive_text(text)
            except ProtocolError as error:
                self.server.refused(self, error)
                return

    async def _write(self, ws: WebSocket) -> None:
        while True:
            try:
                packets = await self.poll()
            except engineio.exceptions.QueueEmpty:
                return
            if not packets:
                await ws.close()
                return
            for pkt in packets:
                self._is_stuck = True
                await ws.send(pkt.encode())
                self._is_stuck = False
                self._taken([pkt])

    def _put(self, pkt: packet.Packet) -> None:
        self.waiting_packets += 1
        self.waiting_bytes += _size(pkt)
        self.queue.put_nowait(pkt)

    def _taken(self, packets: list[packet.Packet]) -> None:
        self.waiting_packets -= len(packets)
        self.waiting_bytes -= sum(map(_size, packets))


def _packets(body: str) -> list[str]:
    if body.count(SEPARATOR) >= MAX_PACKETS_IN_POST:
        raise ProtocolError("more packets than one request may carry")
    return body.split(SEPARATOR)


def _size(pkt: packet.Packet) -> int:
    text = pkt.data if isinstance(pkt.data, str) else ""
    return len(text) if text.isascii() else len(text.encode())
