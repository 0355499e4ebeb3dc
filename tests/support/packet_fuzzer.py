"""A crowd that sends mangled packets over every transport: a program, so that it has its own core.

    python -m tests.support.packet_fuzzer '{"url": …, "seed": 1, "packets": 2000, …}'

Each packet is followed by an event whose answer is known: that answer or the connection's end has
to come, so what is counted was read by the server. Prints what happened, as JSON.
"""

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields

from tests.support.fuzzed_frames import FrameFuzzer, frame
from tests.support.fuzzed_packets import SEPARATOR, PacketFuzzer
from tests.support.hostile_peer import OPENED, POLLED, HungUpError, Peer

LONGEST_SESSION = 40
"""Packets, on a connection that the server does not end."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What to do. `tokens` are of one user each: so many connections at once."""

    url: str
    seed: int
    packets: int
    tokens: Sequence[str]
    words: dict[str, str]
    """See `PacketFuzzer.words`."""
    per_second: float = 1e9
    valid: bool = False
    """Whether to send right packets only, to have something to compare with."""


@dataclass(slots=True)
class Report:
    """What happened."""

    packets: int = 0
    seconds: float = 0.0
    over: Counter[str] = field(default_factory=Counter)
    """Packets by their transport."""
    ended: int = 0
    """Connections that the server ended."""
    statuses: Counter[int] = field(default_factory=Counter)
    hung: list[str] = field(default_factory=list)
    """What was neither answered nor the end."""


class Attacker:
    """One connection after the other, as one user."""

    def __init__(self, orders: Orders, number: int, report: Report, began: float) -> None:
        self._orders = orders
        self._token = orders.tokens[number]
        self._chance = random.Random(f"{orders.seed}/{number}")  # noqa: S311 - it is to be repeated
        self._packets = PacketFuzzer(self._chance, {**orders.words, "TOKEN": self._token})
        self._frames = FrameFuzzer(self._chance)
        self._report = report
        self._began = began
        self._sentinels = 0
        self._last = b""

    async def run(self) -> None:
        """Until all attackers together have sent what was ordered."""
        ways = [self._websocket] * 6 + [self._polling] * 2 + [self._upgrading, self._handshakes]
        while not self._is_over:
            peer = await Peer.connected(self._orders.url)
            try:
                await (self._websocket if self._orders.valid else self._chance.choice(ways))(peer)
            except HungUpError:
                self._report.ended += 1
            except TimeoutError:
                self._report.hung.append(repr(self._last[:300]))
            finally:
                peer.cut()

    @property
    def _is_over(self) -> bool:
        return self._report.packets >= self._orders.packets or len(self._report.hung) > 3

    async def _next(self, transport: str) -> bytes:
        report = self._report
        due = self._began + report.packets / self._orders.per_second
        if due > time.monotonic():
            await asyncio.sleep(due - time.monotonic())
        report.packets += 1
        report.over[transport] += 1
        self._last = (
            self._packets.valid().encode() if self._orders.valid else self._packets.packet()
        )
        return self._last

    def _sentinel(self) -> tuple[str, bytes]:
        """An event, and how its answer begins."""
        self._sentinels += 1
        return f'42777{self._sentinels:06}["no_such_event",{{}}]', b"43777%06d[" % self._sentinels

    async def _websocket(self, peer: Peer) -> None:
        if await peer.upgrade(OPENED) != 101:
            raise HungUpError
        state = 0 if self._orders.valid else self._chance.randrange(8)
        if state < 7:
            peer.say("40" + (json.dumps({"token": self._token}) if state < 6 else ""))
            # One that is refused, for its user has too many already, goes on without.
            answers = (b'42["registration_success"', b'42["auth_error"') if state < 6 else (b"40",)
            await peer.heard(*answers)
        await self._fuzzed(peer, "websocket")

    async def _fuzzed(self, peer: Peer, transport: str) -> None:
        for _ in range(LONGEST_SESSION):
            if self._is_over:
                return
            packet = await self._next(transport)
            if self._orders.valid:
                peer.write(frame(packet))
            else:
                sent = self._frames.frames(packet)
                peer.write(sent.data)
                if not sent.is_whole:
                    return
            text, answer = self._sentinel()
            peer.say(text)
            await peer.heard(answer)

    async def _polling(self, peer: Peer) -> None:
        path = await self._polled(peer)
        for _ in range(5):
            if self._is_over:
                return
            packets = [await self._next("polling") for _ in range(self._chance.randrange(1, 9))]
            text, answer = self._sentinel()
            body = SEPARATOR.encode().join([*packets, text.encode()])
            status, _ = await peer.request("POST", path, body)
            self._report.statuses[status] += 1
            came = b""
            while status == 200 and answer not in came:
                status, came = await peer.request("GET", path)
                self._report.statuses[status] += 1
            if status != 200:
                return

    async def _polled(self, peer: Peer) -> str:
        """A session that polls, most of them registered; its path."""
        _, opened = await peer.request("GET", POLLED)
        path = f"{POLLED}&sid={json.loads(opened[1:])['sid']}"
        if self._chance.randrange(5):
            await peer.request("POST", path, b"40" + json.dumps({"token": self._token}).encode())
            await peer.request("GET", path)
        return path

    async def _upgrading(self, peer: Peer) -> None:
        """Upgrades that are begun in disorder, twice, or left half open."""
        path = await self._polled(peer)
        peers = [
            await Peer.connected(self._orders.url) for _ in range(self._chance.randrange(1, 3))
        ]
        try:
            for each in peers:
                status = await each.upgrade(
                    path.replace("transport=polling", "transport=websocket")
                )
                self._report.statuses[status] += 1
                if status != 101:
                    continue
                for text in self._chance.choice(
                    (
                        ["2probe"],
                        ["2probe", "5"],
                        ["5"],
                        ["2probe", "2probe"],
                        ["2probe", "5", "5"],
                        [],
                    )
                ):
                    each.say(text)
                if self._chance.randrange(2):
                    await self._fuzzed(each, "upgrade")
        finally:
            for each in peers:
                each.cut()

    async def _handshakes(self, peer: Peer) -> None:
        """Requests at the socket's path that are none."""
        for _ in range(5):
            method = self._chance.choice(("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"))
            version = self._chance.choice(("EIO=4", "EIO=3", "EIO=x", "", "EIO=4&EIO=4"))
            transport = self._chance.choice(("polling", "websocket", "x", "", "%00", "polling%0a"))
            more = self._chance.choice(
                ("", "&j=0", "&j=x", "&sid=x", "&sid=", "&b64=1", "&%ff=%fe")
            )
            target = f"/socket.io/?{version}&transport={transport}{more}"
            packet = (await self._next("handshake"))[:60_000]
            body = packet if method in {"POST", "PUT"} else b""
            if method == "HEAD":
                peer.write(
                    f"HEAD {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
                )
                await peer.reader.read()
                return
            status, _ = await peer.request(method, target, body)
            self._report.statuses[status] += 1


async def attack(orders: Orders) -> Report:
    """Send all the packets."""
    report, began = Report(), time.monotonic()
    async with asyncio.TaskGroup() as crowd:
        for number in range(len(orders.tokens)):
            crowd.create_task(Attacker(orders, number, report, began).run())
    report.seconds = time.monotonic() - began
    return report


if __name__ == "__main__":
    done = asyncio.run(attack(Orders(**json.loads(sys.argv[1]))))
    print(json.dumps({each.name: getattr(done, each.name) for each in fields(done)}))  # noqa: T201
