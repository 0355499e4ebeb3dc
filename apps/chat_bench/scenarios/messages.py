"""Pairs of clients that write to each other."""

from chat_bench.plan import Messages
from chat_bench.scenarios.scenario import Stage
from chat_bench.scenarios.traffic import Traffic


class MessagesScenario:
    """See `Scenario`; a message counts once it is acked and its recipient has it."""

    def __init__(self, stage: Stage, work: Messages) -> None:
        self._work = work
        self._paths = stage.dialect.paths
        by_http = work.via == "http"
        # The message was not sent over this socket, so the sender's own push arrives on it.
        echoed = by_http and stage.dialect.echoes_http
        self._traffic = Traffic(
            stage,
            audience={
                client: frozenset({_partner(client), client} if echoed else {_partner(client)})
                for client in range(work.clients)
            },
            places={
                client: stage.dialect.to_account(stage.account(_partner(client)))
                for client in range(work.clients)
            },
            content_bytes=work.content_bytes,
        )

    async def prepare(self) -> None:
        """See `Scenario.prepare`."""
        await self._traffic.connect(self._work.clients)
        if self._work.via == "http" and self._paths is not None:
            await self._traffic.open_http(self._paths.messages, self._work.in_flight)
        await self._traffic.begin_conversations(range(0, self._work.clients, 2))

    async def run(self) -> None:
        """See `Scenario.run`."""
        await self._traffic.run(in_flight=self._work.in_flight, rate=self._work.rate)

    def close(self) -> None:
        """See `Scenario.close`."""
        self._traffic.close()


def _partner(client: int) -> int:
    return client ^ 1
