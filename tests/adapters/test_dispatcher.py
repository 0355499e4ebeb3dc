"""What the dispatcher takes of a client before it asks the transport to wait."""

import pytest

from chat_core.testing.clock import ManualClock
from chat_core.testing.ids import CountedIds
from chat_socketio.connections import Transport
from chat_socketio.dispatcher import MAX_INBOX, MAX_INBOX_CHARACTERS
from tests.support.simulation import Gate, Server
from tests.support.stores import memory_stores


class Unheard(Transport):
    """Nobody is at its other end."""

    def write(self, packet: str) -> None: ...

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("size", "number"), [(10, MAX_INBOX), (40_000, 2), (MAX_INBOX_CHARACTERS, 1)]
)
async def test_events_that_wait_are_bounded_in_size(size: int, number: int) -> None:
    async with memory_stores() as stores:
        dispatcher = Server(stores, ManualClock(), CountedIds(), Gate()).dispatcher
    connection = dispatcher.opened(Unheard())
    event = f'["unknown",{{"a":"{"x" * size}"}}]'
    assert dispatcher.received(connection, event) is None  # it has begun, and does not wait
    for _ in range(number - 1):
        assert dispatcher.received(connection, event) is None
    room = dispatcher.received(connection, event)
    assert room is not None
    await room
    assert len(connection.inbox) < number
    assert dispatcher.received(connection, '["unknown",{}]') is None
