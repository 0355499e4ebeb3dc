"""Websockets without ASGI: picows takes them over from uvicorn's connection.

A websocket behaves as it does over ASGI (`EngineSocket`). Only its frames take another way, without
a task, a queue or a message dictionary for each. python-socketio still serves the polling
transport, and the websockets of other ASGI servers.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Mapping
from typing import Any

from picows import (
    WSFrame,
    WSListener,
    WSMsgType,
    WSTransport,
)

from chat_core.limits import Pace
from chat_socketio.engine import EngineServer
from chat_socketio.engine_socket import (
    PING,
    PONG,
    UPGRADE,
    Direct,
    EngineSocket,
    ProtocolError,
)
from chat_socketio.frames import NORMAL_CLOSURE, framed, pong
from chat_socketio.inbound import cost
from chat_socketio.writes import Writes

PROBE_SECONDS = 10.0
"""Seconds that an upgrade may take after its websocket opens."""

SEND_BUFFER_BYTES = 65_536
"""Size of the kernel's send buffer. With the default, a client that does not read takes up 4 MB."""

TEXT, CLOSE = WSMsgType.TEXT, WSMsgType.CLOSE
"""Copied out of the enum, because every frame is checked and an enum's member takes five times
as long."""


_Read = str | bytes | None
"""A frame's content: a text message, the payload of a ping, or None if there is nothing to do."""


