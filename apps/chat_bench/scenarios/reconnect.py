"""All connections are cut at once, and reconnect immediately."""

import asyncio
import time

from chat_bench.connections import Connection, ConnectionFailed
from chat_bench.plan import Reconnect
from chat_bench.scenarios.scenario import Listener, Stage, connect_all


class ReconnectScenario:
    """See `Scenario`; repeats until the time is up."""

    def __init__(self, stage: Stage, work: Reconnect) -> None:
        self._stage = stage
        self._clients = work.clients
        self._connections: list[Connection] = []

    async def prepare(self) -> None:
        """See `Scenario.prepare`."""
        self._connections = self._made()
        await connect_all(self._connections, self._stage.plan.url)

    async def run(self) -> None:
        """See `Scenario.run`."""
        tally = self._stage.tally
        while not tally.is_over:
            self.close()
            cut_at = time.monotonic()
            self._connections = self._made()
            try:
                async with asyncio.TaskGroup() as storm:
                    for connection in self._connections:
                        storm.create_task(self._back(connection, cut_at))
            except* ConnectionFailed as failures:
                tally.problem(str(failures.exceptions[0]), len(failures.exceptions))
            else:
                tally.took("all registered", cut_at)

    def close(self) -> None:
        """See `Scenario.close`."""
        for connection in self._connections:
            connection.cut()

    async def _back(self, connection: Connection, cut_at: float) -> None:
        await connection.connect(self._stage.plan.url)
        self._stage.tally.add()
        self._stage.tally.took("registration", cut_at)

    def _made(self) -> list[Connection]:
        stage = self._stage
        return [
            stage.dialect.connection(stage.account(client), stage.plan.run, Listener(stage.tally))
            for client in range(self._clients)
        ]
