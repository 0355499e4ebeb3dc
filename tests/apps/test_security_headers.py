"""What browsers are told of every answer, and the hosts that are answered at all."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from litestar.types import Message, Receive, Scope, Send
from websockets.exceptions import InvalidStatus

from chat_core.errors import HostNotAllowed
from chat_server.asgi import create_app
from chat_server.hosts import HostPolicy, parse_hosts
from chat_server.settings import load_settings
from tests.support.hostile_peer import OPENED, Peer
from tests.support.http_client import http_client
from tests.support.raw_socket import raw_socket
from tests.support.server import PLAIN_ASGI, RUN, SECRET, Api, ServerProcess, refused
from tests.support.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.mongodb

POLLING = "/socket.io/?EIO=4&transport=polling"
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
OF_DATA = ALWAYS | {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
}


def told(answer: httpx.Response, names: dict[str, str] = OF_DATA) -> dict[str, str]:
    """Those headers, each of which comes once."""
    return {name: ", ".join(answer.headers.get_list(name)) for name in names}


async def test_every_answer_that_is_no_page_is_shown_nowhere_and_kept_nowhere(
    server: ServerProcess, api: Api
) -> None:
    alice, bob = await api.people("alice", "bob")
    account = {"username": alice.username, "password": alice.password}
    message = {"recipientId": bob.id, "content": "hi"}
    json_type = {"Content-Type": "application/json"}
    wrong = {"Origin": "https://evil.example"}
    async with http_client(server.url) as http:
        answers = [
            await api.http.post("/users/login", json=account),
            await api.post("/messages", alice, message),
            await api.http.get("/users/me", headers=alice.bearer),
            await api.http.get("/users/me", headers=alice.bearer | wrong),
            await api.http.get("/users/me"),
            await api.http.get("/nowhere"),
            await api.http.post("/messages", content=b"{", headers=alice.bearer | json_type),
            await api.http.post("/messages", content=b"{", headers=alice.bearer),
            await api.http.post("/messages", json=message, headers=alice.bearer | wrong),
            await api.http.post("/users/logout", headers=alice.bearer),
            await http.get("/health/ready"),
            await http.get("/schema"),
            await http.get(POLLING),
            await http.get(POLLING, headers=wrong),
            await http.get("/socket.io/?EIO=3&transport=polling"),
        ]

    assert [answer.status_code for answer in answers] == [
        200, 201, 200, 200, 401, 404, 400, 415, 403, 204, 200, 200, 200, 403, 400,
    ]  # fmt: skip
    assert [told(answer) for answer in answers] == [OF_DATA] * len(answers)


async def test_a_page_has_a_policy_of_its_own(server: ServerProcess) -> None:
    async with http_client(server.url) as http:
        page = await http.get("/")

    assert page.headers["content-type"].startswith("text/html")
    assert told(page, ALWAYS) == ALWAYS
    (policy,) = page.headers.get_list("content-security-policy")
    assert policy != OF_DATA["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert len(page.headers.get_list("cache-control")) == 1


# -------------------------------------------------------- before, or past, the application
HOST = "Host: a.example"
UPGRADE = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
]
FOREIGN_PAGE = "Origin: https://evil.example"


async def told_raw(url: str, *lines: str) -> tuple[int, dict[str, str], bytes]:
    """What is answered to these lines, whatever they are: the status, the headers, the body."""
    peer = await Peer.connected(url)
    peer.write("\r\n".join([*lines, "", ""]).encode())
    async with asyncio.timeout(PATIENCE_SECONDS):
        head = await peer.reader.readuntil(b"\r\n\r\n")
        first, *rest = head.decode().strip().split("\r\n")
        headers = dict[str, str]()
        for line in rest:
            name, _, value = line.partition(": ")
            assert name.lower() not in headers, line
            headers[name.lower()] = value
        body = await peer.reader.readexactly(int(headers.get("content-length", 0)))
    peer.cut()
    return int(first.split()[1]), headers, body


@pytest.mark.parametrize(
    ("lines", "status", "code"),
    [
        (["nonsense"], 400, "malformed"),
        (["GET / HTTP/1.1", HOST, "a header without a colon"], 400, "malformed"),
        (["GET /\x80 HTTP/1.1", HOST], 400, "malformed"),
        (["POST / HTTP/1.1", HOST, "Content-Length: -1"], 400, "malformed"),
        (["BREW / HTTP/1.1", HOST], 400, "malformed"),
        (["GET / HTTP/1.1"], 400, "malformed"),
        ([f"GET {OPENED} HTTP/1.1", HOST, *UPGRADE, FOREIGN_PAGE], 403, "origin_not_allowed"),
        ([f"GET {OPENED} HTTP/1.1", *UPGRADE], 400, "malformed"),
        ([f"GET {OPENED}&sid=none HTTP/1.1", HOST, *UPGRADE], 400, "malformed"),
        (["GET /elsewhere HTTP/1.1", HOST, *UPGRADE], 404, "not_found"),
    ],
    ids=[
        *("no request", "no header", "no path", "no length", "no method"),
        *("no host", "foreign page", "no host of a websocket", "no session", "no websocket there"),
    ],
)
async def test_early_refusals_say_the_same_and_are_problems(
    strict_server: ServerProcess,
    lines: list[str],
    status: int,
    code: str,
) -> None:
    found, headers, body = await told_raw(strict_server.url, *lines)
    assert (found, json.loads(body)["code"]) == (status, code)
    assert headers["content-type"] == "application/problem+json"
    assert {name: headers[name] for name in OF_DATA} == OF_DATA
    if "websocket" not in str(lines):
        assert headers["x-request-id"]


async def test_who_comes_when_all_places_are_taken_is_told_the_same(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, CHAT_CONNECTIONS=1) as server:
        first = await Peer.connected(server.url)
        assert (await first.request("GET", "/health/live"))[0] == 200
        status, headers, body = await told_raw(server.url, "GET / HTTP/1.1", HOST)
        first.cut()
    assert (status, json.loads(body)["code"]) == (503, "overloaded")
    assert {name: headers[name] for name in OF_DATA} == OF_DATA


async def test_names_of_headers_are_lower_case_within_asgi(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = create_app(load_settings(DATABASE_URL="memory://", JWT_SECRET=SECRET))
    names = set[bytes]()

    async def noting(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                names.update(name for name, _ in message["headers"])
            await send(message)

        await app(scope, receive, send_noting)

    transport = httpx.ASGITransport(app=noting)  # type: ignore[arg-type]
    page = {"Origin": "http://localhost:3000"}
    async with app.lifespan(), http_client(transport=transport) as http:
        http.base_url = httpx.URL("http://chat.example")
        for path in ("/", "/schema", "/nowhere", "/api/v1/users/me", "/health/live", POLLING):
            await http.get(path, headers=page)
        await http.options("/api/v1/users", headers=page)
        await http.get(f"{POLLING}&sid=none", headers=page)
        await http.post("/api/v1/users/login", content=b"{}", headers={"Origin": "null"})
    assert b"access-control-allow-origin" in names
    assert names == {name.lower() for name in names}


# ----------------------------------------------------------------------------------------- hosts
@pytest.mark.parametrize("command", [RUN, PLAIN_ASGI], ids=["chat-server run", "plain ASGI"])
async def test_only_requests_for_the_named_hosts_are_served(
    tmp_path: Path, command: Sequence[str]
) -> None:
    server = ServerProcess(tmp_path, command, CHAT_HOSTS="chat.example, 127.0.0.1")
    good = {"Host": "Chat.Example:8443"}
    async with server, http_client() as http:
        http.base_url = httpx.URL(server.url)
        for wrong in ("evil.example", "chat.example.evil.example", "localhost", "[::1]:5000"):
            for method, path in (
                ("GET", "/"),
                ("POST", "/api/v1/users/login"),
                ("OPTIONS", "/api/v1/users/login"),
                ("GET", POLLING),
                ("POST", POLLING),
                ("GET", "/nowhere"),
            ):
                answer = await http.request(method, path, headers={"Host": wrong})
                refused(answer, 421, "host_not_allowed")
                assert told(answer) == OF_DATA
            peer = replace(await Peer.connected(server.url), host=wrong)
            assert await peer.upgrade(OPENED) == 421
            peer.cut()
            alive = await http.get("/health/live", headers={"Host": wrong})
            assert alive.status_code == 200

        with pytest.raises(InvalidStatus) as websocket:
            async with raw_socket(server.url.replace("127.0.0.1", "localhost")):
                pass
        assert websocket.value.response.status_code == 421
        assert b'"code":"host_not_allowed"' in (websocket.value.response.body or b"")

        refused(await http.get("/api/v1/users/me", headers=good), 401, "unauthenticated")
        assert (await http.get(POLLING, headers=good)).status_code == 200
        async with raw_socket(server.url) as raw:
            await raw.enter()


@pytest.mark.parametrize("host", [None, "", "a", "a.example.", "x.a.example", "a.example:x"])
def test_a_host_that_is_not_listed_is_none(host: str | None) -> None:
    with pytest.raises(HostNotAllowed):
        HostPolicy(frozenset({"a.example"})).check(host)
    HostPolicy(frozenset()).check(host)


@pytest.mark.parametrize("host", ["a.example", "A.EXAMPLE", "a.example:1", "[::1]", "[::1]:5000"])
def test_a_listed_host_is_known_by_any_case_and_port(host: str) -> None:
    HostPolicy(frozenset(parse_hosts("a.example, [::1]"))).check(host)


@pytest.mark.parametrize(
    "entry", ["https://a.example", "a.example:443", "*", "*.a.example", "a/b", "a b", ".", "-a"]
)
def test_what_is_no_host_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="is not a host; write a name or an address"):
        parse_hosts(f"fine.example, {entry}")
