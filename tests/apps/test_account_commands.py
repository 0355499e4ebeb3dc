"""`chat-server users` and `sessions`, beside a server that runs on the same database."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chat_server.commands import chat_server
from chat_server.settings import variables_by_field
from tests.support.machine_speed import within
from tests.support.mongod import fresh_database
from tests.support.server import (
    COMMAND,
    PASSWORD,
    Api,
    ServerProcess,
    answered,
    refused,
)
from tests.support.socket_clients import SocketClient, SocketClients
from tests.support.terminal import Terminal

IN_TIME = 2.0
"""Seconds until what a command has ended is closed by the server that runs."""
NEW = "battery staple"


@pytest.fixture(scope="module", params=["sqlite", "mongodb"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server on which nobody signs up."""
    folder = tmp_path_factory.mktemp("server")
    url = f"sqlite:///{folder / 'chat.db'}"
    with ExitStack() as stack:
        if request.param == "mongodb":
            url = stack.enter_context(fresh_database())
        server = ServerProcess(folder, CHAT_SIGNUPS="off", DATABASE_URL=url)
        asyncio.run(server.start())
        yield server
        asyncio.run(server.stop())


@pytest.fixture
async def api(server: ServerProcess) -> AsyncIterator[Api]:
    async with Api(server.url) as api:
        yield api


@pytest.fixture
async def sockets() -> AsyncIterator[SocketClients]:
    async with SocketClients("py-websocket") as clients:
        yield clients


async def chat(server: ServerProcess, *arguments: str, given: str = "") -> Result:
    """Run the command in this process, which is another one than the server's."""
    runner = CliRunner(env=server.env)
    return await asyncio.to_thread(runner.invoke, chat_server, arguments, input=given)


async def told(server: ServerProcess, *arguments: str, given: str = "") -> Any:
    """What the command tells in JSON."""
    done = await chat(server, *arguments, "--json", given=given)
    assert done.exit_code == 0, done.stderr
    assert all(json.loads(line)["user_id"] for line in done.stderr.splitlines())
    return json.loads(done.stdout)


async def is_thrown_out(client: SocketClient, code: str) -> None:
    async def ended() -> None:
        (error,) = await client.wait_for("auth_error")
        assert error["code"] == code
        await client.wait_for("$disconnect")

    await within(IN_TIME, ended())


async def log_in(api: Api, username: str, password: str = PASSWORD) -> Any:
    return await api.http.post("/users/login", json={"username": username, "password": password})


async def test_an_account_is_made_disabled_and_enabled_while_the_server_runs(
    server: ServerProcess, api: Api, sockets: SocketClients
) -> None:
    refused(await api.http.post("/users", json={"username": "no", "password": PASSWORD}), 403,
            "signups_closed")  # fmt: skip
    for name in ("ann", "bob"):
        added = await told(server, "users", "add", name, "--password-stdin", given=PASSWORD + "\n")
        assert (added["username"], added["displayName"], "password" in added) == (name, name, False)
    login = answered(await log_in(api, "ann"), 200)
    ann, bob = await api.log_in("ann"), await api.log_in("bob")
    phone, bobs = await sockets.device(server.url, ann), await sockets.device(server.url, bob)

    done = await server.command("users", "disable", "ANN")
    await is_thrown_out(phone, "account_disabled")

    assert (done.returncode, done.stdout) == (0, "ann is disabled; 2 sessions ended.\n")
    refused(await api.http.get("/users/me", headers=ann.bearer), 401, "account_disabled")
    body = {"refreshToken": login["refreshToken"]}
    refused(await api.http.post("/users/refresh", json=body), 401, "account_disabled")
    refused(await log_in(api, "ann", "wrong horse"), 401, "invalid_credentials")
    refused(await log_in(api, "ann"), 401, "account_disabled")
    again = await sockets.connect(server.url)
    ack = await again.call("register_user", {"token": ann.token})
    assert ack["error"]["code"] == "account_disabled"
    assert (await api.get(f"/users/{ann.id}", bob))["username"] == "ann"
    sent = await api.send(bob, ann, "for when you are back")
    assert (await bobs.call("register_user", {"token": bob.token}))["ok"]

    enabled = await told(server, "users", "enable", "ann")
    assert enabled == {"id": ann.id, "username": "ann"}
    refused(await api.http.post("/users/refresh", json=body), 401, "session_revoked")
    back = await api.log_in("ann")
    history = await api.history(back, sent["conversationId"])
    assert [each["content"] for each in history] == ["for when you are back"]


