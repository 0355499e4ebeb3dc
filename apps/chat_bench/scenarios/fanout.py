"""Groups in which one member writes and all the others hear it."""

import msgspec

from chat_bench.connections import ConnectionFailed
from chat_bench.http import HttpPool, Post
from chat_bench.plan import Fanout
from chat_bench.scenarios.scenario import Stage
from chat_bench.scenarios.traffic import CREATED, Traffic

GROUPS_PATH = "/api/v1/conversations"


class _Conversation(msgspec.Struct):
    id: str


class FanoutScenario:
    """See `Scenario`: each member that hears a message is one delivery."""

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
        plan, members = self._stage.plan, self._work.members
        pool = HttpPool(plan.url, 1)
        await pool.open()
        try:
            for owner in range(0, self._work.clients, members):
                others = [
                    self._stage.account(each).id for each in range(owner + 1, owner + members)
                ]
                group = {"kind": "group", "title": plan.run, "memberIds": others}
                post = Post(plan.url, GROUPS_PATH, self._stage.account(owner).token)
                status, body = await post.by(pool, msgspec.json.encode(group))
                if status != CREATED:
                    raise ConnectionFailed(f"no group was made: HTTP {status} {body[:300]!r}")
                made = msgspec.json.decode(body, type=_Conversation)
                self._places[owner] = b'"conversationId":"%b"' % made.id.encode()
        finally:
            pool.close()
        await self._traffic.connect(self._work.clients)

    async def run(self) -> None:
        """See `Scenario.run`."""
        await self._traffic.run(in_flight=self._work.in_flight, rate=None)

    def close(self) -> None:
        """See `Scenario.close`."""
        self._traffic.close()
