"""What every scenario has and does."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chat_bench.connections import Connection
from chat_bench.dialects import Dialect
from chat_bench.ledger import Ledger
from chat_bench.plan import Account, Plan
from chat_bench.tally import Tally

CONNECTING_AT_ONCE = 50


class Scenario(Protocol):
    """One worker's part of a run."""

    async def prepare(self) -> None:
        """Make everything that is not measured. Raises `ConnectionFailed`."""

    async def run(self) -> None:
        """Do what is measured, from now until the tally is over, and wait for the rest of it."""

    def close(self) -> None:
        """End every connection."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a scenario plays."""

    plan: Plan
    dialect: Dialect
    tally: Tally

    def account(self, client: int) -> Account:
        """Whose client that is."""
        return self.plan.accounts[client // self.plan.devices]


@dataclass(frozen=True, slots=True)
class Listener:
    """An `Inbox` that only wants its connection to stay. Others build on it."""

    tally: Tally

    def message(self, content: str) -> None:
        """See `Inbox.message`."""

    def acked(self, number: int) -> None:
        """See `Inbox.acked`."""

    def refused(self, number: int, why: str) -> None:  # noqa: ARG002  (its base's)
        """See `Inbox.refused`."""
        self.tally.problem(f"refused: {why}")

    def heard(self, event: str, payload: bytes) -> None:
        """See `Inbox.heard`."""

    def unreadable(self) -> None:
        """See `Inbox.unreadable`."""
        self.tally.problem("not readable")

    def closed(self) -> None:
        """See `Inbox.closed`."""
        self.tally.problem("closed by the target")


@dataclass(frozen=True, slots=True)
class Correspondent(Listener):
    """An `Inbox` whose messages are in the ledger."""

    client: int
    ledger: Ledger

    def message(self, content: str) -> None:
        """See `Inbox.message`."""
        self.ledger.heard(self.client, content)

    def acked(self, number: int) -> None:
        """See `Inbox.acked`."""
        self.ledger.acked(number)

    def refused(self, number: int, why: str) -> None:
        """See `Inbox.refused`."""
        self.ledger.refused(number, why)


async def connect_all(connections: Sequence[Connection], url: str) -> None:
    """Connect them, some at a time. Raises `ConnectionFailed`."""
    turn = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def connect(connection: Connection) -> None:
        async with turn:
            await connection.connect(url)

    await asyncio.gather(*(connect(each) for each in connections))
