"""Carries out attacks: a program, so that its own work holds up nobody who measures.

    python -m tests.support.attacker   # with `Orders` at its standard input

Prints a line when the connections were opened, or refused, and the attacks begin; and at the end,
which comes by itself, a `Report` for each attack, as JSON.
"""

import asyncio
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec

from tests.support.attack import Attack, Frame, Frames, Orders, Posts, Report, Request, Requests
from tests.support.fuzzed_frames import frame
from tests.support.fuzzed_packets import SEPARATOR
from tests.support.hostile_peer import HungUpError
from tests.support.wire import GONE, Wire, first_of, wire

CHUNK_BYTES = 16_384
"""About as much is written at once where nothing is waited for: so it costs next to nothing."""
OPENING_SECONDS = 10.0
AGAIN_SECONDS = 0.02
"""Before a connection that the server has ended is opened again."""
DEBT_SECONDS = 0.2
"""By how much a pace that was missed is caught up with."""
NICENESS = 5
"""Attackers have machines of their own: here the others come first."""


class Pace:
    """Gives turns, so that no more than so much is done in a second."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._next = time.monotonic()

    async def turn(self, amount: float) -> None:
        """Wait until so much may be done."""
        now = time.monotonic()
        due = max(self._next, now - DEBT_SECONDS)
        self._next = due + amount / self._per_second
        if due > now:
            await asyncio.sleep(due - now)


class Assault:
    """One attack, and what its connections share."""

    def __init__(self, orders: Orders, attack: Attack, begin: asyncio.Event) -> None:
        self.orders = orders
        self.attack = attack
        self.begin = begin
        self.connections = [Connection(self, number) for number in range(attack.connections)]
        self.sent_bytes = self.opened = self.failed = self.hung_up = 0
        self.statuses: Counter[int] = Counter()
        self._bytes = Pace(attack.bytes_per_second)
        self._times = Pace(attack.per_second or float("inf"))

    async def run(self) -> Report:
        """Until the attack's time is over, which counts from `begin`."""
        tasks = [asyncio.create_task(each.run()) for each in self.connections]
        try:
            await self.begin.wait()
            began = time.monotonic()
            await asyncio.wait(tasks, timeout=self.attack.seconds, return_when="FIRST_EXCEPTION")
            ended = time.monotonic()
        finally:
            for task in tasks:
                task.cancel()
            errors = await asyncio.gather(*tasks, return_exceptions=True)
        mistakes = [error for error in errors if not isinstance(error, asyncio.CancelledError)]
        assert not mistakes, mistakes
        statuses = {str(status): number for status, number in self.statuses.items()}
        return Report(
            began, ended, self.sent_bytes, self.opened, self.failed, self.hung_up, statuses
        )

    async def turn(self, size: int, times: int) -> None:
        """Wait until something of that size may be sent so many times."""
        await self._bytes.turn(size * times)
        await self._times.turn(times)
        self.sent_bytes += size * times


