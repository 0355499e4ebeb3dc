"""Connections that only stay open."""

import asyncio
import time

from chat_bench.connections import Connection
from chat_bench.plan import Idle
from chat_bench.scenarios.scenario import Listener, Stage, connect_all

TIMER_SECONDS = 0.002
"""Extra waiting time, which is longer than a timer may be early."""


class IdleScenario:
    """See `Scenario`; every connection must stay open until the end."""

    def __init__(self, stage: Stage, work: Idle) -> None:
        self._stage = stage
        self._connections: list[Connection] = [
            stage.dialect.connection(stage.account(client), stage.plan.run, Listener(stage.tally))
            for client in range(work.clients)
        ]

    async def prepare(self) -> None:
        """See `Scenario.prepare`."""
        await connect_all(self._connections, self._stage.plan.url)

    async def run(self) -> None:
        """See `Scenario.run`."""
        tally = self._stage.tally
        await asyncio.sleep(max(0.0, tally.counts_from - time.monotonic()) + TIMER_SECONDS)
        tally.add(len(self._connections))
        await tally.over()

    def close(self) -> None:
        """See `Scenario.close`."""
        for connection in self._connections:
            connection.cut()
