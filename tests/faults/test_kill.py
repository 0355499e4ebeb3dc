"""SIGKILL at the worst moment: what was acked is stored, once, at its place."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.support.raw_socket import RawSocket, raw_socket
from tests.support.server import Api, Person, ServerProcess, answered
from tests.support.waiting import eventually

GONE = (httpx.TransportError, ConnectionClosed, InvalidHandshake, OSError)


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_a_message_that_was_acked_survives_and_its_repeat_is_no_other(
    tmp_path: Path, transport: str
) -> None:
    async with ServerProcess(tmp_path) as server:
        async with Api(server.url) as api:
            alice, bob = await api.people("alice", "bob")
            body = {"recipientId": bob.id, "content": "hi", "clientMessageId": "1"}
            if transport == "http":
                message = answered(await api.post("/messages", alice, body), 201)
                server.kill()
            else:
                async with raw_socket(server.url) as raw:
                    await raw.register(alice)
                    message = (await raw.call("send_message", body))["message"]
                    server.kill()
        await server.restart()
        async with Api(server.url) as api:
            assert await api.history(bob, message["conversationId"]) == [
                message | {"clientMessageId": None}
            ]
            assert answered(await api.post("/messages", alice, body), 200) == message
            async with raw_socket(server.url) as raw:
                await raw.register(alice)
                ack = await raw.call("send_message", body)
                assert ack == {"ok": True, "message": message, "duplicate": True}
            assert (await api.send(alice, bob, "next"))["seq"] == 2


async def test_accounts_and_sessions_survive(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        async with Api(server.url) as api:
            alice = await api.person("alice")
            server.kill()
        await server.restart()
        async with Api(server.url) as api, raw_socket(server.url) as raw:
            await raw.register(alice)
            assert (await api.get("/users/me", alice))["username"] == alice.username
            assert (await api.log_in(alice.username)).id == alice.id


async def test_under_load_everything_acked_is_stored_once_and_in_order(tmp_path: Path) -> None:
    await kill_under_load(tmp_path, rounds=5)


@pytest.mark.prove
async def test_under_load_the_same_holds_for_thirty_kills(tmp_path: Path) -> None:
    await kill_under_load(tmp_path, rounds=30)


@dataclass(slots=True)
class Sender:
    """Someone who sends on and on, and repeats what was not acked."""

    person: Person
    recipient: Person
    acked: dict[str, Any] = field(default_factory=dict)
    """The message of each client id."""
    unacked: str | None = None
    repeats: int = 0
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    async def send_on(self, url: str, *, by_socket: bool) -> None:
        """Until the server is gone."""
        try:
            async with _sending(url, self.person, by_socket=by_socket) as send:
                while True:
                    client_id = self.unacked or f"{self.person.username} {next(self._numbers)}"
                    self.unacked = client_id
                    await self._send_one(send, client_id)
        except GONE:
            return

    async def _send_one(self, send: Any, client_id: str) -> None:
        body = {
            "recipientId": self.recipient.id,
            "content": f"content of {client_id}",
            "clientMessageId": client_id,
        }
        message, duplicate = await send(body)
        assert client_id not in self.acked
        self.acked[client_id] = message
        self.unacked = None
        self.repeats += duplicate


async def kill_under_load(folder: Path, *, rounds: int) -> None:
    """Kill and restart the server while eight people write to each other in pairs."""
    random = Random(rounds)  # noqa: S311
    async with ServerProcess(folder) as server:
        async with Api(server.url) as api:
            people = await api.people(*(f"person{number}" for number in range(8)))
        pairs = list(zip(people[::2], people[1::2], strict=True))
        senders = [Sender(a, b) for a, b in pairs] + [Sender(b, a) for a, b in pairs]
        for _ in range(rounds):
            before = sum(len(sender.acked) for sender in senders)
            wanted = before + random.randrange(20, 80)
            sending = [
                asyncio.create_task(sender.send_on(server.url, by_socket=number % 2 == 0))
                for number, sender in enumerate(senders)
            ]
            await eventually(lambda: _total(senders) >= wanted, seconds=60)  # noqa: B023
            server.kill()
            await asyncio.gather(*sending)
            await server.restart()
        async with Api(server.url) as api:
            for one, other in zip(senders[:4], senders[4:], strict=True):
                await check_pair(api, one, other)
        assert "Traceback" not in server.log


async def check_pair(api: Api, one: Sender, other: Sender) -> None:
    """What two people wrote to each other is stored as they were told."""
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
    # Stored, and killed before the ack; nobody asked again after the last kill.
    left = sorted(message["content"] for message in by_id.values())
    asked = sorted(f"content of {sender.unacked}" for sender in (one, other) if sender.unacked)
    assert set(left) <= set(asked)
    assert len(left) == len(set(left))
    for sender in (one, other):
        contents = [m["content"] for m in stored if m["senderId"] == sender.person.id]
        assert len(contents) == len(set(contents))
        numbers = [int(content.rpartition(" ")[2]) for content in contents]
        assert numbers == sorted(numbers)


def _total(senders: list[Sender]) -> int:
    return sum(len(sender.acked) for sender in senders)


@asynccontextmanager
async def _sending(url: str, person: Person, *, by_socket: bool) -> AsyncIterator[Any]:
    """A way to send: gives the stored message, and whether it was there before."""
    if not by_socket:
        async with Api(url) as api:

            async def send(body: dict[str, str]) -> tuple[Any, bool]:
                answer = await api.post("/messages", person, body)
                assert answer.status_code in {200, 201}, answer.text
                return answer.json(), answer.status_code == 200

            yield send
        return
    async with raw_socket(url) as raw:
        await raw.register(person)
        yield lambda body: _by_socket(raw, body)


async def _by_socket(raw: RawSocket, body: dict[str, str]) -> tuple[Any, bool]:
    ack = await raw.call("send_message", body)
    assert ack["ok"], ack
    return ack["message"], ack["duplicate"]
