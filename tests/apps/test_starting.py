"""Starting the service as a process, with good settings and with bad ones."""

import asyncio
import re
import sqlite3
from pathlib import Path

import pytest

from chat_server import open_files
from tests.support.server import RUN, Api, ServerProcess
from tests.support.stuck import held
from tests.support.waiting import eventually

ORIGINAL = "PORT=0\nDATABASE_URL=sqlite:///chat.db\nJWT_SECRET={secret}\nNODE_ENV={env}\n"
SECRET = "a secret that the original had, too"


class FromFile(ServerProcess):
    """Started with nothing in its environment: all it knows is its `.env`."""

    def __init__(self, folder: Path, text: str) -> None:
        super().__init__(folder)
        self._settings = {}
        (folder / ".env").write_text(text)


@pytest.mark.parametrize("env", ["development", "production"])
async def test_an_env_file_of_the_original_starts_it(tmp_path: Path, env: str) -> None:
    async with FromFile(tmp_path, ORIGINAL.format(secret=SECRET, env=env)) as server:
        async with Api(server.url) as api:
            alice, bob = await api.people("alice", "bob")
            assert (await api.send(alice, bob, "hi"))["seq"] == 1
            problem = (await api.http.get("/users/me")).json()
        assert ("stack" in problem) is (env == "development")
    with sqlite3.connect(tmp_path / "chat.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (ORIGINAL.format(secret="short", env="production"), "JWT_SECRET"),
        (ORIGINAL.format(secret="short", env="development"), "JWT_SECRET"),
        (ORIGINAL.format(secret="", env="production"), "JWT_SECRET"),
        (ORIGINAL.format(secret=SECRET, env="production") + "CORS_ORIGINS=*\n", "CORS_ORIGINS"),
        (ORIGINAL.format(secret=SECRET, env="development") + "CHAT_FRAME_BYTES=1\n", "CHAT_FRAME"),
        ("NODE_ENV=production\nDATABASE_URL=memory://\n", "DATABASE_URL"),
        (
            f"PORT=0\nJWT_SECRET={SECRET}\nDATABASE_URL=sqlite:////no/such/folder/x\n",
            "DATABASE_URL",
        ),
    ],
    ids=lambda value: value if "\n" not in value else "",
)
async def test_a_setting_that_will_not_do_is_named_and_nothing_starts(
    tmp_path: Path, text: str, named: str
) -> None:
    server = FromFile(tmp_path, text)
    server.spawn()
    assert await server.ended() == 2
    assert named in server.log
    assert "Traceback" not in server.log
    assert SECRET not in server.log


async def test_a_port_in_use_is_told_in_a_sentence(tmp_path: Path) -> None:
    (first_folder := tmp_path / "first").mkdir()
    (second_folder := tmp_path / "second").mkdir()
    async with ServerProcess(first_folder) as first:
        second = ServerProcess(second_folder, PORT=first.url.rpartition(":")[2])
        second.spawn()
        assert await second.ended() != 0
        assert "Traceback" not in second.log
        assert "in use" in second.log
        async with Api(first.url) as api:
            assert (await api.person("alice")).id


async def test_a_file_that_another_process_holds_is_waited_for(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path)
    with held(tmp_path / "chat.db") as other:
        starting = asyncio.create_task(server.start())
        await eventually(lambda: (tmp_path / "server.log").exists() and "waiting for" in server.log)
        other.execute("ROLLBACK")
    await starting
    assert "waiting for the database sqlite:///chat.db: " in server.log
    await server.stop()


async def test_a_file_that_another_process_does_not_let_go_ends_the_start(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, CHAT_DATABASE_WAIT_SECONDS=1)
    with held(tmp_path / "chat.db"):
        server.spawn()
        assert await server.ended() == 1
    assert "did not answer within 1 seconds: The database chat.db can't be opened" in server.log
    assert "Traceback" not in server.log


async def test_a_second_start_without_a_secret_takes_the_first_ones(tmp_path: Path) -> None:
    async with FromFile(tmp_path, "PORT=0\n") as server:
        async with Api(server.url) as api:
            alice = await api.person("alice")
        await server.restart()
        async with Api(server.url) as api:
            assert (await api.get("/users/me", alice))["id"] == alice.id
    assert (tmp_path / ".chat-jwt-secret").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(("hard", "is_enough"), [(1000, True), (100, False)])
async def test_it_asks_for_as_many_open_files_as_connections_take(
    tmp_path: Path, hard: int, *, is_enough: bool
) -> None:
    shell = f'ulimit -Sn 90; ulimit -Hn {hard}; exec "$0" run'
    server = ServerProcess(tmp_path, ("bash", "-c", shell, RUN[0]), CHAT_CONNECTIONS=500)
    async with server:
        limits = Path(f"/proc/{server.pid}/limits").read_text()
        (soft,) = re.findall(r"Max open files +(\d+)", limits)
        assert int(soft) == min(500 + open_files.SPARE, hard)
        assert ("too few for CHAT_CONNECTIONS=500" in server.log) is not is_enough
