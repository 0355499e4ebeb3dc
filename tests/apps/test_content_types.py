"""A body is taken only where it is declared as JSON, before anything is done with it."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.support.http_client import http_client
from tests.support.server import PASSWORD, Api, ServerProcess, answered, refused

JSON = [
    "application/json",
    "Application/JSON",
    "application/json; charset=utf-8",
    "application/json;charset=UTF-8",
    "application/merge-patch+json",
    "application/vnd.example.v2+JSON ; a=b",
]
OTHERS = [
    None,
    "",
    "text/plain",
    "text/plain; application/json",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "application/json, text/plain",
    "application/json+xml",
    "+json",
]


def typed(content_type: str | None) -> dict[str, str]:
    return {} if content_type is None else {"Content-Type": content_type}


async def in_parts(body: bytes) -> AsyncIterator[bytes]:
    yield body


@pytest.mark.parametrize("content_type", JSON)
async def test_what_is_declared_as_json_is_taken(api: Api, content_type: str) -> None:
    alice, bob = await api.people("alice", "bob")
    headers = alice.bearer | typed(content_type)
    message = json.dumps({"recipientId": bob.id, "content": "hi"}).encode()
    account = json.dumps({"username": alice.username, "password": PASSWORD}).encode()
    answered(await api.http.post("/messages", content=message, headers=headers), 201)
    answered(await api.http.post("/messages", content=in_parts(message), headers=headers), 201)
    answered(await api.http.post("/users/login", content=account, headers=headers), 200)


@pytest.mark.parametrize("content_type", OTHERS)
async def test_what_is_declared_otherwise_is_refused_and_nothing_is_done(
    api: Api, content_type: str | None
) -> None:
    alice, bob = await api.people("alice", "bob")
    headers = alice.bearer | typed(content_type)
    message = json.dumps({"recipientId": bob.id, "content": "hi"}).encode()
    name = json.dumps({"displayName": "Somebody else"}).encode()
    for answer in (
        await api.http.post("/messages", content=message, headers=headers),
        await api.http.post("/messages", content=in_parts(message), headers=headers),
        await api.http.patch("/users/me", content=name, headers=headers),
        await api.http.post("/users/login", content=b"{", headers=headers),
    ):
        problem = refused(answer, 415, "unsupported_media_type")
        assert "application/json" in problem["title"]
    assert (await api.get("/conversations", bob))["items"] == []
    assert (await api.get("/users/me", alice))["displayName"] == alice.username


async def test_every_call_refuses_such_a_body_and_takes_none_at_all(
    server: ServerProcess, api: Api
) -> None:
    alice = await api.person("alice")
    async with http_client(server.url) as http:
        document = answered(await http.get("/schema"), 200)
        headers = alice.bearer | typed("text/plain")
        changing = {"post", "put", "patch", "delete"}
        called = 0
        for path, operations in document["paths"].items():
            for method in operations.keys() & changing:
                answer = await http.request(method, path, content="{}", headers=headers)
                refused(answer, 415, "unsupported_media_type")
                called += 1
        assert called >= 15
        assert (await http.post("/api/v1/users/logout", headers=headers)).status_code == 204
