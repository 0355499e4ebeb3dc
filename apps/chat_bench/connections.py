"""What a scenario asks of a live connection, whatever it speaks."""

import socket
import struct
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

CONNECT_SECONDS = 30.0


class ConnectionFailed(Exception):
    """A connection was refused or closed, or did not register."""


class Inbox(Protocol):
    """Who is told of what comes over a connection."""

    def message(self, content: str) -> None:
        """A message came."""

    def acked(self, number: int) -> None:
        """The message of that number is stored, or, without storage, was taken."""

    def refused(self, number: int, why: str) -> None:
        """The message of that number is not stored."""

    def heard(self, event: str, payload: bytes) -> None:
        """Something else came; the payload is JSON."""

    def unreadable(self) -> None:
        """Something came that no target of this dialect says."""

    def closed(self) -> None:
        """The connection ended, and this end did not do it."""


class Connection(Protocol):
    """A registered connection, or one that is to become one."""

    async def connect(self, url: str) -> None:
        """Connect and register; returns once the target says so. Raises `ConnectionFailed`."""

    def send(self, number: int, to: bytes, content: str) -> None:
        """Send a message to a place that the dialect has made of an account or a conversation."""

    def cut(self) -> None:
        """End the TCP connection without a word."""


def websocket_url(url: str, path: str) -> str:
    """The address of a websocket at that server."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    return urlunsplit(parts._replace(scheme=scheme)).rstrip("/") + path


class WebsocketConnection(WSListener):
    """What connections by websocket have in common, whatever they say over it."""

    def __init__(self, inbox: Inbox) -> None:
        super().__init__()
        self._inbox = inbox
        self._transport: WSTransport
        self._is_connected = False
        self._is_cut = False

    def cut(self) -> None:
        """See `Connection.cut`."""
        self._is_cut = True
        if self._is_connected:
            reset(self._transport)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """See picows."""
        self._transport = transport
        self._is_connected = True


async def open_websocket(listener: WSListener, url: str) -> None:
    """Connect; raises `ConnectionFailed`."""
    try:
        await ws_connect(
            lambda: listener, url, websocket_handshake_timeout=CONNECT_SECONDS, max_redirects=0
        )
    except (OSError, TimeoutError, WSError) as error:
        raise ConnectionFailed(f"no websocket at {url.partition('?')[0]}: {error!r}") from error


def answer_close(transport: WSTransport, frame: WSFrame) -> None:
    """Hang up if the other end says good-bye."""
    if frame.msg_type is WSMsgType.CLOSE:
        transport.send_close(frame.get_close_code())
        transport.disconnect()


def reset(transport: WSTransport) -> None:
    """End a TCP connection by a reset, so that its port is free at once."""
    if not transport.is_disconnected:
        tcp = transport.underlying_transport.get_extra_info("socket")
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.disconnect(graceful=False)
