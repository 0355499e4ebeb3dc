"""How long threads of the database wait for the event loop."""

import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
import uvicorn

from chat_core.measures import Sent
from chat_server.serving import (
    BUSY_SWITCH_SECONDS,
    MANY_MESSAGES,
    SWITCH_SECONDS,
    TICKS_A_SECOND,
    Server,
)
from chat_server.settings import Settings

A_TICK = MANY_MESSAGES // TICKS_A_SECOND


@pytest.fixture(autouse=True)
def _usual() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


async def test_threads_wait_less_unless_many_messages_are_sent() -> None:
    sent = Sent()
    container = SimpleNamespace(messaging=lambda: SimpleNamespace(sent=sent))
    app = cast("Any", SimpleNamespace(state=SimpleNamespace(container=container)))
    server = Server(uvicorn.Config(app), app, cast("Settings", None))

    found = []
    for stored in (0, A_TICK, 2 * A_TICK + 1, 4 * A_TICK, 5 * A_TICK):
        sent.stored = stored
        await server.on_tick(1)
        found.append(sys.getswitchinterval())
    few, many = map(pytest.approx, (SWITCH_SECONDS, BUSY_SWITCH_SECONDS))
    assert found == [few, few, many, many, few]
