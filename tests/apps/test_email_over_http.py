"""`PATCH /users/me` with another e-mail address."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.server import PASSWORD, Api, Person, ServerProcess, answered, refused

WRONG = "a wrong horse"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(folder, CHAT_RATE_LIMITS="on", CHAT_LOGINS_PER_ACCOUNT=4)
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def api(server: ServerProcess) -> AsyncIterator[Api]:
    async with Api(server.url) as api:
        yield api


async def change(api: Api, person: Person, **body: Any) -> httpx.Response:
    return await api.http.patch("/users/me", json=body, headers=person.bearer)


async def test_another_address_needs_the_password(api: Api) -> None:
    old, new = "ann.old@example.org", "ann.new@example.org"
    ann, bob = await api.person("ann", email=old), await api.person("bob")
    for email in (new, None, "Ann.Old@example.org"):
        for lacking in ({}, {"currentPassword": None}):
            problem = refused(await change(api, ann, email=email, **lacking), 422, "invalid")
            assert [error["field"] for error in problem["errors"]] == ["currentPassword"]
    refused(await change(api, ann, email=new, currentPassword=WRONG), 403, "wrong_password")
    refused(await change(api, bob, email=old, currentPassword=WRONG), 403, "wrong_password")
    refused(await change(api, bob, email=old, currentPassword=PASSWORD), 409, "email_taken")

    shown = answered(await change(api, ann, email=old, displayName="Ann"), 200)
    assert (shown["email"], shown["displayName"]) == (old, "Ann")
    shown = answered(await change(api, ann, email=new, currentPassword=PASSWORD), 200)
    assert shown["email"] == new
    shown = answered(await change(api, ann, email=None, currentPassword=PASSWORD), 200)
    assert (shown["email"], shown["displayName"]) == (None, "Ann")
    assert answered(await change(api, ann, displayName=None), 200)["displayName"] == ann.username
    assert answered(await change(api, ann, email=None), 200)["email"] is None


async def test_wrong_passwords_count_as_failed_log_ins(api: Api) -> None:
    eve = await api.person("eve")
    for _ in range(4):
        body = {"email": "eve@example.org", "currentPassword": WRONG}
        refused(await change(api, eve, **body), 403, "wrong_password")
    body = {"email": "eve@example.org", "currentPassword": PASSWORD}
    refused(await change(api, eve, **body), 429, "rate_limited")
    login = {"username": eve.username, "password": PASSWORD}
    refused(await api.http.post("/users/login", json=login), 429, "rate_limited")


async def test_an_account_without_a_password_gets_forbidden(folder: Path, api: Api) -> None:
    bot = await api.person("bot")
    with closing(sqlite3.connect(folder / "chat.db")) as database:
        database.execute("UPDATE users SET password_hash = '' WHERE id = ?", (bot.id,))
        database.commit()

    for body in ({"email": "bot@example.org"}, {"email": "b@c", "currentPassword": PASSWORD}):
        refused(await change(api, bot, **body), 403, "forbidden")
    new = {"currentPassword": PASSWORD, "newPassword": "battery staple"}
    changed = await api.http.put("/users/me/password", json=new, headers=bot.bearer)
    refused(changed, 403, "forbidden")
    gone = await api.http.request(
        "DELETE", "/users/me", json={"password": PASSWORD}, headers=bot.bearer
    )
    refused(gone, 403, "forbidden")
    assert answered(await change(api, bot, displayName="Bot"), 200)["displayName"] == "Bot"
