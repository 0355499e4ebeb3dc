"""Which pages may use the service from a browser: plain HTTP, polling and websockets alike."""

import json
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import InvalidStatus

from tests.support.hostile_peer import OPENED, POLLED, Peer
from tests.support.http_client import http_client
from tests.support.raw_socket import raw_socket
from tests.support.server import PASSWORD, Api, ServerProcess, refused

POLLING = "/socket.io/?EIO=4&transport=polling"
FOREIGN = [
    "https://evil.example",
    "http://chat.example",
    "https://chat.example.evil.example",
    "null",
]


def allowed(headers: list[tuple[bytes, bytes]]) -> list[str]:
    """Every Access-Control-Allow-Origin header."""
    wanted = b"access-control-allow-origin"
    return [value.decode() for name, value in headers if name.lower() == wanted]


@pytest.fixture
def either(
    request: pytest.FixtureRequest, server: ServerProcess, strict_server: ServerProcess
) -> ServerProcess:
    """One of the two servers, by its name."""
    return {"server": server, "strict_server": strict_server}[request.param]


@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("either", ["server", "strict_server"], indirect=True)
async def test_a_page_of_another_origin_gets_no_socket(either: ServerProcess, origin: str) -> None:
    async with http_client(either.url) as http:
        answer = await http.get(POLLING, headers={"Origin": origin})
        refused(answer, 403, "origin_not_allowed")
        assert allowed(answer.headers.raw) == []

    with pytest.raises(InvalidStatus) as websocket:
        async with raw_socket(either.url, Origin=origin):
            pass
    assert websocket.value.response.status_code == 403
    assert b'"code":"origin_not_allowed"' in (websocket.value.response.body or b"")


@pytest.mark.parametrize(
    ("either", "origin"),
    [
        ("server", "http://localhost:3000"),
        ("server", "http://127.0.0.1:8080"),
        ("strict_server", "https://chat.example"),
        ("strict_server", "https://admin.example:8443"),
    ],
    indirect=["either"],
)
async def test_a_page_of_a_listed_origin_gets_one(either: ServerProcess, origin: str) -> None:
    async with http_client(either.url) as http:
        answer = await http.get(POLLING, headers={"Origin": origin})
        assert answer.status_code == 200
        assert allowed(answer.headers.raw) == [origin]
        assert answer.headers["access-control-allow-credentials"] == "true"
        plain = await http.get("/api/v1/users/me", headers={"Origin": origin})
        refused(plain, 401, "unauthenticated")
        assert allowed(plain.headers.raw) == [origin]
    async with raw_socket(either.url, Origin=origin) as raw:
        await raw.enter()


@pytest.mark.parametrize("either", ["server", "strict_server"], indirect=True)
async def test_a_page_of_the_service_itself_gets_one_and_so_does_no_page_at_all(
    either: ServerProcess,
) -> None:
    pages: list[dict[str, str]] = [{"Origin": either.url}, {}]
    for headers in pages:
        async with http_client(either.url) as http:
            assert (await http.get(POLLING, headers=headers)).status_code == 200
        async with raw_socket(either.url, **headers) as raw:
            await raw.enter()


async def test_what_a_proxy_claims_makes_no_origin_the_same(strict_server: ServerProcess) -> None:
    headers = {
        "Origin": "https://evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "Forwarded": "host=evil.example;proto=https",
    }
    async with http_client(strict_server.url) as http:
        refused(await http.get(POLLING, headers=headers), 403, "origin_not_allowed")


