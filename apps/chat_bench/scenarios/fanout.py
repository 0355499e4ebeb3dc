"""Groups in which one member writes and all others receive the messages."""

from collections.abc import Sequence

import msgspec

from chat_bench.connections import ConnectionFailed
from chat_bench.http import Caller, HttpPool
from chat_bench.plan import Account, Fanout
from chat_bench.scenarios.scenario import Stage
from chat_bench.scenarios.traffic import CREATED, Traffic


class _Conversation(msgspec.Struct):
    id: str


class FanoutScenario:
    """See `Scenario`; each member that receives a message counts as one delivery."""

    def __init__(self, stage: Stage, work: Fanout) -> None:
        self._stage = stage
        self._work = work
        self._places: dict[int, bytes] = {}
        self._traffic = Traffic(
            stage,
            audience={
                owner: frozenset(range(owner + 1, owner + work.members))
                for owner in range(0, work.clients, work.members)
            },
            places=self._places,
            content_bytes=work.content_bytes,
            counts_deliveries=True,
        )

    async def prepare(self) -> None:
        """See `Scenario.prepare`."""
        stage, members = self._stage, self._work.members
        for owner in range(0, self._work.clients, members):
            others = [stage.account(each) for each in range(owner + 1, owner + members)]
            self._places[owner] = stage.dialect.to_group(others) or await self._made(owner, others)
        await self._traffic.connect(self._work.clients)

    async def run(self) -> None:
        """See `Scenario.run`."""
        await self._traffic.run(in_flight=self._work.in_flight, rate=None)

    def close(self) -> None:
        """See `Scenario.close`."""
        self._traffic.close()

    async def _made(self, owner: int, others: Sequence[Account]) -> bytes:
        """Create a group, and return it as a destination."""
        plan, paths = self._stage.plan, self._stage.dialect.paths
        group = {"kind": "group", "title": plan.run, "memberIds": [each.id for each in others]}
        caller = Caller(plan.url, self._stage.account(owner).token)
        path = paths.groups if paths else ""
        async with HttpPool(plan.url, 1) as pool:
            status, body = await pool.answer(caller.post(path, msgspec.json.encode(group)))
        if status != CREATED:
            raise ConnectionFailed(f"creating a group failed: HTTP {status} {body[:300]!r}")
        made = msgspec.json.decode(body, type=_Conversation)
        return b'"conversationId":"%b"' % made.id.encode()