async def test_a_password_is_reset_and_the_sessions_with_it(
    server: ServerProcess, api: Api, sockets: SocketClients
) -> None:
    added = await told(server, "users", "add", "cyd", "--email", "cyd@example.org", "--generate")
    cyd = await api.log_in("cyd", added["password"])
    changed = "the first own"
    body = {"currentPassword": cyd.password, "newPassword": changed}
    answer = await api.http.put("/users/me/password", json=body, headers=cyd.bearer)
    assert answer.status_code == 204
    phone = await sockets.device(server.url, cyd)

    given = f"{NEW}\n"
    done = await chat(
        server, "users", "reset-password", "cyd@example.org", "--password-stdin", given=given
    )
    await is_thrown_out(phone, "session_revoked")

    assert done.exit_code == 0
    assert done.stdout == "cyd has a new password; 1 session ended.\n"
    refused(await log_in(api, "cyd", changed), 401, "invalid_credentials")
    await api.log_in("cyd", NEW)


async def test_sessions_are_listed_and_ended_by_id_by_user_and_all(
    server: ServerProcess, api: Api, sockets: SocketClients
) -> None:
    for name in ("dan", "eve"):
        await told(server, "users", "add", name, "--password-stdin", given=PASSWORD + "\n")
    phone = await api.log_in("dan", device="phone")
    laptop, eve = await api.log_in("dan", device="laptop"), await api.log_in("eve")
    devices = [await sockets.device(server.url, each) for each in (phone, laptop, eve)]

    listed = await told(server, "sessions", "list", "--user", "dan")
    assert {each["device"]: each["id"] for each in listed} == {
        "phone": phone.session_id,
        "laptop": laptop.session_id,
    }
    assert await told(server, "sessions", "end", "--session", phone.session_id) == {
        "sessions": 1,
        "dryRun": False,
    }
    await is_thrown_out(devices[0], "session_revoked")
    done = await chat(server, "sessions", "end", "--session", phone.session_id)
    assert (done.exit_code, done.stderr) == (1, "There is no such session, or it has ended\n")

    (counted,) = [
        each["sessions"] for each in await told(server, "users", "list", "--query", "dan")
    ]
    assert counted == 1
    await told(server, "sessions", "end", "--user", "DAN")
    await is_thrown_out(devices[1], "session_revoked")
    answered(await api.http.get("/users/me", headers=eve.bearer), 200)

    would = await told(server, "sessions", "end", "--all", "--dry-run")
    answered(await api.http.get("/users/me", headers=eve.bearer), 200)
    assert await told(server, "sessions", "end", "--all", "--yes") == would | {"dryRun": False}
    await is_thrown_out(devices[2], "session_revoked")


async def test_all_accounts_are_listed(server: ServerProcess, api: Api) -> None:
    names = [f"fay{number}" for number in range(3)]
    for name in names:
        await told(server, "users", "add", name, "--password-stdin", given=PASSWORD + "\n")
    gone = await api.log_in(names[1])
    answer = await api.http.request(
        "DELETE", "/users/me", json={"password": PASSWORD}, headers=gone.bearer
    )
    assert answer.status_code == 204
    await told(server, "users", "disable", names[2])

    everybody = {each["id"]: each for each in await told(server, "users", "list")}
    assert list(everybody) == sorted(everybody)
    assert everybody[gone.id]["username"] is None
    assert everybody[gone.id]["deletedAt"] is not None
    named = await told(server, "users", "list", "--query", "FAY")
    assert [(each["username"], each["disabledAt"] is None) for each in named] == [
        (names[0], True),
        (names[2], False),
    ]
    lines = (await chat(server, "users", "list")).stdout.splitlines()
    assert [line.split()[1] for line in lines if "fay" in line or gone.id in line] == [
        "active",
        "deleted",
        "disabled",
    ]


# --------------------------------------------------------------------------- at a terminal

on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


