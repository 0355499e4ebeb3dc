"""What every error looks like, in development and in production."""

from typing import Any

import pytest

from tests.support.server import PASSWORD, Api, Person, ServerProcess, refused
from tests.support.socket_clients import SocketClients
from tests.support.tokens import bad_tokens, expired


async def provoked(api: Api, person: Person, message_bytes: int) -> list[Any]:
    """One problem of each kind that HTTP can show now."""
    http = api.http
    sign_up = {"username": person.username, "password": PASSWORD}
    to_nobody = {"recipientId": "nobody", "content": "hi"}
    long = {"recipientId": "nobody", "content": "x" * (message_bytes + 1)}
    login = {"username": person.username, "password": "not the password"}
    gone = {"Authorization": f"Bearer {expired(person.token)}"}
    huge = b"x" * 100_000
    json_type = person.bearer | {"Content-Type": "application/json"}
    return [
        refused(await http.post("/messages", content=b"{", headers=json_type), 400, "malformed"),
        refused(await http.post("/messages", content=huge, headers=json_type), 413, "too_large"),
        refused(await api.post("/messages", person, long), 422, "invalid"),
        refused(await http.get("/users/me"), 401, "unauthenticated"),
        refused(await http.post("/users/login", json=login), 401, "invalid_credentials"),
        refused(await http.get("/users/me", headers=gone), 401, "token_expired"),
        refused(await api.post("/messages", person, to_nobody), 404, "recipient_not_found"),
        refused(await http.get("/nowhere", headers=person.bearer), 404, "not_found"),
        refused(await http.get("/users/none", headers=person.bearer), 404, "not_found"),
        refused(await http.put("/messages", headers=person.bearer), 405, "not_found"),
        refused(await http.post("/users", json=sign_up), 409, "username_taken"),
    ]


async def test_development_tells_where_each_error_came_from(
    server: ServerProcess, api: Api
) -> None:
    for problem in await provoked(api, await api.person("alice"), 4096):
        assert ".py" in problem["stack"] or "chat_core.errors." in problem["stack"]
        assert "incidentId" not in problem


async def test_production_does_not(strict_server: ServerProcess, strict_api: Api) -> None:
    alice = await strict_api.person("alice")
    for problem in await provoked(strict_api, alice, 100):
        assert set(problem) <= {"type", "title", "status", "code", "detail", "errors"}
        for inside in ("Traceback", ".py", "chat_", "litestar", "msgspec", "sqlite"):
            assert inside not in str({**problem, "type": ""}), problem


@pytest.mark.parametrize("clients", ["py-websocket"], indirect=True)
async def test_so_do_error_acks(
    server: ServerProcess,
    api: Api,
    strict_server: ServerProcess,
    strict_api: Api,
    clients: SocketClients,
) -> None:
    for where, caller, has_stack in ((server, api, True), (strict_server, strict_api, False)):
        alice = await caller.person("alice")
        device = await clients.device(where.url, alice)
        for event, payload, code in (
            ("send_message", {"recipientId": "nobody", "content": "hi"}, "recipient_not_found"),
            ("send_message", {"content": "hi"}, "invalid"),
            ("no_such_event", {}, "invalid"),
            ("register_user", {"token": "x"}, "token_invalid"),
        ):
            problem = (await device.call(event, payload))["error"]
            assert problem["code"] == code
            assert ("stack" in problem) is has_stack


async def test_a_token_that_is_none_of_ours_is_refused_over_http_too(api: Api) -> None:
    alice = await api.person("alice")
    tokens = bad_tokens(alice.token)
    del tokens["nothing"]
    for wrong, token in tokens.items():
        answer = await api.http.get("/users/me", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid"), wrong


async def test_a_request_keeps_the_id_that_it_came_with(api: Api) -> None:
    given = await api.http.get("/users/me", headers={"X-Request-Id": "from-a-proxy.1"})
    assert given.headers.get_list("x-request-id") == ["from-a-proxy.1"]
    made = await api.http.get("/users/me", headers={"X-Request-Id": "not fit for a log"})
    assert made.headers["x-request-id"] not in {"", "not fit for a log"}


async def test_it_says_whether_it_lives_and_serves(server: ServerProcess, api: Api) -> None:
    live = await api.http.get(f"{server.url}/health/live")
    ready = await api.http.get(f"{server.url}/health/ready")
    assert (live.status_code, live.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ok", "down": [], "warnings": []},
    )
