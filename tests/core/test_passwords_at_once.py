"""Who knows a password may not fill the queue of everybody's log-ins."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from chat_core.errors import RateLimited
from chat_core.memory import PlainHasher
from chat_core.services.fair_queue import PATIENCE_SECONDS
from chat_core.services.login_attempts import PASSWORDS_AT_ONCE
from tests.support.engine import ADDRESS, PASSWORD, Engine
from tests.support.waiting import until


@dataclass(slots=True)
class WaitingHasher(PlainHasher):
    """It takes its time until it is told to go on."""

    waiting: list[str] = field(default_factory=list)
    go: dict[str, asyncio.Event] = field(default_factory=dict)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        self.waiting.append(password_hash or "")
        await self.go.setdefault(password_hash or "", asyncio.Event()).wait()
        return await PlainHasher.verify(self, password, password_hash)


async def test_one_account_has_two_passwords_judged_at_one_time_and_others_log_in_meanwhile(
    chat: Engine,
) -> None:
    """However often it tries, with the right one."""
    for name in ("ann", "bob"):
        await chat.user(name)
    hasher = WaitingHasher()
    sessions = replace(chat.sessions, hasher=hasher)
    tries = [asyncio.create_task(sessions.log_in("ann", PASSWORD, None, ADDRESS)) for _ in range(9)]
    await until(lambda: len(hasher.waiting) == PASSWORDS_AT_ONCE)
    anns = hasher.waiting[0]

    bob = asyncio.create_task(sessions.log_in("bob", PASSWORD, None, ADDRESS))
    await until(lambda: len(hasher.waiting) == PASSWORDS_AT_ONCE + 1)
    hasher.go[hasher.waiting[-1]].set()
    await bob
    assert hasher.waiting.count(anns) == PASSWORDS_AT_ONCE

    hasher.go[anns].set()
    await asyncio.gather(*tries)
    assert hasher.waiting.count(anns) == 9


async def test_who_waits_for_too_long_is_told_so_and_has_not_failed(chat: Engine) -> None:
    await chat.user("ann")
    hasher = WaitingHasher()
    sessions = replace(chat.sessions, hasher=hasher)
    tries = [
        asyncio.create_task(sessions.log_in("ann", PASSWORD, None, ADDRESS))
        for _ in range(PASSWORDS_AT_ONCE + 1)
    ]
    await until(lambda: chat.clock.waiting == 1)
    chat.clock.advance(PATIENCE_SECONDS)
    with pytest.raises(RateLimited):
        await tries[-1]
    assert sessions.queue.refused == 1
    hasher.go[hasher.waiting[0]].set()
    await asyncio.gather(*tries[:-1])
