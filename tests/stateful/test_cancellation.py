"""A caller that is cancelled at any await of the send path."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress

import pytest

from chat_core import Actor, SessionId, ToUser
from chat_core.bodies import Body
from chat_core.testing.clock import ManualClock
from chat_core.testing.ids import CountedIds
from tests.support.simulation import Gate, Server
from tests.support.stores import Stores, memory_stores, mongo_stores, sqlite_stores
from tests.support.waiting import until

MOST_AWAITS = 30
"""More than the send path has; the test says so if that changes."""


@pytest.mark.parametrize("open_stores", [memory_stores, sqlite_stores, mongo_stores])
async def test_wherever_a_send_is_cancelled_it_is_stored_and_pushed_once_or_not_at_all(
    open_stores: Callable[[], AbstractAsyncContextManager[Stores]],
) -> None:
    was_stored: list[bool] = []
    for awaits in range(MOST_AWAITS):
        async with open_stores() as stores:
            gate = Gate()
            server = Server(stores, ManualClock(), CountedIds(), gate)
            ann, bob = await server.sign_up("ann"), await server.sign_up("bob")
            actor = Actor(ann, SessionId("session"))

            gate.is_open = False
            sending = asyncio.create_task(
                server.messaging.send(actor, ToUser(bob), Body("hi"), "c1")
            )
            for _ in range(awaits):
                await until(lambda: gate.waiting or sending.done())  # noqa: B023
                gate.let_through(0)
            await until(lambda: gate.waiting or sending.done())  # noqa: B023
            is_done = sending.done()
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            gate.open()
            await until(lambda: not gate.running and not gate.submitted)  # noqa: B023

            told = len(server.told)
            again = await server.messaging.send(actor, ToUser(bob), Body("hi"), "c1")
            assert again.duplicate is (told == 1)
            assert again.message.seq == 1
            assert len(server.told) == 1
            history = await stores.reader.history(
                again.message.conversation_id, before=None, after=None, limit=9
            )
            assert list(history.items) == [again.message]
            was_stored.append(told == 1)
            if is_done:
                break
    assert is_done, "the send path has more awaits than this test knows of"
    assert was_stored == sorted(was_stored)
    assert {True, False} == set(was_stored)