class Connection:
    """One of an attack's connections, opened again whenever it has ended."""

    def __init__(self, assault: Assault, number: int) -> None:
        self._assault = assault
        self._attack = assault.attack
        self._token = assault.orders.tokens[number % len(assault.orders.tokens)]
        self._numbers = itertools.count(number, assault.attack.connections)
        self.is_tried = asyncio.Event()
        """Whether it was opened, or refused."""

    async def run(self) -> None:
        """Attack until cancelled."""
        while True:
            try:
                await self._attack_once()
            except GONE:
                self._assault.hung_up += 1
            if not self._attack.hangs_up:
                await asyncio.sleep(AGAIN_SECONDS)

    async def _attack_once(self) -> None:
        sends = self._attack.sends
        async with self._wire() as one:
            if isinstance(sends, Frames):
                async with self._opening():
                    await one.enter_by_websocket(sends.state, self._token)
                await one.send(self._frames(sends.first))
                await self._flood(one, self._frames(sends.frames))
            elif isinstance(sends, Posts):
                async with self._opening():
                    path = await one.enter_by_polling(sends.state, self._token)
                post = one.request("POST", path, self._text(SEPARATOR.join(sends.packets)))
                async with self._wire() as other:
                    await first_of(self._flood(one, post, waits_for=1), polling(other, path))
            elif isinstance(sends, Requests):
                async with self._opening():
                    pass
                requests = b"".join(self._request(one, each) for each in sends.requests)
                waits_for = len(sends.requests) if sends.waits else 0
                await self._flood(one, requests, waits_for=waits_for)
            else:
                async with self._opening():
                    await one.send(self._text(sends.first))
                await self._flood(one, self._text(sends.text))

    @asynccontextmanager
    async def _wire(self) -> AsyncIterator[Wire]:
        url, reads = self._assault.orders.url, self._attack.reads
        high, low = divmod(next(self._numbers) % self._attack.addresses, 250)
        address = f"127.{self._assault.orders.network}.{high}.{low + 2}"
        async with wire(url, address, reads=reads) as opened:
            try:
                yield opened
            finally:
                self._assault.statuses += opened.statuses

    @asynccontextmanager
    async def _opening(self) -> AsyncIterator[None]:
        """Count whether it works, and wait for the attack to begin."""
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                yield
        except GONE:
            self._assault.failed += 1
            raise
        else:
            self._assault.opened += 1
        finally:
            self.is_tried.set()
            await self._assault.begin.wait()

    async def _flood(self, one: Wire, unit: bytes, *, waits_for: int = 0) -> None:
        """Send it as the attack says, each time waiting for so many answers."""
        taking = one.take() if self._attack.reads else asyncio.Event().wait()
        await first_of(self._send(one, unit, waits_for), taking)

    async def _send(self, one: Wire, unit: bytes, waits_for: int) -> None:
        attack, together = self._attack, 1
        if unit and not (waits_for or attack.per_second or attack.times):
            together = max(1, CHUNK_BYTES // len(unit))
        chunk = unit * together
        for number in range(1, attack.times + 1) if attack.times else itertools.count(1):
            await self._assault.turn(len(unit), together)
            await one.send(chunk)
            if waits_for and attack.reads:
                await one.answered(number * waits_for)
                if isinstance(attack.sends, Posts) and one.statuses.keys() - {200}:
                    raise HungUpError
        if not attack.hangs_up:
            await asyncio.Event().wait()

    def _frames(self, frames: Sequence[Frame]) -> bytes:
        return b"".join(frame(self._text(e.payload), e.kind, fin=e.fin) for e in frames)

    def _request(self, one: Wire, each: Request) -> bytes:
        headers = (self._text(header).decode() for header in each.headers)
        target = self._text(each.target).decode()
        return one.request(each.method, target, self._text(each.body), *headers)

    def _text(self, text: str) -> bytes:
        for word, value in {"TOKEN": self._token, **self._assault.orders.words}.items():
            text = text.replace(f"${word}", value)
        return text.encode()


async def polling(one: Wire, path: str) -> None:
    """Ask for what there is, until the session has ended."""

    async def ask() -> None:
        get = one.request("GET", path)
        for number in itertools.count(1):
            await one.send(get)
            await one.answered(number)
            if one.statuses.keys() - {200}:
                raise HungUpError

    await first_of(ask(), one.take())


async def attack(orders: Orders) -> list[Report]:
    """Carry out the attacks, and say when they begin."""
    begin = asyncio.Event()
    assaults = [Assault(orders, each, begin) for each in orders.attacks]
    running = asyncio.gather(*(each.run() for each in assaults))
    for each in itertools.chain.from_iterable(assault.connections for assault in assaults):
        await each.is_tried.wait()
    print("began", flush=True)  # noqa: T201 - whoever measures waits for it
    begin.set()
    return list(await running)


if __name__ == "__main__":
    os.nice(NICENESS)
    reports = asyncio.run(attack(msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)))
    print(msgspec.json.encode(reports).decode())  # noqa: T201
