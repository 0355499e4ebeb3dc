"""Sessions that last, and sessions that end: over HTTP, and on live sockets within two seconds."""

import asyncio
import base64
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.machine_speed import within
from tests.support.metrics import scraped, value
from tests.support.raw_socket import raw_socket
from tests.support.server import PASSWORD, SECRET, Api, Person, ServerProcess, answered, refused
from tests.support.socket_clients import SocketClient, SocketClients, caught_up, heard

IN_TIME = 2.0
"""Seconds until the sockets of an ended session are closed."""


async def log_in(api: Api, person: Person, **more: str) -> Any:
    body = {"username": person.username, "password": PASSWORD, **more}
    return answered(await api.http.post("/users/login", json=body), 200)


def bearer(login: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {login['token']}"}


async def device(clients: SocketClients, url: str, login: Any) -> SocketClient:
    client = await clients.connect(url)
    assert (await client.call("register_user", {"token": login["token"]}))["ok"]
    return client


async def refresh(api: Api, token: str) -> Any:
    return await api.http.post("/users/refresh", json={"refreshToken": token})


async def is_thrown_out(client: SocketClient) -> None:
    async def ended() -> None:
        (error,) = await client.wait_for("auth_error")
        assert error["code"] == "session_revoked"
        await client.wait_for("$disconnect")

    await within(IN_TIME, ended())


@pytest.mark.mongodb
@pytest.mark.parametrize("how", ["logout", "end session", "new password", "refresh reuse"])
async def test_the_sockets_of_an_ended_session_are_closed_and_no_others(
    server: ServerProcess, api: Api, clients: SocketClients, how: str
) -> None:
    ann = await api.person("ann")
    ending, staying = [await log_in(api, ann) for _ in range(2)]
    thrown_out = [await device(clients, server.url, ending) for _ in range(2)]
    stays = await device(clients, server.url, staying)

    match how:
        case "logout":
            done = await api.http.post("/users/logout", headers=bearer(ending))
        case "end session":
            path = f"/sessions/{ending['sessionId']}"
            done = await api.http.delete(path, headers=bearer(staying))
        case "new password":
            body = {"currentPassword": PASSWORD, "newPassword": "another horse"}
            done = await api.http.put("/users/me/password", json=body, headers=bearer(staying))
        case _:
            answered(await refresh(api, ending["refreshToken"]), 200)
            second = answered(await refresh(api, ending["refreshToken"]), 200)
            answered(await refresh(api, second["refreshToken"]), 200)
            done = await refresh(api, ending["refreshToken"])
            refused(done, 401, "refresh_reused")
            refused(await refresh(api, second["refreshToken"]), 401, "session_revoked")
    assert done.status_code in {204, 401}

    await asyncio.gather(*(is_thrown_out(client) for client in thrown_out))
    refused(await api.http.get("/users/me", headers=bearer(ending)), 401, "session_revoked")
    again = await clients.connect(server.url)
    ack = await again.call("register_user", {"token": ending["token"]})
    assert ack["error"]["code"] == "session_revoked"
    answered(await api.http.get("/users/me", headers=bearer(staying)), 200)
    ack = await stays.call("register_user", {"token": staying["token"]})
    assert ack["ok"]
    assert heard(stays, "auth_error") == []


async def test_a_lost_answer_can_be_asked_for_again_and_replaces_the_first(api: Api) -> None:
    ann = await api.person("ann")
    login = await log_in(api, ann)
    lost = answered(await refresh(api, login["refreshToken"]), 200)
    again = answered(await refresh(api, login["refreshToken"]), 200)
    assert len({each["refreshToken"] for each in (login, lost, again)}) == 3
    assert {each["sessionId"] for each in (login, lost, again)} == {login["sessionId"]}
    refused(await refresh(api, lost["refreshToken"]), 401, "refresh_reused")


@pytest.mark.mongodb
async def test_of_twenty_refreshes_with_one_token_at_once_all_are_answered_and_none_is_stored(
    tmp_path: Path,
) -> None:
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        login = await log_in(api, await api.person("ann"))
        token = login["refreshToken"]
        answers = await asyncio.gather(*(refresh(api, token) for _ in range(20)))
        tokens = {answered(each, 200)["refreshToken"] for each in answers}
        assert len(tokens) == 20
        again = answered(await refresh(api, token), 200)["refreshToken"]
        for _ in range(30):
            again = answered(await refresh(api, again), 200)["refreshToken"]
        refused(await refresh(api, token), 401, "refresh_reused")
    with closing(sqlite3.connect(tmp_path / "chat.db")) as connection:
        assert connection.execute("SELECT count(*) FROM refresh_tokens").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM sessions").fetchone() == (2,)


async def test_text_that_is_no_refresh_token_is_refused(api: Api) -> None:
    refused(await refresh(api, "no such token"), 401, "token_invalid")


async def test_a_connection_lives_on_with_a_newer_token_of_its_session(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    ann = await api.person("ann")
    login = await log_in(api, ann)
    client = await device(clients, server.url, login)
    renewed = answered(await refresh(api, login["refreshToken"]), 200)
    ack = await client.call("register_user", {"token": renewed["token"]})
    assert (ack["ok"], ack["devices"], ack["expiresAt"]) == (True, 1, renewed["expiresAt"])


@pytest.mark.mongodb
async def test_sessions_are_listed_with_what_is_current_and_online(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    ann = await api.person("ann")
    phone = await log_in(api, ann, device="phone")
    laptop = await log_in(api, ann, device="laptop")
    client = await device(clients, server.url, phone)
    answer = await api.http.get("/sessions", headers=bearer(laptop))
    page = answered(answer, 200)
    shown = {each["device"]: (each["current"], each["online"]) for each in page["items"]}
    assert shown["phone"] == (False, True)
    assert shown["laptop"] == (True, False)
    assert page["nextCursor"] is None
    await caught_up(client, Person(ann.id, ann.username, phone["token"], phone["sessionId"]))
    stranger = await api.person("stranger")
    path = f"/sessions/{phone['sessionId']}"
    refused(await api.http.delete(path, headers=stranger.bearer), 404, "not_found")


async def test_a_session_is_listed_with_where_its_latest_refresh_came_from(tmp_path: Path) -> None:
    async with (
        ServerProcess(tmp_path, CHAT_TRUSTED_PROXIES=1) as server,
        Api(server.url) as api,
    ):
        ann = await api.person("ann")

        async def listed() -> tuple[str | None, str | None]:
            page = answered(await api.http.get("/sessions", headers=ann.bearer), 200)
            shown = {each["id"]: (each["address"], each["userAgent"]) for each in page["items"]}
            return shown[login["sessionId"]]

        api.http.headers.update({"X-Forwarded-For": "[2001:DB8::1]:443", "User-Agent": "a phone"})
        login = await log_in(api, ann)
        assert await listed() == ("2001:db8::1", "a phone")
        api.http.headers.update({"X-Forwarded-For": "192.0.2.9:80", "User-Agent": "x" * 9_000})
        answered(await refresh(api, login["refreshToken"]), 200)
        assert await listed() == ("192.0.2.9", "x" * 200)


async def test_sessions_are_listed_page_by_page(api: Api) -> None:
    ann = await api.person("ann")
    logins = [ann.session_id, *[(await log_in(api, ann))["sessionId"] for _ in range(6)]]

    async def page(**query: str | int) -> Any:
        answer = await api.http.get("/sessions", params=query, headers=ann.bearer)
        return answered(answer, 200)

    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        part = await page(limit=3, **cursor)
        assert 1 <= len(part["items"]) <= 3
        found += [each["id"] for each in part["items"]]
        if part["nextCursor"] is None:
            break
        cursor = {"cursor": part["nextCursor"]}
    assert found == [each["id"] for each in (await page())["items"]]
    assert sorted(found) == sorted(logins)


@pytest.mark.parametrize(
    "place",
    [
        '["2026-01-01T00:00:00","x"]',
        '["2026-01-01T00:00:00Z"]',
        '["2026-01-01T00:00:00Z",1]',
        '["2026-01-01T00:00:00Z","x",1]',
        "[1,2]",
        "{}",
        "x",
    ],
)
async def test_a_cursor_of_no_page_of_sessions_is_refused(api: Api, place: str) -> None:
    ann = await api.person("ann")
    cursor = base64.urlsafe_b64encode(place.encode()).decode()
    answer = await api.http.get("/sessions", params={"cursor": cursor}, headers=ann.bearer)
    problem = refused(answer, 422, "invalid")
    assert problem["errors"][0]["field"] == "cursor"


async def test_a_page_of_sessions_ends_at_256_kib(tmp_path: Path) -> None:
    async with (
        ServerProcess(tmp_path, CHAT_SESSIONS_PER_USER=250) as server,
        Api(server.url) as api,
    ):
        ann = await api.person("ann")
        device = "\U0001f600" * 100
        program = {b"User-Agent": ("\U0001f600" * 200).encode()}
        body = {"username": ann.username, "password": PASSWORD, "device": device}
        for _ in range(200):
            answer = await api.http.post("/users/login", json=body, headers=program)
            answered(answer, 200)
        ids: set[str] = set()
        query: dict[str, str | int] = {"limit": 200}
        while True:
            answer = await api.http.get("/sessions", params=query, headers=ann.bearer)
            assert len(answer.content) < 270_000
            page = answered(answer, 200)
            ids |= {each["id"] for each in page["items"]}
            if page["nextCursor"] is None:
                break
            assert len(answer.content) > 200_000
            query["cursor"] = page["nextCursor"]
        assert len(ids) == 201


async def test_the_51st_session_ends_the_one_seen_longest_ago_though_no_rate_is_limited(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    ann = await api.person("ann")
    oldest = await device(clients, server.url, {"token": ann.token})
    logins = await asyncio.gather(*(log_in(api, ann) for _ in range(50)))

    await is_thrown_out(oldest)
    refused(await api.http.get("/users/me", headers=ann.bearer), 401, "session_revoked")
    page = answered(await api.http.get("/sessions", headers=bearer(logins[-1])), 200)
    assert {each["id"] for each in page["items"]} == {each["sessionId"] for each in logins}
    ended = value(await scraped(server.url), "chat_rate_limited_total", limit="sessions per user")
    assert ended >= 1


async def test_a_new_password_needs_the_old_one(api: Api) -> None:
    ann = await api.person("ann")
    body = {"currentPassword": "a wrong one", "newPassword": "another horse"}
    answer = await api.http.put("/users/me/password", json=body, headers=ann.bearer)
    refused(answer, 403, "wrong_password")
    short = {"currentPassword": PASSWORD, "newPassword": "short"}
    answer = await api.http.put("/users/me/password", json=short, headers=ann.bearer)
    problem = refused(answer, 422, "invalid")
    assert problem["errors"][0]["field"] == "newPassword"


async def test_a_secret_is_changed_without_logging_anybody_out(tmp_path: Path) -> None:
    new = "a new secret, which is as long as a secret has to be"
    me = "/users/me"
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        ann = await api.person("ann")
    rotating = ServerProcess(tmp_path, JWT_SECRET=new, JWT_SECRET_PREVIOUS=SECRET)
    async with rotating as server, Api(server.url) as api, raw_socket(server.url) as raw:
        answered(await api.http.get(me, headers=ann.bearer), 200)
        await raw.register(ann)
        renewed = await api.log_in(ann.username)
        answered(await api.http.get(me, headers=renewed.bearer), 200)
    async with ServerProcess(tmp_path, JWT_SECRET=new) as server, Api(server.url) as api:
        refused(await api.http.get(me, headers=ann.bearer), 401, "token_invalid")
        answered(await api.http.get(me, headers=renewed.bearer), 200)


@pytest.mark.mongodb
async def test_a_deleted_account_leaves_places_and_no_words(
    server: ServerProcess, api: Api, clients: SocketClients
) -> None:
    ann, bob, cyd = await api.people("ann", "bob", "cyd")
    direct = (await api.send(ann, bob, "forget me"))["conversationId"]
    body = {"kind": "group", "title": "team", "memberIds": [bob.id, cyd.id]}
    group = answered(await api.post("/conversations", ann, body), 201)["id"]
    watcher = await clients.device(server.url, bob)
    answer = await api.http.request(
        "DELETE", "/users/me", json={"password": PASSWORD}, headers=ann.bearer
    )
    assert answer.status_code == 204
    (update,) = await watcher.wait_for("user_updated")
    assert update["user"]["id"] == ann.id
    assert (update["user"]["username"], update["user"]["displayName"]) == (None, None)
    assert update["user"]["deletedAt"] is not None
    changes = [
        (each["conversationId"], each["change"]) for each in heard(watcher, "conversation_updated")
    ]
    assert sorted(changes) == sorted(
        [(direct, "member_deleted"), (group, "role_changed"), (group, "member_deleted")]
    )
    assert [message["content"] for message in await api.history(bob, direct)] == [None]
    members = (await api.get(f"/conversations/{group}", bob))["members"]
    assert ann.id not in {member["userId"] for member in members}
    assert "owner" in {member["role"] for member in members}
    assert (await api.get(f"/users/{ann.id}", bob))["username"] is None
    refused(await api.http.get("/users/me", headers=ann.bearer), 401, "session_revoked")
    login = {"username": ann.username, "password": PASSWORD}
    refused(await api.http.post("/users/login", json=login), 401, "invalid_credentials")
    refused(
        await api.post("/messages", bob, {"conversationId": direct, "content": "hello?"}),
        404,
        "recipient_not_found",
    )
    await api.sign_up(ann.username)
