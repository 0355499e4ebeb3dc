"""What is left of connections that have ended."""

import contextlib
import re
import signal
import sys
from pathlib import Path

import pytest

from tests.support import uncollected_server
from tests.support.js_client import JsClientError
from tests.support.raw_socket import raw_socket
from tests.support.server import Api, ServerProcess
from tests.support.socket_clients import KINDS, SocketClients
from tests.support.waiting import eventually

UNCOLLECTED = (sys.executable, uncollected_server.__file__, "run")
TOLD = re.compile(r"kept: (\d+)")


async def kept(server: ServerProcess) -> int:
    """How many objects of connections the server keeps."""
    before = len(TOLD.findall(server.log))
    server.signal(signal.SIGUSR1)
    await eventually(lambda: len(TOLD.findall(server.log)) > before)
    return int(TOLD.findall(server.log)[-1])


@pytest.mark.parametrize("kind", KINDS)
async def test_a_connection_that_has_ended_leaves_nothing_for_the_collector(
    tmp_path: Path, kind: str
) -> None:
    async with (
        ServerProcess(tmp_path, UNCOLLECTED) as server,
        Api(server.url) as api,
        SocketClients(kind) as clients,
    ):
        alice, bob = await api.people("alice", "bob")
        devices = [await clients.device(server.url, alice) for _ in range(3)]
        await api.send(bob, alice, "hello")
        for device in devices:
            await device.wait_for("new_message")
        async with raw_socket(server.url) as mistaken:
            await mistaken.register(bob)
            await mistaken.send("9")
            await mistaken.closed()
        assert await kept(server) >= 3 * len(devices)
        for device in devices:
            with contextlib.suppress(JsClientError):  # the server may be quicker to hang up
                await device.close()

        async def are_gone() -> bool:
            return await kept(server) <= 1  # the library's round looks at one after the other

        await eventually(are_gone)
