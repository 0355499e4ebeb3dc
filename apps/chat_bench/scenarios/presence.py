"""Clients that come and go while others are notified."""

import asyncio
import time
from dataclasses import dataclass, field

import msgspec

from chat_bench.connections import Connection, ConnectionFailed
from chat_bench.http import Caller, HttpPool
from chat_bench.plan import Presence
from chat_bench.scenarios.scenario import Listener, Stage, connect_all
from chat_bench.scenarios.traffic import CREATED

PAUSE_SECONDS = 1.2
"""Pause between two changes of a user, because chat-core reports one change per second at most."""

MESSAGES_PATH = "/api/v1/messages"


class _Change(msgspec.Struct, rename="camel"):
    user_id: str
    online: bool


_change = msgspec.json.Decoder(_Change)


@dataclass(frozen=True, slots=True)
class _Watcher(Listener):
    """An `Inbox` that collects one user's presence changes."""

    watched: str
    changes: asyncio.Queue[_Change] = field(default_factory=asyncio.Queue)

    def heard(self, event: str, payload: bytes) -> None:
        """See `Inbox.heard`."""
        if event == "presence_changed":
            change = _change.decode(payload)
            # An account from an earlier run may share conversations with other users too.
            if change.user_id == self.watched:
                self.changes.put_nowait(change)


class PresenceScenario:
    """See `Scenario`; in each pair the even client watches, and the odd one comes and goes."""

    def __init__(self, stage: Stage, work: Presence) -> None:
        self._stage = stage
        self._watchers = [
            _Watcher(stage.tally, stage.account(client).id) for client in range(1, work.clients, 2)
        ]
        self._connections: list[Connection] = [
            stage.dialect.connection(stage.account(2 * pair), stage.plan.run, watcher)
            for pair, watcher in enumerate(self._watchers)
        ]

    async def prepare(self) -> None:
        """See `Scenario.prepare`."""
        stage = self._stage
        async with HttpPool(stage.plan.url, 1) as pool:
            for pair in range(len(self._watchers)):
                hello = {"recipientId": stage.account(2 * pair).id, "content": "hello"}
                caller = Caller(stage.plan.url, stage.account(2 * pair + 1).token)
                request = caller.post(MESSAGES_PATH, msgspec.json.encode(hello))
                status, _ = await pool.answer(request)
                if status != CREATED:
                    raise ConnectionFailed(f"creating a conversation failed: HTTP {status}")
        await connect_all(self._connections, stage.plan.url)

    async def run(self) -> None:
        """See `Scenario.run`."""
        async with asyncio.TaskGroup() as pairs:
            for pair, watcher in enumerate(self._watchers):
                pairs.create_task(self._come_and_go(2 * pair + 1, watcher))

    def close(self) -> None:
        """See `Scenario.close`."""
        for connection in self._connections:
            connection.cut()

    async def _come_and_go(self, client: int, watcher: _Watcher) -> None:
        stage = self._stage
        account = stage.account(client)
        while not stage.tally.is_over:
            connection = stage.dialect.connection(account, stage.plan.run, Listener(stage.tally))
            came = time.monotonic()
            await connection.connect(stage.plan.url)
            await self._told(watcher, "online", came)
            went = time.monotonic()
            connection.cut()
            await self._told(watcher, "offline", went)

    async def _told(self, watcher: _Watcher, what: str, since: float) -> None:
        tally = self._stage.tally
        try:
            async with asyncio.timeout(self._stage.plan.times.grace):
                change = await watcher.changes.get()
        except TimeoutError:
            tally.problem("lost")
            return
        if change.online is not (what == "online"):
            tally.problem("presence reported twice or wrongly")
            return
        tally.took(what, since)
        tally.add()
        await asyncio.sleep(PAUSE_SECONDS)