class DirectSocket(WSListener, Direct):
    """One websocket, for a new Engine.IO session or for the upgrade of a polling one."""

    __slots__ = (
        "_busy",
        "_environ",
        "_fragmented",
        "_fragments",
        "_frames",
        "_is_closing",
        "_is_lost",
        "_loop",
        "_pace",
        "_raw",
        "_server",
        "_session",
        "_untaken",
        "_upgrading",
        "_writes",
    )

    def __init__(
        self,
        server: EngineServer,
        writes: Writes,
        environ: Mapping[str, Any],
        upgrading: EngineSocket | None,
    ) -> None:
        self._server = server
        self._writes = writes
        self._environ = environ
        self._upgrading = upgrading
        self._session: EngineSocket | None = None
        self._loop = asyncio.get_running_loop()
        self._raw: asyncio.Transport
        self._fragments: list[bytes] = []
        self._fragmented = 0
        self._pace = Pace(server.inbound, self._loop.time())
        self._busy: deque[_Read] | None = None
        self._is_closing = False
        self._is_lost = False
        self._frames: list[bytes] = []
        self._untaken: list[int] = []

    # --------------------------------------------------------------------------- inbound frames

    def on_ws_connected(self, transport: WSTransport) -> None:
        """Set up the session after the handshake, and free the headers, which nobody needs now."""
        transport.request.headers.clear()
        transport.response.headers.clear()
        self._raw = transport.underlying_transport
        peer = self._raw.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if self._upgrading is None:
            self._session = self._server.open_direct(self, self._environ)
        else:
            self._upgrading.upgrading = True
            self._loop.call_later(PROBE_SECONDS, self._give_up_probing)

    def on_ws_frame(self, _: WSTransport, frame: WSFrame) -> None:
        """Handle a frame from the client."""
        try:
            read = self._read(frame)
            if self._busy is None:
                more = self._take(read, frame.payload_size)
                if more is not None:
                    self._busy = deque()  # collects the other frames of this read
                    self._raw.pause_reading()
                    self._server.spawn(self._work_off(more))
            else:
                self._busy.append(read)
        except (ProtocolError, UnicodeDecodeError) as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 - a boundary: picows would swallow it
            message = "a frame could not be handled; its websocket is closed"
            self._loop.call_exception_handler({"message": message, "exception": error})
            self.abort()

    def on_ws_disconnected(self, _: WSTransport) -> None:
        """End the session after the connection is lost."""
        self._is_lost = True
        if self._upgrading is not None:
            self._upgrading.upgrading = False
        if self._busy is None:
            self._end_session()

    def _read(self, frame: WSFrame) -> "_Read":
        """Return the message or ping that a frame completes, or None."""
        kind = frame.msg_type
        if kind == TEXT and frame.fin and not self._fragments and not frame.rsv1:
            return frame.get_payload_as_utf8_text()
        if kind == CLOSE:
            self.close()
            self._raw.close()
            return None
        if kind == WSMsgType.PING:
            return frame.get_payload_as_bytes()
        if kind == WSMsgType.PONG:
            return None
        is_next = kind == (WSMsgType.CONTINUATION if self._fragments else WSMsgType.TEXT)
        if frame.rsv1 or not is_next:
            raise ProtocolError("a frame that is not text, or unexpected")
        self._fragments.append(frame.get_payload_as_bytes())
        self._fragmented += frame.payload_size + 1  # plus one, so that empty fragments count, too
        if self._fragmented > self._server.max_http_buffer_size:
            raise ProtocolError("a message over the size limit")
        if not frame.fin:
            return None
        whole, self._fragments, self._fragmented = b"".join(self._fragments), [], 0
        return whole.decode()

    def _take(self, read: "_Read", size: int) -> Awaitable[object] | None:
        """Handle a frame's content. Return an awaitable if the next frame must wait for it."""
        pause = self._pace.spend(cost(size), self._loop.time())
        more = None
        if isinstance(read, str):
            if self._session is None:
                self._probe(read)
            else:
                more = self._session.take(read)
        elif read is not None:
            self._write(pong(read))
        return more if not pause else self._paused(pause, more)

    async def _paused(self, seconds: float, more: Awaitable[object] | None) -> None:
        """Pause reading after a client sent too much. If the client has gone, drop the rest."""
        self._server.pauses += 1
        if more is not None:
            await more
        await asyncio.sleep(seconds)
        if self._is_lost and self._busy is not None:
            self._busy.clear()

    async def _work_off(self, first: Awaitable[object]) -> None:
        """Wait for an event that takes time, then handle the frames that came in meanwhile."""
        busy = self._busy
        if busy is None:
            raise ValueError(self)
        try:
            await first
            while busy:
                read = busy.popleft()
                more = self._take(read, 0 if read is None else len(read))
                if more is not None:
                    await more
        except (ProtocolError, UnicodeDecodeError) as error:
            self._refuse(error)
        finally:
            self._busy = None
            if self._is_lost:
                self._end_session()
            elif not self._raw.is_closing():
                self._raw.resume_reading()

    def _end_session(self) -> None:
        if self._session is not None:
            self._session.lost()

    def _refuse(self, error: Exception) -> None:
        if self._session is not None:
            self._server.refused(self._session, error)
        else:
            self.abort()

    # -------------------------------------------------------------------------------- upgrades

    def _probe(self, text: str) -> None:
        """Do one step of the handshake by which this websocket takes over from polling."""
        polling = self._upgrading
        if polling is None or polling.closed:
            raise ProtocolError("an upgrade of a session that has ended")
        if text == f"{PING}probe":
            self.send(f"{PONG}probe")
            polling.end_poll()
        elif text == UPGRADE:
            polling.upgrading = False
            self._upgrading, self._session = None, polling
            polling.take_over(self)
        else:
            raise ProtocolError("an invalid upgrade")

    def _give_up_probing(self) -> None:
        if self._upgrading is not None:
            self.abort()

    # -------------------------------------------------------------------------- outbound frames

    def send(self, text: str) -> None:
        """Queue a packet. A client that does not read enough is disconnected."""
        self._write(framed(text))

    def _write(self, frame: bytes) -> None:
        if not self._frames:
            self._writes.note(self)
        self._frames.append(frame)

    def flush(self) -> None:
        """Write all queued frames in one call, because a call costs more than its data."""
        frames, self._frames = self._frames, []
        if not frames or self._is_closing or self._raw.is_closing():
            return
        waiting = self._raw.get_write_buffer_size()
        if not waiting:
            self._untaken.clear()
        elif self._is_past_bound(waiting):
            self._cut_off()
            return
        self._untaken.extend(map(len, frames))
        written = frames[0] if len(frames) == 1 else b"".join(frames)
        self._server.outbound.wrote(len(written))
        self._raw.write(written)

    def close(self) -> None:
        """Send a close frame after the queued frames. Calling it again is a no-op.

        The connection stays open until the peer has answered. If it closed earlier, a frame from
        the peer could cause a TCP reset, and the peer could lose the last data sent to it.
        """
        self.flush()
        if not self._is_closing and not self._raw.is_closing():
            self._raw.write(NORMAL_CLOSURE)
            self._is_closing = True

    def abort(self) -> None:
        """Close immediately. Calling it again is a no-op."""
        self._raw.abort()

    def waiting_bytes(self) -> int:
        """See `Direct.waiting_bytes`."""
        return 0 if self._is_lost else self._raw.get_write_buffer_size()

    def _is_past_bound(self, waiting: int) -> bool:
        bound = self._server.outbound.bound
        if waiting > bound.bytes:
            return True
        packets, size = 0, 0
        for each in reversed(self._untaken):
            packets, size = packets + 1, size + each
            if size >= waiting:
                break
        del self._untaken[: len(self._untaken) - packets]
        return packets > bound.packets

    def _cut_off(self) -> None:
        if self._session is not None:
            self._session.cut_off()
        else:
            self.abort()
