"""The two transports by hand, over TCP, for what no client library would send."""

import asyncio
import struct
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from tests.support.fuzzed_frames import frame
from tests.support.waiting import PATIENCE_SECONDS

OPENED = "/socket.io/?EIO=4&transport=websocket"
POLLED = "/socket.io/?EIO=4&transport=polling"


class HungUpError(Exception):
    """The server ended the connection."""


@dataclass(slots=True)
class Peer:
    """One TCP connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    host: str

    @classmethod
    async def connected(cls, url: str) -> Self:
        """A new connection."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        return cls(reader, writer, parts.netloc)

    def write(self, data: bytes) -> None:
        """Write it soon; on one that has ended it is a no-op."""
        self.writer.write(data)

    def cut(self) -> None:
        """End it without a word."""
        self.writer.transport.abort()

    async def request(
        self, method: str, target: str, body: bytes = b"", *more: str
    ) -> tuple[int, bytes]:
        """The status and the body of an HTTP answer. Raises `HungUpError`, `TimeoutError`."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}", *more]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.write("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return await self.answer()

    async def answer(self) -> tuple[int, bytes]:
        """The next answer's status and body. Raises `HungUpError`, `TimeoutError`."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                head = await self.reader.readuntil(b"\r\n\r\n")
                status = int(head.split(maxsplit=2)[1])
                if b"transfer-encoding: chunked" in head.lower():
                    return status, await self._chunks()
                length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                return status, await self.reader.readexactly(int(length or 0))
        except (OSError, asyncio.IncompleteReadError) as error:
            raise HungUpError from error

    async def _chunks(self) -> bytes:
        body = b""
        while size := int(await self.reader.readline(), 16):
            body += await self.reader.readexactly(size)
            await self.reader.readexactly(2)
        await self.reader.readexactly(2)
        return body

    async def upgrade(self, target: str) -> int:
        """Ask for a websocket; the status of the answer, 101 where it is one."""
        status, _ = await self.request(
            "GET",
            target,
            b"",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        )
        return status

    def say(self, text: str) -> None:
        """Send a text in a frame."""
        self.write(frame(text.encode()))

    async def heard(self, *begins: bytes) -> bytes:
        """The next message that begins so, or so. Raises `HungUpError`, `TimeoutError`."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    kind, size = await self.reader.readexactly(2)
                    if size == 126:
                        (size,) = struct.unpack("!H", await self.reader.readexactly(2))
                    elif size == 127:
                        (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
                    text = await self.reader.readexactly(size)
                    if kind & 0x0F == 8:
                        raise HungUpError
                    if text.startswith(begins):
                        return text
        except (OSError, asyncio.IncompleteReadError) as error:
            raise HungUpError from error
