"""What a websocket may do below Socket.IO."""

import asyncio
import contextlib
import json
from socket import SO_ERROR, SOL_SOCKET
from urllib.parse import urlsplit

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.fuzzed_frames import CLOSE, frame
from tests.support.hostile_peer import OPENED, HungUpError, Peer
from tests.support.raw_socket import raw_socket
from tests.support.server import Api, ServerProcess
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.mongodb


def websocket_url(server: ServerProcess, path: str = "/socket.io/") -> str:
    return f"{server.url.replace('http', 'ws')}{path}?EIO=4&transport=websocket"


async def test_a_message_may_come_in_fragments(server: ServerProcess, api: Api) -> None:
    (alice,) = await api.people("alice")
    async with connect(websocket_url(server)) as socket:
        assert str(await socket.recv()).startswith("0")
        await socket.send(["4", "", "0"])
        assert str(await socket.recv()).startswith("40")
        register = "421" + json.dumps(["register_user", {"token": alice.token}])
        await socket.send([register[:10], register[10:50], register[50:]])
        assert str(await socket.recv()).startswith('42["registration_success"')
        assert '"ok":true' in str(await socket.recv())


async def test_a_message_in_fragments_has_the_bound_of_any_other(server: ServerProcess) -> None:
    async with connect(websocket_url(server)) as socket:
        await socket.recv()
        with contextlib.suppress(ConnectionClosed):
            await socket.send("x" * 1000 for _ in range(100))
        await asyncio.wait_for(socket.wait_closed(), PATIENCE_SECONDS)


async def test_empty_fragments_have_a_bound_too(strict_server: ServerProcess) -> None:
    async with connect(websocket_url(strict_server)) as socket:
        await socket.recv()
        await socket.send("40")
        await socket.recv()
        with contextlib.suppress(ConnectionClosed):
            await socket.send("" for _ in range(3000))
        await asyncio.wait_for(socket.wait_closed(), PATIENCE_SECONDS)


async def test_a_ping_of_the_websocket_is_answered(server: ServerProcess) -> None:
    async with connect(websocket_url(server)) as socket:
        await asyncio.wait_for(await socket.ping(b"still there?"), PATIENCE_SECONDS)


@pytest.mark.parametrize("path", ["/", "/chat", "/api/v1/messages"])
async def test_there_is_no_websocket_at_another_path(server: ServerProcess, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(websocket_url(server, path)):
            pass
    assert 400 <= refused.value.response.status_code < 500


async def test_a_target_that_is_no_url_is_refused_in_words_of_our_own(
    strict_server: ServerProcess,
) -> None:
    address = urlsplit(strict_server.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(
        b"GET //[ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    status = await asyncio.wait_for(reader.readline(), PATIENCE_SECONDS)
    writer.close()
    await writer.wait_closed()
    assert status.split()[1].startswith(b"4"), status


async def test_a_close_is_answered_and_the_user_is_offline(server: ServerProcess, api: Api) -> None:
    alice, bob = await api.people("alice", "bob")
    async with raw_socket(server.url) as raw:
        await raw.register(alice)
        await api.devices(alice, bob, 1)
    await api.devices(alice, bob, 0)


@pytest.mark.parametrize("goodbye", ["41", "1"], ids=["socket.io", "engine.io"])
async def test_a_goodbye_is_the_end_without_a_reset(
    server: ServerProcess, api: Api, goodbye: str
) -> None:
    """The server's closing frame may cross the client's; a connection that is gone then resets."""
    alice, bob = await api.people("alice", "bob")
    peer = await Peer.connected(server.url)
    try:
        assert await peer.upgrade(OPENED) == 101
        peer.say("40" + json.dumps({"token": alice.token}))
        await peer.heard(b'42["registration_success"')
        peer.say(goodbye)
        with pytest.raises(HungUpError):
            await peer.heard(b"nothing but the end")
        peer.write(frame(b"\x03\xe8", CLOSE))
        assert await asyncio.wait_for(peer.reader.read(), PATIENCE_SECONDS) == b""
        assert peer.writer.get_extra_info("socket").getsockopt(SOL_SOCKET, SO_ERROR) == 0
    finally:
        peer.cut()
    await api.devices(alice, bob, 0)


async def test_many_frames_at_once_are_answered_in_their_order(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await api.people("alice", "bob")
    async with raw_socket(server.url) as raw:
        await raw.register(alice)
        for number in range(300):
            body = {"recipientId": bob.id, "content": f"{number}"}
            event = ["send_message", body] if number % 10 else ["sync", {"conversations": {}}]
            await raw.send(f"42{number}" + json.dumps(event))
        acks = [await raw.receive("43") for _ in range(300)]
    assert all('"ok":true' in ack for ack in acks)
    (conversation,) = (await api.get("/conversations", alice))["items"]
    history = await api.history(alice, conversation["id"])
    assert [message["content"] for message in history] == [f"{n}" for n in range(300) if n % 10]
