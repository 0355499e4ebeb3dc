"""MongoDB is away for a while: nobody is cut off, and all goes on by itself afterwards."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.http_client import http_client
from tests.support.live_socket import LiveSocket, live_socket
from tests.support.machine_speed import within
from tests.support.mongod import Mongod, ReplicaSet
from tests.support.senders import Sender, check_pair, pairs
from tests.support.server import Api, Person, ServerProcess, answered, refused
from tests.support.waiting import eventually

LIVE_SECONDS = 1
"""For what needs no database."""
READY_SECONDS = 3
ANSWER_SECONDS = 5
"""For what needs one, and is told that there is none."""
BACK_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Outage:
    """How it begins, and how it ends."""

    begin: Callable[[Mongod], None]
    end: Callable[[Mongod], None]


OUTAGES = {
    "killed": Outage(Mongod.kill, Mongod.start),
    "stopped": Outage(Mongod.stop, Mongod.start),
    "hanging": Outage(Mongod.freeze, Mongod.thaw),
}


@pytest.mark.parametrize(("how", "seconds"), [("killed", 3), ("hanging", 6)])
async def test_fifty_clients_outlast_a_few_seconds(
    tmp_path: Path, how: str, seconds: float
) -> None:
    await outlast(tmp_path, OUTAGES[how], clients=50, seconds=seconds)


@pytest.mark.prove
@pytest.mark.parametrize("how", OUTAGES)
async def test_two_hundred_clients_outlast_twenty_seconds(tmp_path: Path, how: str) -> None:
    await outlast(tmp_path, OUTAGES[how], clients=200, seconds=20)


@pytest.mark.parametrize("how", ["killed", pytest.param("hanging", marks=pytest.mark.prove)])
async def test_the_server_stops_soon_and_well_while_it_is_away(tmp_path: Path, how: str) -> None:
    with ReplicaSet(tmp_path / "set") as servers:
        async with (
            ServerProcess(tmp_path, DATABASE_URL=servers.url("chat")) as server,
            Api(server.url) as api,
            AsyncExitStack() as sockets,
        ):
            writers = Writers(pairs(await api.people("ann", "bob", "cyd", "dan")))
            await writers.begin(server.url, sockets)
            await asyncio.to_thread(OUTAGES[how].begin, servers.members[0])
            await eventually(lambda: all(sender.refused for sender in writers.senders))
            await server.stop()
            await asyncio.gather(*writers.tasks)
        assert "Traceback" not in server.log


@dataclass(slots=True)
class Crowd:
    """Couples who share a conversation each, and their connections; every other one has two."""

    api: Api
    couples: list[tuple[Person, Person]]
    sockets: AsyncExitStack
    connections: dict[str, list[LiveSocket]] = field(default_factory=dict)
    """By the user's id."""

    async def gather(self) -> None:
        """Everyone connects but the newcomer, and the other of each couple knows it."""
        for one, other in self.couples:
            await self.api.send(one, other, "hi")
        for _, other in self.couples:
            await self.connect(other)
        for number, (one, _) in enumerate(self.couples):
            if one is not self.newcomer:
                await self.connect(one)
            if number % 2:
                await self.connect(one)
        for one, other in self.couples:
            if one is not self.newcomer:
                await self.of(other)[0].wait_for("presence_changed", userId=one.id, online=True)

    async def connect(self, person: Person) -> LiveSocket:
        """One more connection."""
        live = await self.sockets.enter_async_context(live_socket(self.url, person))
        self.connections.setdefault(person.id, []).append(live)
        return live

    async def disconnect(self, person: Person) -> None:
        """One connection less."""
        await self.connections[person.id].pop().close()

    def of(self, person: Person) -> list[LiveSocket]:
        """Someone's connections."""
        return self.connections.get(person.id, [])

    @property
    def url(self) -> str:
        """Of the server."""
        return str(self.api.http.base_url.copy_with(path="/")).rstrip("/")

    @property
    def newcomer(self) -> Person:
        """Comes while the database is away."""
        return self.couples[0][0]

    @property
    def leaver(self) -> Person:
        """Leaves meanwhile."""
        return self.couples[2][0]

    @property
    def returner(self) -> Person:
        """Leaves and comes back."""
        return self.couples[4][0]

    @property
    def half_gone(self) -> Person:
        """Has two connections, and closes one."""
        return self.couples[1][0]

    async def move(self) -> None:
        """Do what was said."""
        await self.connect(self.newcomer)
        await self.disconnect(self.leaver)
        await self.disconnect(self.returner)
        await self.connect(self.returner)
        await self.disconnect(self.half_gone)

    def partner(self, person: Person) -> Person:
        """The other of the couple."""
        return next(other for one, other in self.couples if one is person)

    async def check(self, before: Mapping[str, int]) -> None:
        """Those who moved were announced, nobody else was, and everyone is where they are."""
        moved = {self.newcomer.id: True, self.leaver.id: False}
        for person in (self.newcomer, self.leaver):
            heard = self.of(self.partner(person))[0]
            online = moved[person.id]
            await heard.wait_for("presence_changed", userId=person.id, online=online)
        for one, other in self.couples:
            assert all(each.is_connected for each in (*self.of(one), *self.of(other)))
            (live,) = self.of(other)
            new = live.heard("presence_changed")[before[other.id] :]
            assert [(each["userId"], each["online"]) for each in new] == [
                each for each in moved.items() if each[0] == one.id
            ]
            presence = await self.api.presence(one, other)
            assert presence["devices"] == len(self.of(one))
            assert presence["online"] is bool(self.of(one))
            if one is self.leaver:
                assert presence["lastSeenAt"] == new[0]["lastSeenAt"]


