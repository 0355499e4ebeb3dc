"""Websockets without ASGI in between: picows takes them over from uvicorn's connection.

What goes on in a websocket is the same as over ASGI (`EngineSocket`); only its frames come
and go another way, without a task, a queue or a message dictionary for each. Everything else, the
polling transport too, stays with python-socketio, and so do the websockets of other ASGI servers.
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
"""How long an upgrade may take from its websocket to its end."""

SEND_BUFFER_BYTES = 65_536
"""What the kernel may take for a client that does not; by default it takes 4 MB first."""

TEXT, CLOSE = WSMsgType.TEXT, WSMsgType.CLOSE
"""By themselves, for what is asked of every frame: an enum's member takes five times as long."""


_Read = str | bytes | None
"""What a frame brought: a message, a ping to answer, or nothing to do."""


class DirectSocket(WSListener, Direct):
    """One websocket: carries a new Engine.IO session, or is to take over a polling one."""

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

    # -------------------------------------------------------------------------- what comes in

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done, and nobody needs its headers any more."""
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
        """A frame of the client."""
        try:
            read = self._read(frame)
            if self._busy is None:
                more = self._take(read, frame.payload_size)
                if more is not None:
                    self._busy = deque()  # for what was read with it; nothing more is
                    self._raw.pause_reading()
                    self._server.spawn(self._work_off(more))
            else:
                self._busy.append(read)
        except (ProtocolError, UnicodeDecodeError) as error:
            self._refuse(error)
        except Exception as error:  # noqa: BLE001 - a boundary: picows would tell nobody
            message = "a frame could not be handled; its websocket is closed"
            self._loop.call_exception_handler({"message": message, "exception": error})
            self.abort()

    def on_ws_disconnected(self, _: WSTransport) -> None:
        """The connection is gone."""
        self._is_lost = True
        if self._upgrading is not None:
            self._upgrading.upgrading = False
        if self._busy is None:
            self._end_session()

    def _read(self, frame: WSFrame) -> "_Read":
        """What to do about a frame."""
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
        self._fragmented += frame.payload_size + 1  # so that empty ones count, too
        if self._fragmented > self._server.max_http_buffer_size:
            raise ProtocolError("a message over the size limit")
        if not frame.fin:
            return None
        whole, self._fragments, self._fragmented = b"".join(self._fragments), [], 0
        return whole.decode()

    def _take(self, read: "_Read", size: int) -> Awaitable[object] | None:
        """Do it; what has to be awaited before the next frame, if anything."""
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
        """The client has sent more than its budget; once it is gone, the rest is not read."""
        self._server.pauses += 1
        if more is not None:
            await more
        await asyncio.sleep(seconds)
        if self._is_lost and self._busy is not None:
            self._busy.clear()

    async def _work_off(self, first: Awaitable[object]) -> None:
        """What has to wait, and what came in meanwhile."""
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

    # ------------------------------------------------------------------------------ an upgrade

    def _probe(self, text: str) -> None:
        """The handshake by which this websocket takes over from polling."""
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

    # ------------------------------------------------------------------------- what goes out

    def send(self, text: str) -> None:
        """Write a packet soon. A client that takes too little of what was written is cut off."""
        self._write(framed(text))

    def _write(self, frame: bytes) -> None:
        if not self._frames:
            self._writes.note(self)
        self._frames.append(frame)

    def flush(self) -> None:
        """Write all that waits, at once: a write costs more than what it writes."""
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
        """Say that this is the end, once what was written is sent. Again is a no-op.

        The connection stays until the peer has said so, too: closed before, with a frame of the
        peer's on its way, it would end with a reset, which can cost the peer what it was sent last.
        """
        self.flush()
        if not self._is_closing and not self._raw.is_closing():
            self._raw.write(NORMAL_CLOSURE)
            self._is_closing = True

    def abort(self) -> None:
        """Close now. Again is a no-op."""
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
