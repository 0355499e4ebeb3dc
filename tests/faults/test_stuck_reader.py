"""A client that stops reading: it is cut off at its bound, and costs nobody else anything."""

import json
import sys
from pathlib import Path

import pytest

from tests.support.metrics import scraped, value
from tests.support.raw_socket import deaf_socket, raw_socket
from tests.support.server import PLAIN_ASGI, RUN, Api, ServerProcess
from tests.support.waiting import eventually


@pytest.mark.parametrize(
    "bound",
    [{"CHAT_OUTBOUND_PACKETS": 50}, {"CHAT_OUTBOUND_BYTES": 100_000}],
    ids=str,
)
async def test_who_reads_nothing_is_cut_off_and_the_others_get_everything(
    tmp_path: Path, bound: dict[str, int]
) -> None:
    async with ServerProcess(tmp_path, **bound) as server, Api(server.url) as api:
        alice, bob = await api.people("alice", "bob")
        async with (
            raw_socket(server.url) as sending,
            raw_socket(server.url) as reading,
            deaf_socket(server.url, bob),
        ):
            await sending.register(alice)
            await reading.register(bob)
            assert (await api.presence(bob, alice))["devices"] == 2
            sent = 0

            async def is_cut_off() -> bool:
                nonlocal sent
                for _ in range(50):
                    body = {"recipientId": bob.id, "content": f"{sent} " + "x" * 4000}
                    await sending.send(f"42{sent}" + json.dumps(["send_message", body]))
                    sent += 1
                for _ in range(50):
                    assert '"ok":true' in await sending.receive("43")
                return bool((await api.presence(bob, alice))["devices"] == 1)

            await eventually(is_cut_off)
            for _ in range(sent):
                await reading.receive('42["new_message"')
        seqs = [message["seq"] for message in reading.heard("new_message")]
        assert seqs == list(range(1, sent + 1))
        await api.devices(bob, alice, 0)
        assert value(await scraped(server.url), "chat_cut_offs_total") == 1
        assert "Traceback" not in server.log


@pytest.mark.parametrize("command", [RUN, PLAIN_ASGI], ids=["direct", "plain ASGI"])
async def test_what_waits_for_all_clients_together_is_bounded(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """Neither of two readers that stopped is past its own bound, but together they are."""
    server = ServerProcess(
        tmp_path,
        command,
        CHAT_MESSAGE_BYTES=50_000,
        CHAT_OUTBOUND_BYTES=100_000_000,
        CHAT_OUTBOUND_TOTAL_BYTES=1_000_000,
    )
    async with server, Api(server.url) as api:
        alice, bob = await api.people("alice", "bob")
        async with (
            raw_socket(server.url) as sending,
            raw_socket(server.url) as reading,
            deaf_socket(server.url, bob),
            deaf_socket(server.url, bob),
        ):
            await sending.register(alice)
            await reading.register(bob)
            await api.devices(bob, alice, 3)
            sent = 0
            for sent in range(200):  # ten megabytes for each, of which the kernel takes some
                body = {"recipientId": bob.id, "content": "x" * 50_000}
                await sending.send(f"42{sent}" + json.dumps(["send_message", body]))
                assert '"ok":true' in await sending.receive("43")
            await api.devices(bob, alice, 1)
            for _ in range(sent + 1):
                await reading.receive('42["new_message"')
        assert value(await scraped(server.url), "chat_cut_offs_total") == 2
        assert "Traceback" not in server.log


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which sockets are open")
async def test_who_reads_nothing_holds_no_tcp_connection_either(tmp_path: Path) -> None:
    async with (
        ServerProcess(tmp_path, CHAT_OUTBOUND_BYTES=100_000) as server,
        Api(server.url) as api,
        raw_socket(server.url) as sending,
    ):
        alice, bob = await api.people("alice", "bob")
        await sending.register(alice)
        others = server.sockets
        async with deaf_socket(server.url, bob):
            (held,) = server.sockets - others
            body = json.dumps(["send_message", {"recipientId": bob.id, "content": "x" * 4000}])

            async def let_go() -> bool:
                for number in range(50):
                    await sending.send(f"42{number}{body}")
                for _ in range(50):
                    await sending.receive("43")
                return held not in server.sockets

            await eventually(let_go)
        assert "Traceback" not in server.log


async def test_who_reads_slowly_but_reads_is_not_cut_off(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        alice, bob = await api.people("alice", "bob")
        async with raw_socket(server.url) as reading, raw_socket(server.url) as sending:
            await reading.register(bob)
            await sending.register(alice)
            body = json.dumps(["send_message", {"recipientId": bob.id, "content": "x" * 4000}])
            for _ in range(20):
                for number in range(20):
                    await sending.send(f"42{number}{body}")
                for _ in range(20):
                    assert '"ok":true' in await sending.receive("43")
                for _ in range(20):
                    await reading.receive('42["new_message"')
        seqs = [message["seq"] for message in reading.heard("new_message")]
        assert seqs == list(range(1, 401))
