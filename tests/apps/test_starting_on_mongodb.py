"""A MongoDB that will not do: the start says in a line what is wrong, and what to do.

The other reasons are in tests/adapters/test_mongo_database.py.
"""

import asyncio
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from tests.support.machine_speed import within
from tests.support.mongod import Mongod, ReplicaSet, fresh_database
from tests.support.ports import free_port
from tests.support.server import RUN, SECRET, Api, ServerProcess
from tests.support.waiting import eventually

PASSWORD = "a-password-of-nobody"
SOON_SECONDS = 2


async def refusal(folder: Path, url: str) -> str:
    """What `chat-server run` says, and nothing else, before it exits with 2."""
    (line,) = await said(folder, url, code=2)
    assert line.startswith("DATABASE_URL: ")
    return line


async def said(folder: Path, url: str, *, code: int) -> list[str]:
    """What `chat-server run` says before it exits with that code."""
    process = await asyncio.create_subprocess_exec(
        *RUN,
        cwd=folder,
        env={
            "PATH": str(Path(sys.executable).parent),
            "JWT_SECRET": SECRET,
            "DATABASE_URL": url,
            "CHAT_DATABASE_WAIT_SECONDS": "2",
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, text = await process.communicate()
    assert process.returncode == code, text.decode()
    assert PASSWORD not in text.decode()
    assert "Traceback" not in text.decode()
    return text.decode().splitlines()


async def test_nothing_listens_there(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    *waits, why, what_to_do = await said(
        tmp_path, f"mongodb://chat:{PASSWORD}@{address}/chat", code=1
    )
    assert [line.partition("] ")[2] for line in waits] == [
        f"waiting for the database mongodb://chat:***@{address}/chat: 1 of 2 seconds"
    ]
    assert "did not answer within 2 seconds" in why
    assert f"no primary of a replica set answers at {address}" in why
    assert "check that it is running" in why
    assert "CHAT_DATABASE_WAIT_SECONDS" in what_to_do


@pytest.mark.parametrize("hangs", [False, True], ids=["gone", "hanging"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_wait_at_once(
    tmp_path: Path, number: signal.Signals, *, hangs: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # it takes connections, and says nothing
        address = f"127.0.0.1:{deaf.getsockname()[1] if hangs else free_port()}"
        server = ServerProcess(tmp_path, DATABASE_URL=f"mongodb://{address}/chat")
        server.spawn()
        await eventually(lambda: "waiting for the database" in server.log)
        server.signal(number)
        assert await within(SOON_SECONDS, server.ended()) == 0
    assert "stopped while waiting for the database" in server.log
    assert "Traceback" not in server.log


async def test_a_database_that_comes_late_is_waited_for(tmp_path: Path) -> None:
    with ReplicaSet(tmp_path / "set") as servers:
        (database,) = servers.members
        await asyncio.to_thread(database.kill)
        server = ServerProcess(tmp_path, DATABASE_URL=servers.url("chat"))
        starting = asyncio.create_task(server.start())
        await eventually(lambda: (tmp_path / "server.log").exists() and "waiting for" in server.log)
        await asyncio.to_thread(database.start)
        await starting
        async with Api(server.url) as api:
            assert (await api.person("alice")).id
        await server.stop()


async def test_a_mongod_that_stands_alone(tmp_path: Path) -> None:
    mongod = Mongod(tmp_path / "mongod", replica_set=False)
    mongod.start()
    try:
        line = await refusal(tmp_path, f"mongodb://{mongod.address}/chat")
    finally:
        mongod.kill()
    assert "--replSet" in line
    assert "rs.initiate()" in line


async def test_a_wrong_password(tmp_path: Path) -> None:
    with fresh_database() as url:
        line = await refusal(tmp_path, url.replace("://", f"://chat:{PASSWORD}@"))
    assert "may not do this: Authentication failed" in line


async def test_a_database_of_a_newer_version(tmp_path: Path) -> None:
    with fresh_database() as url:
        with MongoClient[dict[str, Any]](url) as client:
            client.get_default_database()["chat_meta"].insert_one({"_id": "schema", "version": 99})
        line = await refusal(tmp_path, url)
    assert "schema version 99" in line
    assert "upgrade chat-core" in line
