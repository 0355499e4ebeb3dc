"""Clients that log in or look up users."""

import asyncio
import time
from dataclasses import dataclass

import msgspec

from chat_bench.connections import ConnectionFailed
from chat_bench.http import Caller, HttpPool
from chat_bench.plan import Users
from chat_bench.scenarios.scenario import Stage

PREFIX = "bench-"
"""Beginning of the username of every account that this tool creates."""
MOST_IDS = 100
OK = 200


class _Found(msgspec.Struct):
    id: str


class _Page(msgspec.Struct):
    items: list[_Found]


class _Login(msgspec.Struct):
    user: _Found


@dataclass(frozen=True, slots=True)
class _Request:
    """A request and the users expected in its answer, or None for any users."""

    data: bytes
    expected: frozenset[str] | None


class UsersScenario:
    """See `Scenario`; each client repeats its request as soon as it has the answer."""

    def __init__(self, stage: Stage, work: Users) -> None:
        self._stage = stage
        self._work = work
        self._pool = HttpPool(stage.plan.url, work.clients)
        if stage.dialect.paths is None:
            raise ConnectionFailed("the target has no HTTP")
        self._paths = stage.dialect.paths

    async def prepare(self) -> None:
        """See `Scenario.prepare`."""
        await self._pool.open()

    async def run(self) -> None:
        """See `Scenario.run`."""
        async with asyncio.TaskGroup() as clients:
            for client in range(self._work.clients):
                clients.create_task(self._ask_again_and_again(self._request(client)))

    def close(self) -> None:
        """See `Scenario.close`."""
        self._pool.close()

    async def _ask_again_and_again(self, request: _Request) -> None:
        tally = self._stage.tally
        while not tally.is_over:
            started = time.monotonic()
            status, body = await self._pool.answer(request.data)
            if status != OK:
                tally.problem(f"refused: HTTP {status} {body[:120].decode(errors='replace')}")
                return
            found = self._found(body)
            if not found or found != (request.expected or found):
                tally.problem("the answer contains the wrong users")
                return
            tally.took(self._work.ask, started)
            tally.add()

    def _request(self, client: int) -> _Request:
        account = self._stage.account(client)
        caller = Caller(self._stage.plan.url, account.token)
        match self._work.ask:
            case "login":
                body = {"username": account.username, "password": account.password}
                data = caller.post(self._paths.log_in, msgspec.json.encode(body))
                return _Request(data, frozenset({account.id}))
            case "search":
                return _Request(caller.get(f"{self._paths.users}?q={PREFIX}"), None)
            case "ids":
                others = {each.id for each in self._stage.plan.accounts} - {account.id}
                wanted = sorted(others)[:MOST_IDS]
                path = f"{self._paths.users}?ids={','.join(wanted)}"
                return _Request(caller.get(path), frozenset(wanted))

    def _found(self, body: bytes) -> frozenset[str]:
        if self._work.ask == "login":
            return frozenset({msgspec.json.decode(body, type=_Login).user.id})
        return frozenset(each.id for each in msgspec.json.decode(body, type=_Page).items)
