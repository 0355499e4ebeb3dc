"""Messages from senders to recipients, in a closed loop or at a fixed rate."""

import asyncio
import itertools
import time
from collections.abc import Mapping, Sequence
from functools import partial

from chat_bench.connections import Connection
from chat_bench.http import Caller, HttpPool
from chat_bench.ledger import Ledger
from chat_bench.scenarios.scenario import Correspondent, Stage, connect_all
from chat_bench.socketio import message_json

CREATED = 201
BEGINNING_AT_ONCE = 8
NAP_SECONDS = 0.001
"""Minimum time between two checks for due messages.

Shorter pauses would use a whole core, perhaps the target's. They are not needed, because a
message's latency counts from its due time.
"""


class Traffic:
    """Connects all clients, and sends from each sender to its own destination.

    In the closed loop, each sender has `in_flight` pending messages, and sends another when one
    completes. At a fixed rate, messages are sent when they are due, no matter how many are pending,
    and their latency counts from then, so the pauses of a target count too.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        audience: Mapping[int, frozenset[int]],
        places: Mapping[int, bytes],
        content_bytes: int,
        counts_deliveries: bool = False,
    ) -> None:
        self._stage = stage
        self._places = places
        self._loops = False
        self._ledger = Ledger(
            stage.tally,
            run=stage.plan.run,
            content_bytes=content_bytes,
            audience=audience,
            completed=self._completed,
            counts_deliveries=counts_deliveries,
        )
        self._connections: list[Connection] = []
        self._pools: list[HttpPool] = []
        self._callers: list[Caller] = []
        self._http_path = ""

    async def connect(self, clients: int) -> None:
        """Connect every client's socket."""
        plan = self._stage.plan
        for client in range(clients):
            inbox = Correspondent(self._stage.tally, client, self._ledger)
            account = self._stage.account(client)
            self._connections.append(self._stage.dialect.connection(account, plan.run, inbox))
        await connect_all(self._connections, plan.url)

    async def open_http(self, path: str, connections_each: int) -> None:
        """Send over HTTP to that path from now on."""
        plan = self._stage.plan
        self._http_path = path
        for client in range(len(self._connections)):
            pool = HttpPool(plan.url, connections_each)
            await pool.open()
            self._pools.append(pool)
            token = self._stage.account(client).token
            self._callers.append(Caller(plan.url, token))

    async def begin_conversations(self, senders: Sequence[int]) -> None:
        """Send one message from each sender, a few at a time.

        A conversation's first message does more work than the others.
        """
        for place in range(0, len(senders), BEGINNING_AT_ONCE):
            for sender in senders[place : place + BEGINNING_AT_ONCE]:
                self._send(sender, time.monotonic())
            await self._ledger.settle(self._stage.plan.times.grace)

    async def run(self, *, in_flight: int, rate: float | None) -> None:
        """Send until the tally is over, and wait for pending messages."""
        senders = list(self._places)
        if rate is None:
            self._loops = True
            now = time.monotonic()
            for sender in senders:
                for _ in range(in_flight):
                    self._send(sender, now)
            await self._stage.tally.over()
        else:
            await self._pace(senders, rate)
        await self._ledger.close(self._stage.plan.times.grace)

    def close(self) -> None:
        """End every connection."""
        for connection in self._connections:
            connection.cut()
        for pool in self._pools:
            pool.close()

    async def _pace(self, senders: Sequence[int], rate: float) -> None:
        tally = self._stage.tally
        turns = itertools.cycle(senders)
        due = time.monotonic()
        while due < tally.counts_to and not tally.is_broken:
            await asyncio.sleep(max(NAP_SECONDS, due - time.monotonic()))
            now = min(time.monotonic(), tally.counts_to)
            while due < now:
                self._send(next(turns), due)
                due += 1 / rate

    def _completed(self, sender: int) -> None:
        if self._loops and not self._stage.tally.is_over:
            self._send(sender, time.monotonic())

    def _send(self, sender: int, started: float) -> None:
        number, content = self._ledger.sent(sender, started)
        if not self._pools:
            self._connections[sender].send(number, self._places[sender], content)
            return
        client_id = f"{self._stage.plan.run}-{number}" if self._stage.dialect.client_ids else None
        body = message_json(self._places[sender], content, client_id)
        request = self._callers[sender].post(self._http_path, body)
        self._pools[sender].request(request, partial(self._answered, number))

    def _answered(self, number: int, status: int, body: bytes) -> None:
        if status == CREATED:
            self._ledger.acked(number)
        elif status == 0:
            self._stage.tally.problem("closed by the target")
        else:
            self._ledger.refused(number, f"HTTP {status} {body[:120].decode(errors='replace')}")
