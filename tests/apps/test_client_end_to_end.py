"""The Python client over a real connection."""

import asyncio
import signal
from pathlib import Path

import pytest

from chat_client import ChatClient, Disconnected
from chat_client.socketio_wire import SocketIoWire
from tests.support.machine_speed import within
from tests.support.server import Api, ServerProcess

SOON_SECONDS = 10
"""Half of what the wire waits for an ack."""


async def test_whoever_waits_for_an_ack_hears_of_the_end_of_the_connection(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        ann = await api.person("ann")
        wire = SocketIoWire(server.url)
        client = ChatClient(wire)
        await client.start(ann.token)
        server.signal(signal.SIGSTOP)  # it takes what is sent, and answers nothing
        asking = asyncio.create_task(wire.call("sync", {"conversations": {}}))
        ending = asyncio.create_task(client.ended())
        await asyncio.wait([asking, ending], timeout=0.1)
        assert not asking.done()
        assert not ending.done()

        server.kill()

        with pytest.raises(Disconnected):
            await within(SOON_SECONDS, asking)
        await within(SOON_SECONDS, ending)
        assert not client.is_connected
        await client.stop()
