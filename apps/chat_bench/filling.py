"""A program that fills a database with users and messages, many times faster than over the wire.

It uses the same adapter as the service, which then starts with this file, so the content is the
same as if it had been sent over the wire. The program reads a `Filling` from standard input. It is
the only part of this package that uses an adapter; no other module here imports it.
"""

import asyncio
import sys
import uuid
from collections.abc import Coroutine, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from chat_bench.plan import Filling
from chat_core.bodies import Body
from chat_core.conversations import Conversation
from chat_core.ids import ClientMessageId, ConversationId, MessageId, SessionId, UserId
from chat_core.log import Log
from chat_core.memory import SystemClock
from chat_core.ports.log import MessageDraft
from chat_core.sessions import Actor
from chat_core.users import User
from chat_security import Argon2Hasher
from chat_server.ids import TimeOrderedIds
from chat_sqlite import SqliteDatabase, SqliteLogStore, SqliteUserStore

AT_ONCE = 1000
"""Number of messages that share a commit."""


async def fill(filling: Filling) -> None:
    """Create the file with all its content."""
    database = await SqliteDatabase.open(Path(filling.path))
    try:
        users = await _add_users(SqliteUserStore(database), filling)
        await _append(Log(SqliteLogStore(database)), users, filling)
    finally:
        await database.close()


async def _add_users(store: SqliteUserStore, filling: Filling) -> list[UserId]:
    clock, ids, hasher = SystemClock(), TimeOrderedIds(), Argon2Hasher()
    digest = await hasher.hash(filling.password)
    users = [
        User(UserId(ids.new_id()), name, name, email=None, created_at=clock.now())
        for name in map(filling.username, range(filling.users))
    ]
    await _some_at_once(store.add(user, digest) for user in users)
    return [user.id for user in users]


async def _append(log: Log, users: list[UserId], filling: Filling) -> None:
    """Let both users of a pair write in turn, so that each has read the previous messages."""
    clock, ids = SystemClock(), TimeOrderedIds()
    body = Body("." * filling.content_bytes)
    pairs = [
        (Conversation.direct(ConversationId(ids.new_id()), one, other, clock.now()), (one, other))
        for one, other in zip(users[::2], users[1::2], strict=False)
    ][: filling.conversations]

    def appends() -> Iterator[Coroutine[Any, Any, object]]:
        for number in range(filling.messages):
            for conversation, both in pairs:
                yield log.append(
                    MessageDraft(
                        MessageId(ids.new_id()),
                        conversation,
                        Actor(both[number % 2], SessionId("")),
                        body,
                        # Most clients create their ids in the same way.
                        ClientMessageId(str(uuid.uuid4())),
                        clock.now(),
                    )
                )

    await _some_at_once(appends())


async def _some_at_once(calls: Iterator[Coroutine[Any, Any, object]]) -> None:
    while some := list(islice(calls, AT_ONCE)):
        await asyncio.gather(*some)


if __name__ == "__main__":
    asyncio.run(fill(msgspec.json.decode(sys.stdin.buffer.read(), type=Filling)))
