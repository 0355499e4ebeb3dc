"""`POST /messages`, which goes past the framework: it answers as every other route does."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.server import Api, Person, refused

FRAME_BYTES = 65_536


async def in_parts(size: int) -> AsyncIterator[bytes]:
    """So many bytes that no header announces."""
    for _ in range(0, size, 1024):
        yield b" " * 1024


async def ask(api: Api, person: Person, path: str, body: bytes | int) -> httpx.Response:
    """A POST of these bytes, or of so many in parts."""
    content = in_parts(body) if isinstance(body, int) else body
    headers = person.bearer | {"Content-Type": "application/json"}
    return await api.http.post(path, content=content, headers=headers)


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed"),
        (b"{", 400, "malformed"),
        (b"\xff", 400, "malformed"),
        (b"[" * 17 + b"]" * 17, 400, "malformed"),
        (b"null", 422, "invalid"),
        (b"[]", 422, "invalid"),
        (b'{"content": 1, "kind": 1}', 422, "invalid"),
        (b" " * FRAME_BYTES, 400, "malformed"),
        (b" " * (FRAME_BYTES + 1), 413, "too_large"),
        (FRAME_BYTES, 400, "malformed"),
        (FRAME_BYTES + 1024, 413, "too_large"),
    ],
)
async def test_a_bad_body_is_refused_as_at_other_routes(
    api: Api, body: bytes | int, status: int, code: str
) -> None:
    alice = await api.person("alice")
    problem = refused(await ask(api, alice, "/messages", body), status, code)
    other = refused(await ask(api, alice, "/conversations", body), status, code)
    for each in ("type", "title", "detail"):
        if code != "invalid" or each != "detail":  # which names a field of its own
            assert problem[each] == other[each]


async def test_a_body_may_come_in_parts(api: Api) -> None:
    alice, bob = await api.people("alice", "bob")

    async def parts() -> AsyncIterator[bytes]:
        for part in (b'{"recipientId": "', bob.id.encode(), b'", "content": ', b'"hi"}'):
            yield part

    headers = alice.bearer | {"Content-Type": "application/json"}
    sent = await api.http.post("/messages", content=parts(), headers=headers)
    assert (sent.status_code, sent.json()["content"]) == (201, "hi")
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["content-length"] == str(len(sent.content))


async def test_a_token_that_has_sent_is_refused_once_its_session_has_ended(api: Api) -> None:
    alice, bob = await api.people("alice", "bob")
    again = await api.log_in(alice.username)
    for each in (alice, again):
        await api.send(each, bob, "hi")
    assert (await api.http.post("/users/logout", headers=alice.bearer)).status_code == 204
    body = {"recipientId": bob.id, "content": "hi"}
    refused(await api.post("/messages", alice, body), 401, "session_revoked")
    await api.send(again, bob, "still here")


async def test_without_a_token_no_body_is_looked_at(api: Api) -> None:
    for headers in ({}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer"}):
        answer = await api.http.post("/messages", content=b"{", headers=headers)
        refused(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_page_is_told_that_it_may_read_the_answer(api: Api) -> None:
    alice, bob = await api.people("alice", "bob")
    headers = alice.bearer | {"Origin": "http://localhost:3000"}
    body = {"recipientId": bob.id, "content": "hi"}
    for path, status in (("/messages", 201), ("/conversations", 422)):
        answer = await api.http.post(path, json=body, headers=headers)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
