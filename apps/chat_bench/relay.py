"""The frames of a bare relay, which `peers/relay/server.mjs` describes."""

from picows import WSFrame, WSMsgType, WSTransport

from chat_bench.connections import (
    Inbox,
    WebsocketConnection,
    answer_close,
    open_websocket,
    websocket_url,
)

HEADER_BYTES = 16


class RelayConnection(WebsocketConnection):
    """See `Connection`; the relay identifies the connection by its number."""

    def __init__(self, number: str, inbox: Inbox) -> None:
        super().__init__(inbox)
        self._number = number

    async def connect(self, url: str) -> None:
        """See `Connection.connect`."""
        await open_websocket(self, websocket_url(url, f"/{self._number}"))

    def send(self, number: int, to: bytes, content: str) -> None:
        """See `Connection.send`."""
        frame = to + number.to_bytes(8, "big") + content.encode()
        self._transport.send(WSMsgType.BINARY, frame)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """See picows."""
        if frame.msg_type is not WSMsgType.BINARY:
            answer_close(transport, frame)
            return
        data = frame.get_payload_as_bytes()
        if len(data) == HEADER_BYTES:
            self._inbox.acked(int.from_bytes(data[8:], "big"))
        else:
            self._inbox.message(data[HEADER_BYTES:].decode(errors="replace"))

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002  (the base class's signature)
        """See picows."""
        if not self._is_cut:
            self._inbox.closed()
