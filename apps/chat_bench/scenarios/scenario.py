"""The interface of all scenarios, and their common parts."""

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
        """Create everything that is not measured. Raises `ConnectionFailed`."""

    async def run(self) -> None:
        """Do the measured work until the tally is over, and wait for pending work."""

    def close(self) -> None:
        """End every connection."""


@dataclass(frozen=True, slots=True)
class Stage:
    """The plan, the dialect and the tally of a scenario."""

    plan: Plan
    dialect: Dialect
    tally: Tally

    def account(self, client: int) -> Account:
        """Return the account of a client."""
        return self.plan.accounts[client // self.plan.devices]


@dataclass(frozen=True, slots=True)
class Listener:
    """An `Inbox` that only requires its connection to stay open, and the base of others."""

    tally: Tally

    def message(self, content: str) -> None:
        """See `Inbox.message`."""

    def acked(self, number: int) -> None:
        """See `Inbox.acked`."""

    def refused(self, number: int, why: str) -> None:  # noqa: ARG002  (the base class's signature)
        """See `Inbox.refused`."""
        self.tally.problem(f"refused: {why}")

    def heard(self, event: str, payload: bytes) -> None:
        """See `Inbox.heard`."""

    def unreadable(self) -> None:
        """See `Inbox.unreadable`."""
        self.tally.problem("unreadable data")

    def closed(self) -> None:
        """See `Inbox.closed`."""
        self.tally.problem("closed by the target")


@dataclass(frozen=True, slots=True)
class Correspondent(Listener):
    """An `Inbox` that records its messages in the ledger."""

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
    """Connect all of them, some at a time. Raises `ConnectionFailed`."""
    turn = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def connect(connection: Connection) -> None:
        async with turn:
            await connection.connect(url)

    await asyncio.gather(*(connect(each) for each in connections))
