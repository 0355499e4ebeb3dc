"""Two well-behaved clients that chat beside whatever else goes on, and time each message."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.support.live_socket import LiveSocket, live_socket
from tests.support.server import Api, Person, ServerProcess
from tests.support.waiting import eventually

PAUSE_SECONDS = 0.005


@dataclass(slots=True)
class Bystanders:
    """One sends, the other gets it; `seconds` are from each sending to its ack, in order."""

    sender: Person
    recipient: Person
    _socket: LiveSocket
    _heard: LiveSocket
    seconds: list[float] = field(default_factory=list)
    _is_chatting: bool = False

    async def chat(self) -> None:
        """Send one message after the other, until told to stop."""
        while self._is_chatting:
            await self.send()
            await asyncio.sleep(PAUSE_SECONDS)

    async def send(self) -> None:
        """Send one message."""
        began = time.perf_counter()
        body = {"recipientId": self.recipient.id, "content": f"chat {len(self.seconds)}"}
        ack = await self._socket.call("send_message", body)
        self.seconds.append(time.perf_counter() - began)
        assert ack["ok"], ack

    @asynccontextmanager
    async def chatting(self) -> AsyncIterator[list[float]]:
        """Chat in the background; the seconds of the messages that were sent meanwhile."""
        first, measured = len(self.seconds), list[float]()
        self._is_chatting = True
        async with asyncio.TaskGroup() as group:
            group.create_task(self.chat())
            try:
                yield measured
            finally:
                self._is_chatting = False
        measured.extend(self.seconds[first:])

    async def got_everything(self) -> bool:
        """Wait until the other one has what was sent, in order and each once."""
        expected = [f"chat {number}" for number in range(len(self.seconds))]

        def heard() -> Sequence[str]:
            return [each["content"] for each in self._heard.heard("new_message")]

        await eventually(lambda: len(heard()) >= len(expected))
        return heard()[: len(expected)] == expected


@asynccontextmanager
async def bystanders(server: ServerProcess, api: Api) -> AsyncIterator[Bystanders]:
    """A new pair, connected."""
    sender, recipient = await api.people("sender", "recipient")
    async with (
        live_socket(server.url, sender) as sending,
        live_socket(server.url, recipient) as hearing,
    ):
        yield Bystanders(sender, recipient, sending, hearing)


def p99_ms(seconds: Sequence[float]) -> float:
    """What 99 of 100 took at most, in milliseconds."""
    assert len(seconds) >= 100, len(seconds)
    return round(sorted(seconds)[math.ceil(len(seconds) * 0.99) - 1] * 1000, 2)
