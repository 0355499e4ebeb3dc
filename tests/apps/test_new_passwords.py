"""The rules for new passwords, at every place where one is set."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import command_beside
from tests.support.server import PASSWORD, Api, ServerProcess, refused

HOST = "chat.example.org"
TOO_EASY = ["Chat.Example.ORG", "abcdabcd", "abcde\u0301fg", "e\u0301" * 300]
"""A host of the service, four characters, seven in NFC, and too long in it."""
COMPOSED, DECOMPOSED = "caf\u00e9 au lait", "cafe\u0301 au lait"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(
        folder, CHAT_HOSTS=f"127.0.0.1,{HOST}", DATABASE_URL=f"sqlite:///{folder / 'chat.db'}"
    )
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def api(server: ServerProcess) -> AsyncIterator[Api]:
    async with Api(server.url) as api:
        yield api


def named(problem: Any) -> list[str]:
    return [error["field"] for error in problem["errors"]]


@pytest.mark.parametrize("password", TOO_EASY)
async def test_a_password_that_is_easily_guessed_is_refused_wherever_it_is_set(
    server: ServerProcess, api: Api, password: str
) -> None:
    body = {"username": "somebody.new", "password": password}
    signing_up = await api.http.post("/users", json=body)
    assert named(refused(signing_up, 422, "invalid")) == ["password"]

    alice = await api.person("alice")
    body = {"currentPassword": PASSWORD, "newPassword": password}
    changing = await api.http.put("/users/me/password", json=body, headers=alice.bearer)
    assert named(refused(changing, 422, "invalid")) == ["newPassword"]

    for command in (("add", "bob"), ("reset-password", alice.username)):
        done = await command_beside(
            server, "users", *command, "--password-stdin", given=password + "\n"
        )
        assert (done.code, done.stdout) == (1, "")
        assert done.stderr.startswith("password: must")
    await api.log_in(alice.username)


async def test_a_password_is_taken_as_any_keyboard_composes_it(
    server: ServerProcess, api: Api
) -> None:
    names = [(await api.person("zoe")).username, "zoe-by-the-operator"]
    given = DECOMPOSED + "\n"
    zoe = await api.log_in(names[0])
    body = {"currentPassword": PASSWORD, "newPassword": DECOMPOSED}
    changed = await api.http.put("/users/me/password", json=body, headers=zoe.bearer)
    assert changed.status_code == 204
    await command_beside(server, "users", "add", names[1], "--password-stdin", given=given)
    for name in names:
        for typed in (COMPOSED, DECOMPOSED):
            await api.log_in(name, typed)

    given = COMPOSED[::-1] + "\n"
    await command_beside(
        server, "users", "reset-password", names[0], "--password-stdin", given=given
    )
    await api.log_in(names[0], COMPOSED[::-1])
