"""What goes wrong shows in a metric and in readiness, and what docs/operations.md says mends it."""

import asyncio
import contextlib
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.support import odd_server
from tests.support.http_client import http_client
from tests.support.live_socket import live_socket
from tests.support.metrics import scraped, value
from tests.support.mongod import Mongod, ReplicaSet
from tests.support.server import Api, Person, ServerProcess, answered, refused
from tests.support.waiting import eventually

ODD = (sys.executable, odd_server.__file__, "run")
ROOM = 131_072


async def readiness(url: str) -> tuple[int, Any]:
    """The status of the answer, and its JSON."""
    async with http_client() as http:
        answer = await http.get(f"{url}/health/ready")
    return answer.status_code, answer.json()


async def is_ready(url: str) -> bool:
    return (await readiness(url))[0] == 200


# ------------------------------------------------------------------------------------------- kill
async def test_a_kill_shows_in_silence_and_a_new_start_is_all_that_it_takes(
    tmp_path: Path,
) -> None:
    async with ServerProcess(tmp_path) as server:
        async with Api(server.url) as api:
            alice, bob = await api.people("alice", "bob")
            async with live_socket(server.url, alice):
                message = await api.send(alice, bob, "hi")
                first = value(await scraped(server.url), "process_start_time_seconds")
                server.kill()
        for path in ("/metrics", "/health/ready"):
            async with http_client() as http:
                with pytest.raises(httpx.ConnectError):
                    await http.get(f"{server.url}{path}")

        await server.restart()
        second = value(await scraped(server.url), "process_start_time_seconds")
        assert second > first
        assert await readiness(server.url) == (200, {"status": "ok", "down": [], "warnings": []})
        async with Api(server.url) as api:
            (stored,) = await api.history(bob, message["conversationId"])
            assert stored["id"] == message["id"]
            presence = await api.presence(alice, bob)
            assert (presence["online"], presence["devices"]) == (False, 0)
            assert (await api.send(bob, alice, "back"))["seq"] == 2


# -------------------------------------------------------------------------------------- disk full
def mount(*command: str) -> None:
    """Mount a disk, or unmount it."""
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def a_small_disk(folder: Path) -> Iterator[Path]:
    """A disk of two megabytes, which only root may mount."""
    folder.mkdir()
    try:
        mount("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder))
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a disk of its own")
    try:
        yield folder
    finally:
        mount("umount", str(folder))


@asynccontextmanager
async def sending(api: Api, sender: Person, to: Person) -> AsyncIterator[list[Any]]:
    """Send until the disk is full: what was stored."""
    stored: list[Any] = []

    async def is_full() -> bool:
        body = {
            "recipientId": to.id,
            "content": f"{len(stored)} " + "x" * 4000,
            "clientMessageId": f"{len(stored)}",
        }
        answer = await api.post("/messages", sender, body)
        if answer.status_code == 503:
            refused(answer, 503, "unavailable")
            return True
        stored.append(answered(answer, 201))
        return False

    await eventually(is_full)
    yield stored
    again = await api.post(
        "/messages",
        sender,
        {
            "recipientId": to.id,
            "content": f"{len(stored)} " + "x" * 4000,
            "clientMessageId": f"{len(stored)}",
        },
    )
    assert answered(again, 201)["seq"] == len(stored) + 1


async def check_that_a_full_disk_is_seen(server: ServerProcess, api: Api, bob: Person) -> None:
    status, answer = await readiness(server.url)
    assert (status, answer["down"]) == (503, ["database"])
    series = await scraped(server.url)
    assert value(series, "chat_ready", part="database") == 0
    assert value(series, "chat_database_failures_total", work="commit") >= 1
    assert value(series, "chat_messages_total", result="refused_unavailable") >= 1
    assert (await api.get("/conversations", bob))["items"]  # reading goes on


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the files of others")
async def test_a_file_that_may_not_grow_is_seen_and_room_is_all_that_it_takes(
    tmp_path: Path,
) -> None:
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        alice, bob = await api.people("alice", "bob")
        await api.send(alice, bob, "before")
        largest = max(each.stat().st_size for each in tmp_path.iterdir())
        before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (largest + ROOM, before[1]))
        carol = await api.person("carol")
        async with sending(api, carol, bob):
            await check_that_a_full_disk_is_seen(server, api, bob)

            resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)
            await eventually(lambda: is_ready(server.url))
        assert value(await scraped(server.url), "chat_ready", part="database") == 1
        assert "Traceback" not in server.log


