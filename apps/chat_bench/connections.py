"""The interface of a live connection, for every dialect."""

import socket
import struct
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

CONNECT_SECONDS = 30.0


class ConnectionFailed(Exception):
    """A connection was refused or closed, or could not register."""


class Inbox(Protocol):
    """Receives the events of a connection."""

    def message(self, content: str) -> None:
        """Handle a message that arrived."""

    def acked(self, number: int) -> None:
        """Handle the ack of a message: it is stored, or accepted by a server without storage."""

    def refused(self, number: int, why: str) -> None:
        """Handle the refusal of a message, which was not stored."""

    def heard(self, event: str, payload: bytes) -> None:
        """Handle another event; the payload is JSON."""

    def unreadable(self) -> None:
        """Handle data that a target of this dialect should not send."""

    def closed(self) -> None:
        """Handle the end of a connection that was not ended by this side."""


class Connection(Protocol):
    """A registered connection, or one that will be registered."""

    async def connect(self, url: str) -> None:
        """Connect, and return once the target confirms the registration.

        Raises `ConnectionFailed`.
        """

    def send(self, number: int, to: bytes, content: str) -> None:
        """Send a message to an address that the dialect made from an account or a conversation."""

    def cut(self) -> None:
        """End the TCP connection without a closing handshake."""


def websocket_url(url: str, path: str) -> str:
    """Return the URL of the server's websocket."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    return urlunsplit(parts._replace(scheme=scheme)).rstrip("/") + path


class WebsocketConnection(WSListener):
    """The common part of all websocket connections."""

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
    """Open a websocket. Raises `ConnectionFailed`."""
    try:
        await ws_connect(
            lambda: listener, url, websocket_handshake_timeout=CONNECT_SECONDS, max_redirects=0
        )
    except (OSError, TimeoutError, WSError) as error:
        raise ConnectionFailed(f"no websocket at {url.partition('?')[0]}: {error!r}") from error


def answer_close(transport: WSTransport, frame: WSFrame) -> None:
    """Disconnect if the other side closes the websocket."""
    if frame.msg_type is WSMsgType.CLOSE:
        transport.send_close(frame.get_close_code())
        transport.disconnect()


def reset(transport: WSTransport) -> None:
    """Reset the TCP connection, so that its port is free immediately."""
    if not transport.is_disconnected:
        tcp = transport.underlying_transport.get_extra_info("socket")
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.disconnect(graceful=False)
