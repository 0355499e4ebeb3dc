"""A TCP connection by hand that costs its owner next to nothing, whatever it sends and takes."""

import asyncio
import json
import re
import socket
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

from tests.support.fuzzed_frames import frame
from tests.support.hostile_peer import OPENED, POLLED, HungUpError

State = Literal["opened", "connected", "registered"]
"""How far a client of Engine.IO gets: the transport's, the namespace's or its user's place."""

GONE = (HungUpError, OSError, TimeoutError)
"""What ends a connection."""

TAKEN_BYTES = 262_144
"""As much is read at once."""
DEAF_BYTES = 4096
"""The room for what is not read, as small as Linux makes it."""

_STATUS = re.compile(rb"HTTP/1\.1 (\d\d\d) ")
_LONGEST_STATUS = len(b"HTTP/1.1 200 ")


class Wire:
    """One connection; `wire` makes it. Its methods raise what is `GONE`."""

    def __init__(self, tcp: socket.socket, host: str) -> None:
        self.host = host
        self.statuses: Counter[int] = Counter()
        """Of the HTTP answers that came since `take` runs."""
        self._tcp = tcp
        self._loop = asyncio.get_running_loop()
        self._answered = asyncio.Event()

    async def send(self, data: bytes) -> None:
        """Wait until the system has taken all of it."""
        await self._loop.sock_sendall(self._tcp, data)

    async def read_to(self, words: bytes, *others: bytes) -> bytes:
        """Read until these words came, or others; what was read."""
        came = b""
        while not any(each in came for each in (words, *others)):
            more = await self._loop.sock_recv(self._tcp, 4096)
            if not more:
                raise HungUpError
            came += more
        return came

    async def take(self) -> None:
        """Read for good, and count answers."""
        room, kept = memoryview(bytearray(TAKEN_BYTES)), b""
        while size := await self._loop.sock_recv_into(self._tcp, room):
            came = kept + bytes(room[:size])
            end = 0
            for status in _STATUS.finditer(came):
                self.statuses[int(status[1])] += 1
                end = status.end()
                self._answered.set()
            kept = came[max(end, len(came) - _LONGEST_STATUS + 1) :]
        raise HungUpError

    async def answered(self, times: int) -> None:
        """Wait until so many answers have begun to come, while `take` runs."""
        while self.statuses.total() < times:
            self._answered.clear()
            await self._answered.wait()

    def request(self, method: str, target: str, body: bytes = b"", *headers: str) -> bytes:
        """The bytes of an HTTP request."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}", *headers]
        if body or method not in {"GET", "DELETE"}:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    async def enter_by_websocket(self, state: State, token: str) -> None:
        """Get that far. A registration that is refused is a connection that has ended."""
        upgrade = (
            *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        )
        await self.send(self.request("GET", OPENED, b"", *upgrade))
        await self.read_to(b'"maxPayload"')
        if state != "opened":
            await self.send(frame(_connect(state, token)))
            await self._entered(state)

    async def enter_by_polling(self, state: State, token: str) -> str:
        """The same; the session's path."""
        await self.send(self.request("GET", POLLED))
        opened = await self.read_to(b'"maxPayload"')
        path = f"{POLLED}&sid=" + opened.partition(b'"sid":"')[2].partition(b'"')[0].decode()
        if state != "opened":
            await self.send(self.request("POST", path, _connect(state, token)))
            await self.read_to(b"OK")
            await self.send(self.request("GET", path))
            came = await self.read_to(b"40{", b"44{")
            if state == "registered" and b"registration_success" not in came:
                await self.send(self.request("GET", path))
                await self._entered(state)
        return path

    async def _entered(self, state: State) -> None:
        words = b"registration_success" if state == "registered" else b"40{"
        if words not in await self.read_to(words, b"auth_error", b"44{", b"HTTP/1.1 4"):
            raise HungUpError


@asynccontextmanager
async def wire(url: str, address: str, *, reads: bool = True) -> AsyncIterator[Wire]:
    """A new one from that address of the loopback; with room for little if it is not to read."""
    parts = urlsplit(url)
    with socket.socket() as tcp:
        if not reads:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, DEAF_BYTES)
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        tcp.setblocking(False)  # noqa: FBT003
        tcp.bind((address, 0))
        await asyncio.get_running_loop().sock_connect(tcp, (parts.hostname, parts.port))
        yield Wire(tcp, parts.netloc)


def _connect(state: State, token: str) -> bytes:
    return b"40" + (json.dumps({"token": token}).encode() if state == "registered" else b"")


async def first_of(*parts: Coroutine[Any, Any, object]) -> None:
    """Run them until one of them ends, and end the others; raises what that one does."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
