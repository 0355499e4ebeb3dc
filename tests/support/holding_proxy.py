"""Between a client and a mongod: it can hold one request back, or swallow the answer to it.

async with HoldingProxy("127.0.0.1:27017") as proxy:
    proxy.hold_request(b"some words of it")
"""

import asyncio
from types import TracebackType
from typing import Self

from tests.support.waiting import PATIENCE_SECONDS


class HoldingProxy:
    """Passes on what comes, but for what it was told to hold."""

    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._server: asyncio.Server | None = None
        self._request: bytes | None = None
        self._answered: bytes | None = None
        self._released = asyncio.Event()
        self._carried_out = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def address(self) -> str:
        """Where it listens."""
        assert self._server
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def hold_request(self, words: bytes) -> None:
        """Hold the first request with these words, until `release`."""
        self._request = words

    def swallow_answer(self, words: bytes) -> None:
        """Pass on the first request with these words, and not what is answered."""
        self._answered = words

    async def release(self) -> None:
        """Pass on what was held, though its client is gone; returns once it is carried out."""
        self._released.set()
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._carried_out.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        from_mongod, to_mongod = await asyncio.open_connection(self._host, self._port)
        answers = asyncio.create_task(_pass_on(from_mongod, writer))
        try:
            while chunk := await reader.read(2**16):
                if self._request is not None and self._request in chunk:
                    self._request = None
                    answers.cancel()
                    await self._released.wait()
                    to_mongod.write(chunk)
                    assert await from_mongod.read(2**16)
                    self._carried_out.set()
                    continue
                if self._answered is not None and self._answered in chunk:
                    self._answered = None
                    answers.cancel()
                to_mongod.write(chunk)
        except (ConnectionError, asyncio.CancelledError):  # the latter at the end of the test
            return
        finally:
            answers.cancel()
            to_mongod.close()
            writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(2**16):
            writer.write(chunk)
        writer.close()
    except ConnectionError:
        writer.close()