async def test_a_later_request_of_the_session_is_judged_too(server: ServerProcess) -> None:
    async with http_client(server.url) as http:
        opened = (await http.get(POLLING)).text
        sid = opened.partition('"sid":"')[2].partition('"')[0]
        foreign = {"Origin": "https://evil.example"}
        answer = await http.post(f"{POLLING}&sid={sid}", content="40", headers=foreign)
        refused(answer, 403, "origin_not_allowed")
    with pytest.raises(InvalidStatus):
        async with raw_socket(server.url, upgrade=sid, **foreign):
            pass


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/v1/messages", "POST"),
        ("/api/v1/users/me", "PATCH"),
        ("/api/v1/users", "GET"),
        (POLLING, "POST"),
    ],
)
async def test_a_preflight_allows_what_the_api_needs(
    strict_server: ServerProcess, path: str, method: str
) -> None:
    ask = {
        "Origin": "https://chat.example",
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    async with http_client(strict_server.url) as http:
        answer = await http.options(path, headers=ask)
        foreign = await http.options(path, headers=ask | {"Origin": "https://evil.example"})

    assert answer.status_code in {200, 204}
    assert allowed(answer.headers.raw) == ["https://chat.example"]
    assert method in answer.headers["access-control-allow-methods"]
    assert {"authorization", "content-type"} <= {
        name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")
    }
    assert "Origin" in answer.headers["vary"]
    assert allowed(foreign.headers.raw) == []


async def test_plain_http_of_another_origin_just_lacks_the_header(
    strict_server: ServerProcess, strict_api: Api
) -> None:
    alice = await strict_api.person("alice")
    headers = alice.bearer | {"Origin": "https://evil.example"}
    answer = await strict_api.http.get("/users/me", headers=headers)
    assert answer.status_code == 200
    assert allowed(answer.headers.raw) == []


# ------------------------------------------------------------------------------- what may change
@pytest.mark.parametrize("origin", FOREIGN)
@pytest.mark.parametrize("either", ["server", "strict_server"], indirect=True)
async def test_a_page_of_another_origin_changes_nothing(either: ServerProcess, origin: str) -> None:
    async with Api(either.url) as api:
        alice, bob = await api.people("alice", "bob")
        headers = alice.bearer | {"Origin": origin}
        body = {"recipientId": bob.id, "content": "hi"}
        account = {"username": "by-a-foreign-page", "password": PASSWORD}
        for answer in (
            await api.http.post("/messages", json=body, headers=headers),
            await api.http.post("/users", json=account, headers=headers),
            await api.http.post("/users/login", content=b"{", headers=headers),
            await api.http.post("/users/logout", headers=headers),
            await api.http.put(f"/users/{bob.id}/block", headers=headers),
            await api.http.patch("/users/me", json={"displayName": "x"}, headers=headers),
            await api.http.delete(f"/sessions/{alice.session_id}", headers=headers),
            await api.http.post("/nowhere", headers=headers),
            await api.http.post(f"{either.url}{POLLING}", headers=headers),
            await api.http.request("TRACE", "/users/me", headers=headers),
        ):
            refused(answer, 403, "origin_not_allowed")
            assert allowed(answer.headers.raw) == []
        assert (await api.get("/conversations", bob))["items"] == []
        assert (await api.get("/users/me", alice))["displayName"] == alice.username
        await api.send(alice, bob, "hi")
        found = await api.get("/users", alice, q="by-a-foreign-page")
        assert found["items"] == []


@pytest.mark.parametrize(
    ("either", "origin"),
    [("server", "http://localhost:3000"), ("strict_server", "https://chat.example")],
    indirect=["either"],
)
async def test_a_page_of_a_listed_origin_or_of_the_service_itself_changes_what_it_may(
    either: ServerProcess, origin: str
) -> None:
    async with Api(either.url) as api:
        alice, bob = await api.people("alice", "bob")
        for each in (origin, either.url):
            body = {"recipientId": bob.id, "content": "hi"}
            headers = alice.bearer | {"Origin": each}
            answer = await api.http.post("/messages", json=body, headers=headers)
            assert answer.status_code == 201
        assert allowed((await api.http.get("/users/me", headers={"Origin": origin})).headers.raw)


# ---------------------------------------------------------------------- two of them, or no host
async def answers_to(url: str, target: str, headers: list[str], *, version: str) -> tuple[int, str]:
    """The status for a GET with just these headers, and the code of the problem, if it is one."""
    peer = await Peer.connected(url)
    lines = [f"GET {target} {version}", *headers, "", ""]
    peer.write("\r\n".join(lines).encode())
    status, body = await peer.answer()
    peer.cut()
    return status, json.loads(body)["code"] if body.startswith(b'{"type"') else ""


UPGRADE = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
]


@pytest.mark.parametrize(
    ("target", "also", "good"),
    [
        ("/", [], 200),
        ("/health/live", [], 200),
        ("/api/v1/users/me", [], 401),
        (POLLED, [], 200),
        (OPENED, UPGRADE, 101),
    ],
    ids=["page", "health", "api", "polling", "websocket"],
)
async def test_two_hosts_or_origins_or_no_host_are_malformed(
    server: ServerProcess, target: str, also: list[str], good: int
) -> None:
    host = f"Host: {urlsplit(server.url).netloc}"
    own, other = f"Origin: {server.url}", "Origin: http://localhost:3000"
    for headers in (
        [],
        [own],
        [host, host],
        [host, "Host: other.example"],
        [host, own, own],
        [host, own, other],
    ):
        found = await answers_to(server.url, target, [*headers, *also], version="HTTP/1.1")
        # Another server refuses a handshake in its own words.
        code = "" if also and server.is_plain_asgi else "malformed"
        assert found in {(400, "malformed"), (400, code)}, headers
    for headers in ([host], [host, own]):
        found = await answers_to(server.url, target, [*headers, *also], version="HTTP/1.1")
        assert found[0] == good, headers


async def test_http_1_0_needs_no_host_and_takes_no_two(server: ServerProcess) -> None:
    path = "/health/live"
    assert await answers_to(server.url, path, [], version="HTTP/1.0") == (200, "")
    two = ["Host: a", "Host: a"]
    assert await answers_to(server.url, path, two, version="HTTP/1.0") == (400, "malformed")
