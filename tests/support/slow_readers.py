"""Clients that stop reading, over TCP by hand: one keeps answering as if it lived."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.fuzzed_frames import PONG, frame
from tests.support.raw_socket import deaf_socket
from tests.support.server import Person

PONG_SECONDS = 0.2


@asynccontextmanager
async def silent_reader(url: str, person: Person) -> AsyncIterator[socket.socket]:
    """It reads nothing, and says nothing."""
    async with deaf_socket(url, person) as tcp:
        yield tcp


@asynccontextmanager
async def answering_reader(url: str, person: Person) -> AsyncIterator[socket.socket]:
    """It reads nothing, and answers pings that it has not seen: Engine.IO's and the websocket's."""

    async def answer(tcp: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while True:
                await loop.sock_sendall(tcp, frame(b"3") + frame(b"", PONG))
                register = json.dumps(["register_user", {"token": person.token}])
                await loop.sock_sendall(tcp, frame(f"42{register}".encode()))
                await asyncio.sleep(PONG_SECONDS)

    async with deaf_socket(url, person) as tcp:
        task = asyncio.create_task(answer(tcp))
        try:
            yield tcp
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
