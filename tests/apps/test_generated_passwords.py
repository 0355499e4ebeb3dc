"""A password that `chat-server users` generated has to be changed at the first log-in."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from chat_client import ChatClient, PasswordChangeRequired
from chat_client.socketio_wire import SocketIoWire
from tests.support.command import command_beside
from tests.support.http_client import http_client
from tests.support.mongod import fresh_database
from tests.support.server import PASSWORD, Api, Person, ServerProcess, answered, confided, refused
from tests.support.socket_clients import SocketClients

CODE = "password_change_required"
ALLOWED = {("PUT", "/users/me/password"), ("POST", "/users/logout")}
GET_OWN = "/users/me"


@pytest.fixture(scope="module", params=["sqlite", "mongodb"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("server")
    url = f"sqlite:///{folder / 'chat.db'}"
    with ExitStack() as stack:
        if request.param == "mongodb":
            url = stack.enter_context(fresh_database())
        server = ServerProcess(folder, DATABASE_URL=url)
        asyncio.run(server.start())
        yield server
        asyncio.run(server.stop())


@pytest.fixture
async def api(server: ServerProcess) -> AsyncIterator[Api]:
    async with Api(server.url) as api:
        yield api


async def generated(server: ServerProcess, *command: str) -> str:
    """The password that a command of the operator made."""
    done = await command_beside(server, "users", *command, "--generate", "--json")
    assert done.code == 0, done.stderr
    password: str = json.loads(done.stdout)["password"]
    confided.add(password)
    return password


async def change(api: Api, person: Person, new: str) -> httpx.Response:
    body = {"currentPassword": person.password, "newPassword": new}
    return await api.http.put("/users/me/password", json=body, headers=person.bearer)


async def operations(server: ServerProcess) -> list[tuple[str, str]]:
    """Every call of the API, by method and path, with ids that nobody has."""
    async with http_client(server.url) as http:
        document = answered(await http.get("/schema/openapi.json"), 200)
    parts = [
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in document["paths"].items()
        if path.startswith("/api/v1")
        for method in methods
    ]
    return [(method, path.replace("{", "").replace("}", "")) for method, path in parts]


async def test_nothing_goes_before_a_generated_password_is_changed(
    server: ServerProcess, api: Api
) -> None:
    ann = await api.log_in("ann", await generated(server, "add", "ann"))
    names = await operations(server)
    assert len(names) > len(ALLOWED) + 10

    def ask(method: str, path: str, **more: Any) -> Any:
        body: dict[str, str] | None = None if method == "GET" else {}
        return api.http.request(method, path, json=body, **more)

    closed = [each for each in names if (await ask(*each)).status_code == 401]
    assert set(closed) > ALLOWED
    for method, path in closed:
        if (method, path) not in ALLOWED:
            refused(await ask(method, path, headers=ann.bearer), 403, CODE)
    refused(await change(api, ann, ann.password), 422, "invalid")
    refused(await api.http.get(GET_OWN, headers=ann.bearer), 403, CODE)

    assert (await change(api, ann, PASSWORD)).status_code == 204
    assert (await api.get(GET_OWN, ann))["username"] == "ann"


async def test_a_connection_registers_once_the_password_is_changed(
    server: ServerProcess, api: Api
) -> None:
    bob = await api.log_in("bob", await generated(server, "add", "bob"))
    async with SocketClients("py-websocket") as clients:
        phone = await clients.connect(server.url)
        ack = await phone.call("register_user", {"token": bob.token, "device": "phone"})
        assert ack["error"]["code"] == CODE
        (error,) = await phone.wait_for("auth_error")
        assert error["code"] == CODE

        assert (await change(api, bob, PASSWORD)).status_code == 204
        assert (await phone.call("register_user", {"token": bob.token}))["ok"]


async def test_a_refresh_goes_on_and_keeps_the_account_closed(
    server: ServerProcess, api: Api
) -> None:
    body = {"username": "cyd", "password": await generated(server, "add", "cyd")}
    login = answered(await api.http.post("/users/login", json=body), 200)
    body = {"refreshToken": login["refreshToken"]}
    refreshed = answered(await api.http.post("/users/refresh", json=body), 200)
    confided.update({login["token"], login["refreshToken"], refreshed["token"]})

    headers = {"Authorization": f"Bearer {refreshed['token']}"}
    refused(await api.http.get(GET_OWN, headers=headers), 403, CODE)
    assert (await api.http.post("/users/logout", headers=headers)).status_code == 204
    refused(await api.http.get(GET_OWN, headers=headers), 401, "session_revoked")


async def test_a_reset_asks_for_a_change_only_where_it_made_the_password(
    server: ServerProcess, api: Api
) -> None:
    eve = await api.person("eve")
    reset = await api.log_in(eve.username, await generated(server, "reset-password", eve.username))
    refused(await api.http.get(GET_OWN, headers=reset.bearer), 403, CODE)

    given = "battery staple\n"
    await command_beside(
        server, "users", "reset-password", eve.username, "--password-stdin", given=given
    )
    await api.get(GET_OWN, await api.log_in(eve.username, given.strip()))


async def test_a_client_in_python_says_what_to_do(server: ServerProcess, api: Api) -> None:
    bot = await api.log_in("bot", await generated(server, "add", "bot"))
    client = ChatClient(SocketIoWire(server.url))
    with pytest.raises(
        PasswordChangeRequired, match=r"PUT /api/v1/users/me/password.*--password-stdin"
    ):
        await client.start(bot.token)
    await client.stop()

    assert (await change(api, bot, PASSWORD)).status_code == 204
    assert (await client.start(bot.token))["userId"] == bot.id
    await client.stop()
