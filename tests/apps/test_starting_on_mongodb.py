"""A MongoDB that will not do: the start says in a line what is wrong, and what to do.

The other reasons are in tests/adapters/test_mongo_database.py.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from tests.support.mongod import Mongod, free_port, fresh_database
from tests.support.server import RUN, SECRET

PASSWORD = "a-password-of-nobody"


async def refusal(folder: Path, url: str) -> str:
    """What `chat-server run` says, and nothing else, before it exits with 2."""
    process = await asyncio.create_subprocess_exec(
        *RUN,
        cwd=folder,
        env={"PATH": str(Path(sys.executable).parent), "JWT_SECRET": SECRET, "DATABASE_URL": url},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        _, said = await process.communicate()
    assert process.returncode == 2, said.decode()
    (line,) = said.decode().splitlines()
    assert line.startswith("DATABASE_URL: ")
    assert PASSWORD not in line
    return line


async def test_nothing_listens_there(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    line = await refusal(tmp_path, f"mongodb://chat:{PASSWORD}@{address}/chat")
    assert f"no primary of a replica set answers at {address}" in line
    assert "is it running" in line


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
            client.get_default_database()["chat_meta"].insert_one({"_id": "schema", "version": 2})
        line = await refusal(tmp_path, url)
    assert "schema version 2" in line
    assert "upgrade chat-core" in line
