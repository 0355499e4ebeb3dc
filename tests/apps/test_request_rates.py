"""How many HTTP requests a user may make, and an address that nobody is known of."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from litestar.middleware import DefineMiddleware
from litestar.routes import HTTPRoute

from chat_core.errors import RateLimited
from chat_core.ids import UserId
from chat_core.limits import Limit
from chat_core.ports.limits import RateLimiter
from chat_server.asgi import create_app
from chat_server.http.authentication import BearerAuthentication
from chat_server.http.request_rates import RequestRates
from chat_server.settings import load_settings
from tests.support.http_client import http_client
from tests.support.server import SECRET, Api, Person, ServerProcess, answered, refused
from tests.support.tokens import forged
from tests.support.waiting import eventually

BURST, PER_ADDRESS = 30, 12
_addresses = (f"192.0.2.{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    settings: dict[str, str | int] = {
        "CHAT_RATE_LIMITS": "on",
        "CHAT_TRUSTED_PROXIES": 1,
        "CHAT_REQUESTS_PER_SECOND": 1,
        "CHAT_REQUEST_BURST": BURST,
        "CHAT_REQUESTS_PER_ADDRESS": PER_ADDRESS,
    }
    server = ServerProcess(tmp_path_factory.mktemp("limited"), **settings)
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


@pytest.fixture
async def caller(limited: ServerProcess) -> AsyncIterator[Api]:
    """A caller from a new address."""
    async with Api(limited.url, headers={"X-Forwarded-For": next(_addresses)}) as api:
        yield api


def elsewhere() -> dict[str, str]:
    return {"X-Forwarded-For": next(_addresses)}


def too_often(answer: httpx.Response) -> int:
    problem = refused(answer, 429, "rate_limited")
    assert int(answer.headers["retry-after"]) == problem["retryAfter"] >= 1
    return int(problem["retryAfter"])


async def use_up(api: Api, alice: Person, bob: Person) -> Counter[int]:
    """More requests of all kinds at once than a burst; those that are refused come last."""
    body = {"recipientId": bob.id, "content": "hi"}
    answers = await asyncio.gather(
        *(api.post("/messages", alice, body) for _ in range(10)),
        *(api.http.get("/conversations", headers=alice.bearer) for _ in range(BURST)),
        *(api.http.get("/users/me", headers=alice.bearer | elsewhere()) for _ in range(BURST)),
    )
    for answer in answers:
        if answer.status_code == 429:
            assert too_often(answer) == 1
    return Counter(answer.status_code for answer in answers)


async def test_a_user_makes_so_many_requests_from_wherever_and_then_some_a_second(
    limited: ServerProcess, caller: Api
) -> None:
    alice, bob = await caller.people("alice", "bob")
    statuses = await use_up(caller, alice, bob)
    assert set(statuses) == {200, 201, 429}
    assert BURST <= statuses[200] + statuses[201] < 2 * BURST

    too_often(await caller.http.get("/users/none", headers=alice.bearer))
    too_often(await caller.post("/messages", alice, {"recipientId": bob.id, "content": "hi"}))
    answered(await caller.http.get("/users/me", headers=bob.bearer), 200)
    # The user's next session has no count of its own.
    again = await caller.log_in(alice.username)
    too_often(await caller.http.get("/users/me", headers=again.bearer))

    async def works_again() -> bool:
        return (await caller.http.get("/users/me", headers=alice.bearer)).status_code == 200

    await eventually(works_again)


async def test_an_address_makes_so_many_requests_without_a_good_token(
    limited: ServerProcess, caller: Api
) -> None:
    alice = await caller.person("alice")  # two of them
    bad = {"Authorization": f"Bearer {forged(alice.token, iss='someone')}"}

    async def request(way: int) -> httpx.Response:
        if way % 3 == 0:
            return await caller.http.post("/users/refresh", json={"refreshToken": "none"})
        return await caller.http.get("/users/me", headers=bad if way % 3 == 1 else {})

    answers = [await request(way) for way in range(PER_ADDRESS - 2)]
    assert {answer.status_code for answer in answers} == {401}
    for way in range(3):
        assert too_often(await request(way)) <= 60 // PER_ADDRESS

    preflight = {"Origin": limited.url, "Access-Control-Request-Method": "GET"}
    assert (await caller.http.options("/users/me", headers=preflight)).status_code == 204
    answered(await caller.http.get("/users/me", headers=alice.bearer), 200)
    refused(await caller.http.get("/users/me", headers=elsewhere()), 401, "unauthenticated")
    network = [{"X-Forwarded-For": f"[2001:db8::{n}]:{n}"} for n in range(PER_ADDRESS + 1)]
    alike = [await caller.http.get("/users/me", headers=each) for each in network]
    assert {answer.status_code for answer in alike[:-1]} == {401}
    too_often(alike[-1])
    for _ in range(2 * PER_ADDRESS):
        answered(await caller.http.get(f"{limited.url}/health/ready"), 200)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/metrics"),
        ("GET", "/schema"),
        ("GET", "/asyncapi.json"),
        ("GET", "/"),
        ("GET", "/chat/anything"),
        ("GET", "/assets/anything"),
        ("GET", "/nowhere"),
        ("GET", "/api/v1/nowhere"),
        ("PUT", "/api/v1/messages"),
        ("DELETE", "/metrics"),
    ],
)
async def test_what_anyone_may_ask_for_counts_for_the_address(
    limited: ServerProcess, method: str, path: str
) -> None:
    async with http_client(limited.url, headers=elsewhere()) as http:
        answers = [await http.request(method, path) for _ in range(PER_ADDRESS)]
        assert 429 not in {answer.status_code for answer in answers}
        for _ in range(3):
            too_often(await http.request(method, path))
        assert (await http.get("/health/live")).status_code == 200


async def test_refused_requests_for_sockets_count_and_polls_go_on(limited: ServerProcess) -> None:
    polling = "/socket.io/?EIO=4&transport=polling"
    async with http_client(limited.url, headers=elsewhere()) as http:
        opened = (await http.get(polling)).text
        sid = opened.partition('"sid":"')[2].partition('"')[0]

        async def ask(way: int) -> httpx.Response:
            if way % 3 == 0:
                return await http.get(f"{polling}&sid=none")
            if way % 3 == 1:
                return await http.post(f"{polling}&sid=none", content="40")
            return await http.get(polling, headers={"Origin": "https://evil.example"})

        answers = [await ask(way) for way in range(PER_ADDRESS)]
        assert {answer.status_code for answer in answers} == {400, 403}
        for way in range(3):
            too_often(await ask(way))
        assert (await http.post(f"{polling}&sid={sid}", content="40")).text == "OK"
        assert (await http.get(f"{polling}&sid={sid}")).text.startswith("40{")
        assert (await http.get(polling)).status_code == 200
        assert (await http.post("/api/v1/users/login", json={})).status_code == 422


def test_every_route_counts_but_health_checks_and_sockets() -> None:
    app = create_app(load_settings(JWT_SECRET=SECRET, DATABASE_URL="memory://"))
    counted, others = set[str](), set[str]()
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                is_counted = any(
                    isinstance(each, DefineMiddleware) and each.middleware is BearerAuthentication
                    for each in handler.resolve_middleware()
                )
                (counted if is_counted else others).add(route.path)
    assert others == {"/health/live", "/health/ready"}
    assert {"/metrics", "/schema", "/", "/asyncapi.json", "/api/v1/messages"} <= counted


async def test_a_limiter_that_can_not_count_at_once_is_waited_for() -> None:
    taken = []

    class DistantLimiter(RateLimiter):
        async def take(self, limit: Limit, key: str, count: int = 1) -> None:
            await asyncio.sleep(0)
            taken.append((limit.name, key))
            if len(taken) > 1:
                raise RateLimited

        async def give_back(self, limit: Limit, key: str, count: int = 1) -> None:
            raise NotImplementedError

    rates = RequestRates(
        DistantLimiter(), Limit("user", 1, 1), Limit("address", 1, 1), Limit("polls", 1, 1), 0
    )
    await rates.count_user(UserId("ann"))
    with pytest.raises(RateLimited):
        await rates.count_user(UserId("ann"))
    assert taken == [("user", "ann")] * 2
