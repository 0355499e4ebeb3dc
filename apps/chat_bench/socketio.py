"""A minimal Socket.IO client over a bare websocket.

The official clients cost more per message than a server does. This client parses only what it
counts. picows calls a function for each frame, without a task or a future in between.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgspec
from picows import WSFrame, WSMsgType, WSTransport

from chat_bench.connections import (
    CONNECT_SECONDS,
    ConnectionFailed,
    Inbox,
    WebsocketConnection,
    answer_close,
    open_websocket,
    websocket_url,
)

CALL_SECONDS = 60.0
FIRST_CALL = 10**12
"""First ack id of calls; lower ids are numbers of messages."""

_NEW_MESSAGE = b'42["new_message",'


class _Content(msgspec.Struct):
    content: str


class _Error(msgspec.Struct):
    code: str = "without a code"


class _Ack(msgspec.Struct):
    ok: bool
    error: _Error = msgspec.field(default_factory=_Error)


_content = msgspec.json.Decoder(_Content)
_ack = msgspec.json.Decoder(tuple[_Ack])


class SocketIoConnection(WebsocketConnection):
    """See `Connection`; uses Engine.IO 4 and Socket.IO 5, over a websocket from the start."""

    def __init__(self, token: str, inbox: Inbox, *, client_ids: str | None) -> None:
        super().__init__(inbox)
        self._token = token
        self._client_ids = client_ids
        self._registered: asyncio.Future[None] | None = None
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._next_call = FIRST_CALL

    async def connect(self, url: str) -> None:
        """See `Connection.connect`."""
        self._registered = asyncio.get_running_loop().create_future()
        await open_websocket(self, websocket_url(url, "/socket.io/?EIO=4&transport=websocket"))
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._registered
        except TimeoutError as error:
            raise ConnectionFailed("the target did not answer register_user") from error

    def send(self, number: int, to: bytes, content: str) -> None:
        """See `Connection.send`."""
        client_id = None if self._client_ids is None else f"{self._client_ids}-{number}"
        body = message_json(to, content, client_id)
        self._write(b'42%d["send_message",%b]' % (number, body))

    async def call(self, event: str, payload: Mapping[str, Any]) -> bytes:
        """Send an event, and return its ack as a JSON list of one item. Raises `TimeoutError`."""
        number = self._next_call
        self._next_call += 1
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._calls[number] = answer
        self._write(b"42%d%b" % (number, json.dumps([event, payload]).encode()))
        async with asyncio.timeout(CALL_SECONDS):
            return await answer

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """See picows."""
        if frame.msg_type is not WSMsgType.TEXT:
            answer_close(transport, frame)
            return
        try:
            self._came(frame.get_payload_as_bytes())
        except ValueError:  # msgspec's errors are subclasses of it
            self._inbox.unreadable()

    def _came(self, packet: bytes) -> None:
        if packet.startswith(_NEW_MESSAGE):
            self._inbox.message(_content.decode(packet[len(_NEW_MESSAGE) : -1]).content)
            return
        match packet[:2]:
            case b"43":
                self._answered(packet)
            case b"42":
                self._heard(packet)
            case b"40":
                register = json.dumps(["register_user", {"token": self._token}])
                self._write(b"42" + register.encode())
            case b"41":
                self._transport.disconnect()
            case _ if packet.startswith(b"0"):
                self._write(b"40")
            case _ if packet.startswith(b"2"):
                self._write(b"3")

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002  (the base class's signature)
        """See picows."""
        ended = ConnectionFailed("the target closed a connection")
        for answer in self._calls.values():
            if not answer.done():
                answer.set_exception(ended)
        if self._registered is not None and not self._registered.done():
            self._registered.set_exception(ended)
        elif not self._is_cut:
            self._inbox.closed()

    def _write(self, packet: bytes) -> None:
        self._transport.send(WSMsgType.TEXT, packet)

    def _answered(self, packet: bytes) -> None:
        bracket = packet.index(b"[")
        number = int(packet[2:bracket])
        if number >= FIRST_CALL:
            answer = self._calls.pop(number)
            if not answer.done():
                answer.set_result(packet[bracket:])
            return
        (ack,) = _ack.decode(packet[bracket:])
        if ack.ok:
            self._inbox.acked(number)
        else:
            self._inbox.refused(number, ack.error.code)

    def _heard(self, packet: bytes) -> None:
        end = packet.index(b'"', len(b'42["'))
        event, payload = packet[len(b'42["') : end].decode(), packet[end + 2 : -1]
        if self._registered is not None and not self._registered.done():
            if event == "registration_success":
                self._registered.set_result(None)
                return
            if event == "auth_error":
                self._registered.set_exception(ConnectionFailed(f"auth_error: {payload.decode()}"))
                return
        self._inbox.heard(event, payload)


def message_json(to: bytes, content: str, client_id: str | None) -> bytes:
    """Return the JSON of a message to send. Nothing in it needs escaping."""
    if client_id is None:
        return b'{%b,"content":"%b"}' % (to, content.encode())
    return b'{%b,"clientMessageId":"%b","content":"%b"}' % (
        to,
        client_id.encode(),
        content.encode(),
    )