async def outlast(folder: Path, outage: Outage, *, clients: int, seconds: float) -> None:
    """Let the database be away for a while, and see what everyone meets before and after."""
    with ReplicaSet(folder / "set") as servers:
        async with (
            ServerProcess(folder, DATABASE_URL=servers.url("chat")) as server,
            Api(server.url) as api,
            AsyncExitStack() as sockets,
        ):
            everyone = await people(api, clients * 4 // 5)
            couples = list(zip(everyone[::2], everyone[1::2], strict=True))
            crowd = Crowd(api, couples, sockets)
            await crowd.gather()
            writers = Writers(pairs(await api.people("ann", "bob", "cyd", "dan")))
            await writers.begin(server.url, sockets)

            (database,) = servers.members
            before = {
                other.id: len(crowd.of(other)[0].heard("presence_changed")) for _, other in couples
            }
            lively = asyncio.create_task(stay_lively(server.url, everyone[1], writers.over))
            await asyncio.to_thread(outage.begin, database)
            began = time.monotonic()
            asking = everyone[1], everyone[3]
            moved = asyncio.create_task(crowd.move())
            while time.monotonic() - began < seconds:
                await meet_an_outage(api, everyone[1], *(crowd.of(each)[0] for each in asking))
            await moved
            await asyncio.to_thread(outage.end, database)

            await writers.go_on()
            await crowd.check(before)
            assert (await api.log_in(everyone[1].username)).id == everyone[1].id
            for lives in crowd.connections.values():
                for live in lives:
                    assert (await live.call("sync", {"conversations": {}}))["ok"]
            answered(await api.http.get(f"{server.url}/health/ready"), 200)
            writers.over.set()
            await lively
            await writers.check(api)
        assert "Traceback" not in server.log


async def people(api: Api, number: int) -> list[Person]:
    """So many, a few at a time."""
    found: list[Person] = []
    while len(found) < number:
        found += await api.people(*["someone"] * min(20, number - len(found)))
    return found


async def meet_an_outage(api: Api, person: Person, one: LiveSocket, other: LiveSocket) -> None:
    """Everyone is told soon that the database is not there."""
    body = {"conversationId": "any", "content": "hi"}
    credentials = {"username": person.username, "password": person.password}
    ready, sent, login, sync, push = await asyncio.gather(
        within(READY_SECONDS, api.http.get(f"{api.http.base_url.copy_with(path='/health/ready')}")),
        within(ANSWER_SECONDS, api.post("/messages", person, body)),
        within(ANSWER_SECONDS, api.http.post("/users/login", json=credentials)),
        within(ANSWER_SECONDS, one.call("sync", {"conversations": {}})),
        within(ANSWER_SECONDS, other.call("send_message", body)),
    )
    assert "database" in answered(ready, 503)["down"]
    refused(sent, 503, "unavailable")
    refused(login, 503, "unavailable")
    for ack in (sync, push):
        assert (ack["ok"], ack["error"]["code"]) == (False, "unavailable")


async def stay_lively(url: str, person: Person, over: asyncio.Event) -> None:
    """Until it is over, what needs no database is answered at once."""
    async with http_client(url) as http, live_socket(url, person) as live:

        async def is_over() -> bool:
            answered(await within(LIVE_SECONDS, http.get("/health/live")), 200)
            again = live.call("register_user", {"token": person.token})
            assert (await within(LIVE_SECONDS, again))["ok"]
            return over.is_set()

        await eventually(is_over, seconds=300)


@dataclass(slots=True)
class Writers:
    """Couples who write to each other all the while, and hear what is pushed."""

    couples: Sequence[tuple[Sender, Sender]]
    over: asyncio.Event = field(default_factory=asyncio.Event)
    listening: dict[str, LiveSocket] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def begin(self, url: str, sockets: AsyncExitStack) -> None:
        """Until it is over."""
        for number, sender in enumerate(self.senders):
            live = await sockets.enter_async_context(live_socket(url, sender.person))
            self.listening[sender.person.id] = live
            work = sender.send_on(url, by_socket=number % 2 == 0, until=self.over.is_set)
            self.tasks.append(asyncio.create_task(work))
        await eventually(lambda: all(sender.acked for sender in self.senders))

    @property
    def senders(self) -> list[Sender]:
        """Each of them."""
        return [sender for couple in self.couples for sender in couple]

    async def go_on(self) -> None:
        """Wait until everyone's messages are stored again."""
        now = time.monotonic()
        for sender in self.senders:
            assert sender.refused

        def all_are_back() -> bool:
            return all(
                sender.answers[-1].asked_at > now and sender.answers[-1].message is not None
                for sender in self.senders
            )

        await within(BACK_SECONDS, eventually(all_are_back))

    async def check(self, api: Api) -> None:
        """All is stored as they were told, and was pushed as it is stored."""
        await asyncio.gather(*self.tasks)
        for couple in self.couples:
            stored = await check_pair(api, *couple)
            for sender in couple:
                assert not sender.unacked
                live = self.listening[sender.person.id]
                await live.wait_for("new_message", seq=len(stored))
                seqs = [each["seq"] for each in live.heard("new_message")]
                assert seqs == list(range(1, len(stored) + 1))
