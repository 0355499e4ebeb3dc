"""A connection that stays, as a client's does: it takes all that comes, and answers pings.

async with live_socket(server.url, alice) as alices:
    ack = await alices.call("send_message", {"recipientId": bob.id, "content": "hi"})
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.exceptions import ConnectionClosed

from tests.support import asyncapi
from tests.support.raw_socket import PING, PONG, RawSocket, raw_socket
from tests.support.server import Person
from tests.support.waiting import PATIENCE_SECONDS, eventually


class LiveSocket:
    """One registered websocket; `live_socket` makes it."""

    def __init__(self, raw: RawSocket) -> None:
        self._raw = raw
        self._ids = itertools.count(1_000_000)
        self._acks: dict[str, asyncio.Future[Any]] = {}
        self._task = asyncio.create_task(self._listen())

    @property
    def is_connected(self) -> bool:
        """Whether the server has not hung up."""
        return not self._task.done()

    async def call(self, event: str, payload: Any) -> Any:
        """Send an event; its ack. Raises `ConnectionClosed`, `TimeoutError`."""
        if not self.is_connected:
            raise ConnectionClosed(None, None)
        ack_id = str(next(self._ids))
        self._acks[ack_id] = future = asyncio.get_running_loop().create_future()
        await self._raw.send(f"42{ack_id}{json.dumps([event, payload])}")
        async with asyncio.timeout(PATIENCE_SECONDS):
            ack = await future
        asyncapi.answered(event, ack)
        return ack

    def heard(self, event: str) -> list[Any]:
        """The payloads of every such event that came up to now."""
        return self._raw.heard(event)

    async def wait_for(self, event: str, **fields: Any) -> None:
        """Wait for such an event with these fields in its payload."""

        def came() -> bool:
            return any(fields.items() <= each.items() for each in self.heard(event))

        await eventually(came)

    async def log(self, conversation_id: str, after: int = 0) -> list[Any]:
        """Every entry of a conversation after a place, as `sync` tells of them."""
        entries: list[Any] = []
        while True:
            request = {"conversations": {conversation_id: after}, "others": "none", "limit": 500}
            ack = await self.call("sync", request)
            assert ack["ok"], ack
            (part,) = ack["conversations"]
            assert not part["reset"]
            entries += part["entries"]
            if not part["hasMore"]:
                return entries
            after = entries[-1]["seq"]

    async def close(self) -> None:
        """Hang up. Again is a no-op."""
        self._raw.cut()
        await asyncio.wait([self._task])

    async def _listen(self) -> None:
        try:
            while True:
                packet = await self._raw.receive(timeout=60)
                if packet == PING:
                    await self._raw.send(PONG)
                elif packet.startswith("43"):
                    ack_id, _, text = packet[2:].partition("[")
                    (ack,) = json.loads(f"[{text}")
                    future = self._acks.pop(ack_id)
                    if not future.done():
                        future.set_result(ack)
        except ConnectionClosed as error:
            for future in self._acks.values():
                if not future.done():
                    future.set_exception(error)


@asynccontextmanager
async def live_socket(url: str, person: Person) -> AsyncIterator[LiveSocket]:
    """A connection of that person; leaving the context cuts it."""
    async with raw_socket(url) as raw:
        await raw.register(person)
        live = LiveSocket(raw)
        try:
            yield live
        finally:
            await live.close()
