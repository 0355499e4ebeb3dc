"""One Engine.IO session: python-engineio's socket, with limits.

It differs in these ways: it accepts only text frames and splits them itself, because the library
parses every message as JSON of any depth. Outbound data is limited. The server can end a websocket
even if its peer does not read. A second upgrade of one session is refused. Pings need a timer but
no task. The class overrides private parts of the library, so the library's version is pinned.
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
"""Separates the packets of one polling request."""

LINGER_SECONDS = 1.0
"""Seconds that a closing transport may take to deliver its queued packets."""

MAX_PACKETS_IN_ANSWER = 16
"""Maximum number of packets in the answer to a poll. Python's client treats more as an attack,
and disconnects."""

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
    """The peer violates the protocol, so its transport is ended."""


class WebSocket(Protocol):
    """The interface of the websocket in the library's ASGI driver."""

    async def wait(self) -> str | bytes:
        """Return the next message. Raises `OSError` when the websocket ends."""

    async def send(self, message: str) -> None:
        """Send a text message, after waiting until the peer can take more."""

    async def close(self) -> None:
        """Close the websocket; never raises."""


class Direct(Protocol):
    """A websocket whose frames are written directly, without a queue and a task."""

    __slots__ = ()

    @abstractmethod
    def send(self, text: str) -> None:
        """Write a packet. A closed websocket drops it."""

    @abstractmethod
    def close(self) -> None:
        """Start the closing handshake after the queued frames. Calling it again is a no-op."""

    @abstractmethod
    def abort(self) -> None:
        """Close immediately. Calling it again is a no-op."""

    @abstractmethod
    def waiting_bytes(self) -> int:
        """Return the number of written bytes that the peer has not taken yet."""


class EngineSocket(async_socket.AsyncSocket):  # type: ignore[misc]
    """One client's transport: polling, a websocket, or polling followed by a websocket."""

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
        """Packets that wait to be written.

        The queue is created on first use, because direct websockets can do without it.
        """
        if self._queue is None:
            self._queue = asyncio.Queue()
        return self._queue

    @queue.setter
    def queue(self, _: None) -> None:
        self._queue = None

    def write(self, text: str) -> None:
        """Send a Socket.IO packet. A client that does not read enough is disconnected."""
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
        """Return the number of bytes that wait for the client."""
        return self.waiting_bytes if self.direct is None else self.direct.waiting_bytes()

    def cut_off(self) -> None:
        """End the transport of a client that does not read what it is sent."""
        if not self._is_aborted:
            self.server.outbound.count_cut_off(self.server.describe(self.sid))
        self.abort()

    def end(self) -> None:
        """Close the transport when the queued packets are delivered, or after a second."""
        if self.is_ending:
            return
        self.is_ending = True
        # No Engine.IO CLOSE: polling clients would drop the packets in the same answer.
        if self.direct is not None:
            self.direct.close()
        elif self.upgraded:
            self.queue.put_nowait(None)
        asyncio.get_running_loop().call_later(LINGER_SECONDS, self.abort)

    def abort(self) -> None:
        """Close the transport immediately. Calling it again is a no-op."""
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
        """End the session after its direct websocket has ended."""
        self.is_ending = True
        self.server.spawn(self._gone(self.server.reason.TRANSPORT_CLOSE))

    def end_poll(self) -> None:
        """Let the waiting poll return."""
        self._put(packet.Packet(packet.NOOP))

    def take_over(self, direct: Direct) -> None:
        """Send everything through that websocket from now on, beginning with queued packets."""
        self.upgraded, self.direct = True, direct
        while not self.queue.empty():
            waiting = self.queue.get_nowait()
            if waiting is not None and waiting.packet_type != packet.NOOP:
                direct.send(waiting.encode())

    async def send(self, pkt: packet.Packet) -> None:
        """Send one of the library's own packets."""
        if self.closed:
            return
        if self.direct is not None:
            self.direct.send(pkt.encode())
        elif await self.check_ping_timeout():
            self._put(pkt)

    def schedule_ping(self) -> None:
        """Schedule the next ping if the last one was answered."""
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
        """Return whether the client still answers pings; disconnect it if it does not."""
        if self.closed:
            raise engineio.exceptions.SocketIsClosedError
        if self.last_ping and time.monotonic() - self.last_ping > self.server.ping_timeout:
            self.abort()
            return False
        return True

    async def poll(self) -> list[packet.Packet]:
        """Wait for packets; return as many as fit one answer, or none when the session ends."""
        by_polling = not self.upgraded  # after an upgrade, the writer counts the packets
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
                self.queue.put_nowait(None)  # ends the next poll
        if by_polling:
            self._taken(packets)
        return packets

    def spend(self, size: int) -> float:
        """Count a frame or a packet. Return the seconds to pause reading, or 0.0."""
        now = time.monotonic()
        if self._pace is None:  # direct websockets have their own
            self._pace = Pace(self.server.inbound, now)
        pause = self._pace.spend(cost(size), now)
        if pause:
            self.server.pauses += 1
        return pause

    async def receive_text(self, text: str | bytes) -> None:
        """Handle one packet from the client; return when the next one may be read."""
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
        """Handle one packet. Return an awaitable if the next one must wait for it, else None."""
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
        """Serve a poll, or start a websocket. A client that hangs up during a poll has left."""
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
        """Handle the packets of one polling request."""
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
        self.direct = self._ping_timer = None  # breaks a reference cycle, for the collector

    async def _probe(self, ws: WebSocket) -> bool:
        """Do the handshake of an upgrade; return whether the websocket takes over from polling."""
        self.upgrading = True
        try:
            if await ws.wait() != f"{packet.PING}probe":
                return False
            await ws.send(f"{packet.PONG}probe")
            self.end_poll()
            self.upgraded = await ws.wait() == str(packet.UPGRADE)
        except (OSError, RuntimeError):  # ASGI servers raise either one if the peer has gone
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