@on_sqlite
async def test_a_typed_password_is_not_shown_and_is_asked_for_until_it_will_do(
    server: ServerProcess, api: Api, tmp_path: Path
) -> None:
    command = [COMMAND, "users", "add", "gus"]
    async with Terminal(command, tmp_path, os.environ | server.env) as terminal:
        await terminal.shows("New password: ")
        terminal.type("password1\n")
        await terminal.shows("Error: password: is too common")
        await terminal.shows("New password: ", times=2)
        terminal.type(f"{PASSWORD}\n")
        await terminal.shows("Again: ")
        terminal.type(f"{PASSWORD}\n")
        assert await terminal.ended() == 0
        await terminal.shows("gus is added.")

    assert PASSWORD not in terminal.shown
    await api.log_in("gus", PASSWORD)


async def test_ctrl_c_is_told_in_a_sentence(tmp_path: Path) -> None:
    async with Terminal([COMMAND, "users", "add", "bob"], tmp_path, os.environ) as terminal:
        await terminal.shows("New password: ")
        terminal.type("\x03")
        assert await terminal.ended() == 130
        await terminal.shows("Stopped.")
        assert "Traceback" not in terminal.shown
    assert list(tmp_path.iterdir()) == []


@on_sqlite
@pytest.mark.parametrize(
    ("answer", "says"), [("n", "Nothing has changed."), ("y", " of all users ended.")]
)
async def test_nobodys_session_ends_without_a_yes(
    server: ServerProcess, api: Api, tmp_path: Path, answer: str, says: str
) -> None:
    name = f"hal-{answer}"
    await told(server, "users", "add", name, "--password-stdin", given=PASSWORD + "\n")
    hal = await api.log_in(name)
    command = [COMMAND, "sessions", "end", "--all"]
    async with Terminal(command, tmp_path, os.environ | server.env) as terminal:
        await terminal.shows("End the sessions of all users? [y/N]: ")
        terminal.type(f"{answer}\n")
        assert await terminal.ended() == 0
        await terminal.shows(says)

    listed = await told(server, "sessions", "list", "--user", name)
    assert [each["id"] for each in listed] == ([hal.session_id] if answer == "n" else [])


# ------------------------------------------------------------------------ without a server


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with none of the settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in (*variables_by_field().values(), "NODE_ENV"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["users", "add", "al"], 1, "username: must be 3 to 32 letters"),
        (["users", "add", "ann"], 2, "Error: There is no terminal to prompt for the password"),
        (["users", "add", "ann", "--password-stdin"], 1, "password: must be 8 to 256 characters"),
        (
            ["users", "add", "ann", "--password-stdin", "--generate"],
            2,
            "Error: Use either --password-stdin or --generate, not both.",
        ),
        (["users", "disable", "ann"], 2, "DATABASE_URL: chat.db does not exist"),
        (["sessions", "end"], 2, "Error: Use exactly one of --user, --session and --all."),
        (["sessions", "end", "--all", "--user", "ann"], 2, "Error: Use exactly one of"),
        (["sessions", "end", "--all"], 2, "Error: There is no terminal to prompt for confirmation"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence_and_nothing_is_made(
    folder: Path, arguments: list[str], code: int, error: str
) -> None:
    done = CliRunner().invoke(chat_server, arguments, input="short\n")

    assert (done.exit_code, done.stdout) == (code, "")
    assert done.stderr.splitlines()[-1].startswith(error)
    assert list(folder.iterdir()) == []


def test_what_the_database_refuses_is_told_in_a_sentence(folder: Path) -> None:
    def chat(*arguments: str, **env: str) -> tuple[int, str, str]:
        done = CliRunner().invoke(chat_server, arguments, env=env)
        return done.exit_code, done.stdout, done.stderr

    assert chat("users", "add", "ann", "--generate")[0] == 0
    for arguments in (["users", "enable", "bob"], ["users", "reset-password", "bob"]):
        assert chat(*arguments) == (1, "", "There is no such user\n")
    assert chat("users", "add", "ANN", "--generate") == (1, "", "The username is already taken\n")
    code, _, error = chat("users", "list", DATABASE_URL="memory://")
    assert (code, error.startswith("DATABASE_URL: memory://")) == (2, True)
    (folder / "chat.db").write_bytes(b"something else" * 999)
    code, shown, error = chat("users", "list")
    assert (code, shown) == (2, "")
    assert error.startswith("DATABASE_URL: The database chat.db can't be opened")
