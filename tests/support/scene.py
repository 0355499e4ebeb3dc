"""What every attack needs: a server with its rates on, people who chat there, and an attacker."""

import asyncio
import itertools
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.support.attack import Attack, Orders
from tests.support.crowded import MEMBERS, Cast, crowd
from tests.support.open_loop import Bystander
from tests.support.server import RUN, Api, ServerProcess
from tests.support.verdict import Figures, judged

BYSTANDERS = 8
ROUNDS = 5
"""The fastest counts, for acks and for GETs: the others tell who else uses the cores and disk."""
NEEDS_LINUX = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells how much memory another process holds"
)
LONG_SECONDS = 10.0
SETTINGS: dict[str, str | int] = {
    "CHAT_RATE_LIMITS": "on",
    "CHAT_SIGNUPS_PER_ADDRESS": 10_000,  # everybody here signs up from one
    "CHAT_ACCESS_TOKEN_SECONDS": 36_000,  # the long runs outlast the usual
}


def rows(attacks: Sequence[Attack], short: Collection[str] = ()) -> pytest.MarkDecorator:
    """A test for each attack: those of these names in each run, all of them for longer in
    `make prove`."""
    by_name = {attack.name: attack for attack in attacks}
    longer = [replace(each, name=f"{each.name}, long", seconds=LONG_SECONDS) for each in attacks]
    return pytest.mark.parametrize(
        "attack",
        [pytest.param(by_name[name], id=name) for name in short]
        + [pytest.param(each, id=each.name, marks=pytest.mark.prove) for each in longer],
    )


@dataclass(frozen=True, slots=True)
class Scene:
    """A server, and who is at it."""

    server: ServerProcess
    bystanders: Sequence[Bystander]
    cast: Cast | None = None
    """Who attacks; by default somebody new each time."""
    networks: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    """What an address was refused before must not hide what another may do."""

    async def judge(self, *attacks: Attack, rounds: int = ROUNDS) -> Figures:
        """Attack, once more while bystanders are slowed down; the figures of all rounds."""
        figures = await self._judge_once(attacks)
        for _ in range(rounds - 1):
            if figures.slow():
                figures = figures.with_round(await self._judge_once(attacks))
        if figures.is_starved and figures.breaches() == figures.slow() != []:
            pytest.skip(f"others had the cores, so times say nothing: {figures}")
        return figures

    async def _judge_once(self, attacks: Sequence[Attack]) -> Figures:
        cast = self.cast or await self._newcomer()
        network = next(self.networks)
        orders = Orders(self.server.url, attacks, cast.tokens, cast.words, network)
        figures = await judged(self.server.pid, self.bystanders, orders)
        print(f"\n{figures}")  # noqa: T201 - what a run by hand is for
        return figures

    async def _newcomer(self) -> Cast:
        async with Api(self.server.url) as api:
            mallory, victim = await api.people("mallory", "victim")
            message = await api.send(mallory, victim, "hello, victim")
        words = {
            "USER": victim.id,
            "CONVERSATION": message["conversationId"],
            "MESSAGE": message["id"],
        }
        return Cast([mallory.token], words)


@contextmanager
def scene(folder: Path, cast: Cast | None = None, /, **settings: str | int) -> Iterator[Scene]:
    """A server of its own, with bystanders, for tests to share."""
    server = ServerProcess(folder, RUN, **(SETTINGS | settings))
    asyncio.run(server.start())
    try:
        yield Scene(server, asyncio.run(_bystanders(server)), cast)
    finally:
        asyncio.run(server.stop())


@contextmanager
def crowded_scene(folder: Path, *, conversations: int = 0) -> Iterator[Scene]:
    """One whose attacker is in large groups, with so many conversations of others besides."""
    users = max(MEMBERS, 2 * conversations)
    cast = asyncio.run(crowd(folder, users=users, conversations=conversations))
    with scene(folder, cast) as opened:
        yield opened


async def _bystanders(server: ServerProcess) -> list[Bystander]:
    async with Api(server.url) as api:
        people = await api.people(*["bystander"] * BYSTANDERS)
        found = []
        for person, recipient in itertools.pairwise([*people, people[0]]):
            message = await api.send(person, recipient, "hello, neighbour")
            conversation = message["conversationId"]
            found.append(Bystander(server.url, person.token, recipient.id, conversation))
    return found
