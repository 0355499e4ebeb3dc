"""A websocket that speaks Engine.IO and Socket.IO by hand: it sends what no client would."""

import asyncio
import base64
import itertools
import json
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.support import asyncapi
from tests.support.server import Person
from tests.support.waiting import PATIENCE_SECONDS

PATH = "/socket.io/?EIO=4&transport=websocket"
OPEN, PING, PONG, CONNECTED, EVENT = "0", "2", "3", "40", "42"


@dataclass(slots=True)
class RawSocket:
    """One websocket. `packets` are all that came, in order; pings are not answered."""

    _websocket: ClientConnection
    packets: list[str] = field(default_factory=list)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def send(self, frame: str | bytes) -> None:
        """Send one frame, whatever it is. On a closed websocket it is a no-op."""
        try:
            await self._websocket.send(frame)
        except ConnectionClosed:
            return

    async def receive(self, begin: str = "", *, timeout: float = PATIENCE_SECONDS) -> str:
        """The next packet that begins so. Raises `ConnectionClosed`, `TimeoutError`."""
        async with asyncio.timeout(timeout):
            while True:
                packet = await self._websocket.recv()
                assert isinstance(packet, str)
                self.packets.append(packet)
                if packet.startswith(EVENT):
                    asyncapi.heard(*json.loads(packet.removeprefix(EVENT)))
                if packet.startswith(begin):
                    return packet

    async def closed(self, *, timeout: float = PATIENCE_SECONDS) -> list[str]:
        """Wait until the server has ended the transport; all packets that came."""
        try:
            while True:
                await self.receive(timeout=timeout)
        except ConnectionClosed:
            return self.packets

    async def enter(self, auth: str = "") -> None:
        """Take a place in the namespace."""
        await self.send(f"{CONNECTED}{auth}")
        await self.receive(CONNECTED)

    async def call(self, event: str, payload: Any) -> Any:
        """Send an event; its ack."""
        ack = await self.call_text(json.dumps([event, payload]))
        asyncapi.answered(event, ack)
        return ack

    async def call_text(self, text: str, ack_id: str = "") -> Any:
        """Send an event that is written out; its ack."""
        ack_id = ack_id or str(next(self._ids))
        await self.send(f"42{ack_id}{text}")
        packet = await self.receive(f"43{ack_id}[")
        (ack,) = json.loads(packet.removeprefix(f"43{ack_id}"))
        return ack

    async def send_fragments(self, fragments: list[str]) -> None:
        """Send one text message in several frames."""
        try:
            await self._websocket.send(fragments)
        except ConnectionClosed:
            return

    async def send_broken_text(self, data: bytes) -> None:
        """Send a text frame that holds these bytes."""
        await self._websocket.send(data, text=True)

    async def register(self, person: Person) -> None:
        """Take a place in the namespace, and register."""
        await self.enter()
        ack = await self.call("register_user", {"token": person.token})
        assert ack["ok"], ack

    def heard(self, event: str) -> list[Any]:
        """The payloads of every such event that came up to now."""
        begin = f'42["{event}",'
        return [json.loads(text[2:])[1] for text in self.packets if text.startswith(begin)]

    def cut(self) -> None:
        """End the TCP connection without a word."""
        self._websocket.transport.abort()


@asynccontextmanager
async def raw_socket(url: str, *, upgrade: str = "", **headers: str) -> AsyncIterator[RawSocket]:
    """A websocket of Engine.IO that has been told its session, or is to upgrade that one."""
    websocket = await connect(
        url.replace("http", "ws", 1) + PATH + (f"&sid={upgrade}" if upgrade else ""),
        compression=None,
        ping_interval=None,
        max_size=None,
        max_queue=None,
        additional_headers=headers,
        proxy=None,
        open_timeout=PATIENCE_SECONDS,
    )
    try:
        opened = RawSocket(websocket)
        if not upgrade:
            await opened.receive(OPEN)
        yield opened
    finally:
        websocket.transport.abort()
        await websocket.wait_closed()


@asynccontextmanager
async def deaf_socket(url: str, person: Person) -> AsyncIterator[socket.socket]:
    """A registered websocket that from then on reads nothing, and has room for little."""
    loop = asyncio.get_running_loop()
    parts = urlsplit(url)
    with socket.socket() as tcp:
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        tcp.setblocking(False)  # noqa: FBT003
        await loop.sock_connect(tcp, (parts.hostname, parts.port))
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET {PATH} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: Upgrade\r\n"
            f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        await loop.sock_sendall(tcp, request.encode())
        await _read_to(tcp, b'"maxPayload"')
        await loop.sock_sendall(tcp, _masked(CONNECTED))
        register = json.dumps(["register_user", {"token": person.token}])
        await loop.sock_sendall(tcp, _masked(f"421{register}"))
        await _read_to(tcp, b"431[")
        yield tcp


async def _read_to(tcp: socket.socket, words: bytes) -> None:
    came = b""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while words not in came:
            more = await asyncio.get_running_loop().sock_recv(tcp, 256)
            assert more, f"the server hung up after {came!r}"
            came += more


def _masked(text: str) -> bytes:
    """A text frame as a client sends it (RFC 6455, section 5.2), with a mask of zeros."""
    data = text.encode()
    assert 126 <= len(data) < 2**16 or len(data) < 126
    size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack("!H", len(data))
    return b"\x81" + size + bytes(4) + data
