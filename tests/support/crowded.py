"""A database that holds the costliest there is: large groups, and pages that JSON makes long."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from chat_bench.plan import Filling
from tests.support.server import PASSWORD, RUN, Api, Person, ServerProcess

GROUPS = 200
MEMBERS = 256
AT_ONCE = 8
LONG_MESSAGES = 205
LONG_CONTENT = "\x01" * 4096
"""Of which JSON makes six times as much."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who attacks, and what the words of an attack stand for."""

    tokens: Sequence[str]
    words: dict[str, str]


async def crowd(folder: Path, *, users: int = MEMBERS, conversations: int = 0) -> Cast:
    """Fill the database of a server that is started in that folder later.

    One user owns so many groups with the same members, and has a conversation of long messages.
    So many direct conversations of others have a message each.
    """
    filling = Filling(
        path=str(folder / "chat.db"),
        users=users,
        conversations=conversations,
        messages=1,
        content_bytes=100,
        password=PASSWORD,
    )
    await _fill(filling)
    settings = {"CHAT_ACCESS_TOKEN_SECONDS": 36_000}
    async with ServerProcess(folder, RUN, **settings) as server, Api(server.url) as api:
        owner = await api.log_in(filling.username(users - 1))
        members = await _others(api, owner)
        body = {"kind": "group", "title": "everybody", "memberIds": members[: MEMBERS - 1]}
        groups = await _all(api, owner, "/conversations", [body] * GROUPS)
        long = {"recipientId": members[0], "content": LONG_CONTENT}
        messages = await _all(api, owner, "/messages", [long] * LONG_MESSAGES)
    return Cast(
        [owner.token],
        {
            "GROUP": groups[0]["id"],
            "LONG": messages[0]["conversationId"],
            "USERS": ",".join(members[:100]),
        },
    )


async def _others(api: Api, asker: Person) -> list[str]:
    found: list[str] = []
    query = {"q": "bench-", "limit": 200}
    while len(found) < MEMBERS - 1:
        page = await api.get("/users", asker, **query)
        found += [user["id"] for user in page["items"]]
        query["cursor"] = page["nextCursor"]
    return found


async def _all(api: Api, person: Person, path: str, bodies: Sequence[Any]) -> list[Any]:
    """What comes of POSTs that all succeed."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def post(body: Any) -> Any:
        async with turn:
            answer = await api.post(path, person, body)
            assert answer.status_code == 201, answer.text
            return answer.json()

    return await asyncio.gather(*map(post, bodies))


async def _fill(filling: Filling) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "chat_bench.filling", stdin=PIPE
    )
    await process.communicate(msgspec.json.encode(filling))
    assert process.returncode == 0