@pytest.mark.prove
async def test_a_full_disk_is_seen_and_room_is_all_that_it_takes(tmp_path: Path) -> None:
    with a_small_disk(tmp_path / "disk") as disk:
        url = f"sqlite:///{disk}/chat.db"
        async with ServerProcess(tmp_path, DATABASE_URL=url) as server, Api(server.url) as api:
            ballast = disk / "something else"
            ballast.write_bytes(b"x" * 700_000)
            alice, bob = await api.people("alice", "bob")
            async with sending(api, alice, bob):
                await check_that_a_full_disk_is_seen(server, api, bob)
                assert value(await scraped(server.url), "chat_disk_free_bytes") < 1_048_576

                mount("mount", "-o", "remount,size=8m", str(disk))
                await eventually(lambda: is_ready(server.url))
            assert value(await scraped(server.url), "chat_ready", part="database") == 1
            assert "Traceback" not in server.log
            await server.stop()


# ---------------------------------------------------------------------------------- database gone
@pytest.mark.prove
async def test_a_database_that_is_gone_is_seen_and_its_start_is_all_that_it_takes(
    tmp_path: Path,
) -> None:
    with ReplicaSet(tmp_path / "set") as servers:
        (database,) = servers.members
        async with (
            ServerProcess(tmp_path, DATABASE_URL=servers.url("chat")) as server,
            Api(server.url) as api,
        ):
            alice, bob = await api.people("alice", "bob")
            await api.send(alice, bob, "before")
            await asyncio.to_thread(Mongod.kill, database)
            await eventually(lambda: _is_seen(server.url))
            body = {"recipientId": bob.id, "content": "during", "clientMessageId": "1"}
            refused(await api.post("/messages", alice, body), 503, "unavailable")
            series = await scraped(server.url)
            assert value(series, "chat_database_failures_total", work="call") >= 1
            assert value(series, "chat_revocations_age_seconds") > 2

            await asyncio.to_thread(database.start)
            await eventually(lambda: is_ready(server.url))
            assert value(await scraped(server.url), "chat_ready", part="database") == 1
            assert answered(await api.post("/messages", alice, body), 201)["seq"] == 2


async def _is_seen(url: str) -> bool:
    status, answer = await readiness(url)
    series = await scraped(url)
    down = {
        part for part in ("database", "revocations") if not value(series, "chat_ready", part=part)
    }
    return status == 503 and set(answer["down"]) == down == {"database", "revocations"}


# ------------------------------------------------------------------------------------- clock jump
async def test_a_clock_that_jumps_is_seen_and_clients_go_on_by_themselves(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, ODD) as server, Api(server.url) as api:
        login = await _log_in(api, (await api.person("alice")).username)
        bob = await api.person("bob")
        for direction, status_of_old in (("ahead", 401), ("back", 200)):
            assert (await api.http.get("/users/me", headers=_bearer(login))).status_code == 200
            server.signal(signal.SIGUSR1)
            await eventually(lambda: _has_jumped(server.url, direction))  # noqa: B023
            status, answer = await readiness(server.url)
            assert (status, answer["warnings"]) == (200, ["clock"])

            # Whatever became of the token, a refresh token is all that a client needs.
            old = await api.http.get("/users/me", headers=_bearer(login))
            assert old.status_code == status_of_old
            body = {"refreshToken": login["refreshToken"]}
            login = answered(await api.http.post("/users/refresh", json=body), 200)
            message = {"recipientId": bob.id, "content": direction}
            sent = await api.http.post("/messages", json=message, headers=_bearer(login))
            assert answered(sent, 201)
        series = await scraped(server.url)
        assert abs(value(series, "chat_clock_offset_seconds")) < 1
        assert "the clock jumped by +3600" in server.log
        assert "the clock jumped by -3600" in server.log


async def test_a_clock_that_jumps_ahead_costs_no_connection_before_it_is_used(
    tmp_path: Path,
) -> None:
    """Pings and deadlines go by the monotonic clock."""
    async with ServerProcess(tmp_path, ODD) as server, Api(server.url) as api:
        alice, bob = await api.people("alice", "bob")
        async with live_socket(server.url, alice) as live:
            server.signal(signal.SIGUSR1)
            await eventually(lambda: _has_jumped(server.url, "ahead"))
            assert live.is_connected
            fresh = await api.log_in(bob.username)
            await api.send(fresh, alice, "still there?")
            await live.wait_for("new_message", content="still there?")
            with contextlib.suppress(ConnectionClosed):
                await live.call("sync", {"conversations": {}})
            await live.wait_for("auth_error", code="token_expired")


async def _has_jumped(url: str, direction: str) -> bool:
    return value(await scraped(url), "chat_clock_jumps_total", direction=direction) == 1


async def _log_in(api: Api, username: str) -> Any:
    body = {"username": username, "password": "correct horse battery"}
    return answered(await api.http.post("/users/login", json=body), 200)


def _bearer(login: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {login['token']}"}
