"""Which pages may use the service from a browser: plain HTTP, polling and websockets alike."""

import pytest
from httpx import AsyncClient
from websockets.exceptions import InvalidStatus

from tests.support.raw_socket import raw_socket
from tests.support.server import Api, ServerProcess, refused

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
    async with AsyncClient(base_url=either.url) as http:
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
    async with AsyncClient(base_url=either.url) as http:
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
        async with AsyncClient(base_url=either.url) as http:
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
    async with AsyncClient(base_url=strict_server.url) as http:
        refused(await http.get(POLLING, headers=headers), 403, "origin_not_allowed")


async def test_a_later_request_of_the_session_is_judged_too(server: ServerProcess) -> None:
    async with AsyncClient(base_url=server.url) as http:
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
    async with AsyncClient(base_url=strict_server.url) as http:
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
