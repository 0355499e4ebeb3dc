"""People who write to each other on and on, while things go wrong, and what is stored of it.

senders = pairs(await api.people("ann", "bob"))
await asyncio.gather(*(each.send_on(server.url, by_socket=True) for each in senders))
"""

import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.support.live_socket import LiveSocket, live_socket
from tests.support.server import Api, Person

GONE = (httpx.TransportError, ConnectionClosed, InvalidHandshake, OSError)
"""What a client meets whose server is no more."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt to send: `message` where it was acked, else it is unavailable."""

    asked_at: float
    """By `time.monotonic`."""
    seconds: float
    message: Any | None
    duplicate: bool = False


Send = Callable[[dict[str, str]], Awaitable[tuple[Any | None, bool]]]
"""Sends a body: the stored message and whether it was there before; None if `unavailable`."""


@dataclass(slots=True)
class Sender:
    """Someone who sends on and on, and repeats what was not acked."""

    person: Person
    recipient: Person
    acked: dict[str, Any] = field(default_factory=dict)
    """The message of each client id."""
    unacked: str | None = None
    repeats: int = 0
    answers: list[Answer] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    @property
    def refused(self) -> list[Answer]:
        """The answers that it is not available."""
        return [each for each in self.answers if each.message is None]

    async def send_on(
        self, url: str, *, by_socket: bool, until: Callable[[], bool] = lambda: False
    ) -> None:
        """Until then and everything is acked, or the server is gone."""
        try:
            async with _sending(url, self.person, by_socket=by_socket) as send:
                while self.unacked or not until():
                    self.unacked = self.unacked or f"{self.person.username} {next(self._numbers)}"
                    await self._send_one(send, self.unacked)
        except GONE:
            return

    async def _send_one(self, send: Send, client_id: str) -> None:
        body = {
            "recipientId": self.recipient.id,
            "content": f"content of {client_id}",
            "clientMessageId": client_id,
        }
        asked_at = time.monotonic()
        message, duplicate = await send(body)
        seconds = time.monotonic() - asked_at
        self.answers.append(Answer(asked_at, seconds, message, duplicate))
        if message is None:
            return
        assert client_id not in self.acked
        self.acked[client_id] = message
        self.unacked = None
        self.repeats += duplicate


def pairs(people: Sequence[Person]) -> list[tuple[Sender, Sender]]:
    """The first two write to each other, the next two, and so on."""
    return [
        (Sender(one, other), Sender(other, one))
        for one, other in zip(people[::2], people[1::2], strict=True)
    ]


def total(senders: Sequence[Sender]) -> int:
    """How many messages were acked."""
    return sum(len(sender.acked) for sender in senders)


async def check_pair(api: Api, one: Sender, other: Sender) -> list[Any]:
    """What two people wrote to each other is stored as they were told; all of it."""
    (conversation,) = (await api.get("/conversations", one.person))["items"]
    stored = await api.history(one.person, conversation["id"])
    assert [message["seq"] for message in stored] == list(range(1, len(stored) + 1))
    assert conversation["lastSeq"] == len(stored)
    assert len({message["id"] for message in stored}) == len(stored)
    by_id = {message["id"]: message for message in stored}
    for sender in (one, other):
        for client_id, message in sender.acked.items():
            kept = by_id.pop(message["id"])
            assert kept | {"clientMessageId": client_id} == message
    # Stored, and not acked before the end; nobody asked again after it.
    left = sorted(message["content"] for message in by_id.values())
    asked = sorted(f"content of {sender.unacked}" for sender in (one, other) if sender.unacked)
    assert set(left) <= set(asked)
    assert len(left) == len(set(left))
    for sender in (one, other):
        contents = [m["content"] for m in stored if m["senderId"] == sender.person.id]
        assert len(contents) == len(set(contents))
        numbers = [int(content.rpartition(" ")[2]) for content in contents]
        assert numbers == sorted(numbers)
    return stored


@asynccontextmanager
async def _sending(url: str, person: Person, *, by_socket: bool) -> AsyncIterator[Send]:
    if by_socket:
        async with live_socket(url, person) as live:
            yield lambda body: _by_socket(live, body)
    else:
        async with Api(url) as api:
            yield lambda body: _by_http(api, person, body)


async def _by_http(api: Api, person: Person, body: dict[str, str]) -> tuple[Any | None, bool]:
    answer = await api.post("/messages", person, body)
    if answer.status_code == 503 and answer.json()["code"] == "unavailable":
        return None, False
    assert answer.status_code in {200, 201}, answer.text
    return answer.json(), answer.status_code == 200


async def _by_socket(live: LiveSocket, body: dict[str, str]) -> tuple[Any | None, bool]:
    ack = await live.call("send_message", body)
    if not ack["ok"] and ack["error"]["code"] == "unavailable":
        return None, False
    assert ack["ok"], ack
    return ack["message"], ack["duplicate"]
