"""Floods over HTTP, of requests and of what is none: nobody else is slowed down."""

from collections.abc import Iterator

import pytest

from tests.support.attack import Attack, Frames, Raw, Request, Requests
from tests.support.scene import NEEDS_LINUX, Scene, rows, scene

pytestmark = NEEDS_LINUX

GUESSES = 10_000 / 60
"""A second."""
NOBODY = ("Content-Type: application/json",)
WRONG = ("Authorization: Bearer x.y.z",)
LOG_IN = '{"username":"nobody","password":"correct horse"}'
SIGN_UP = '{"username":"nobody","password":"correct horse battery"}'
POST = "POST /api/v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer $TOKEN\r\n"
CHUNKED = POST + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


def get(target: str, *headers: str) -> Requests:
    return Requests([Request("GET", target, headers=headers)])


def post(target: str, body: str, *headers: str) -> Requests:
    return Requests([Request("POST", target, body, headers or NOBODY)])


REQUESTS = [
    Attack("a path of 60 kB", get("/chat/" + "a" * 60_000)),
    Attack("a query of 60 kB", get("/health/live?" + "a" * 60_000)),
    Attack("tiny requests", get("/x")),
    Attack("tiny requests in a row", Requests([Request("GET", "/x", headers=())], waits=False)),
    Attack(
        "tiny requests in a row whose answers nobody reads",
        Requests([Request("GET", "/x", headers=())], waits=False),
        reads=False,
    ),
    Attack("liveness", get("/health/live")),
    Attack("readiness", get("/health/ready")),
    Attack("metrics", get("/metrics")),
    Attack("the schema", get("/schema/openapi.json")),
    Attack("the events' schema", get("/asyncapi.json")),
    Attack("the schema that nobody reads", get("/schema/openapi.json"), reads=False),
    Attack("the web client", get("/")),
    Attack("wrong tokens over HTTP", get("/api/v1/users/me", *WRONG)),
    Attack("tokens of 60 kB", get("/api/v1/users/me", "Authorization: Bearer " + "a" * 60_000)),
    Attack("the rate of one user", Requests([Request("GET", "/api/v1/users/me")])),
    Attack("log-ins", post("/api/v1/users/login", LOG_IN)),
    Attack(
        "log-ins from many addresses",
        post("/api/v1/users/login", LOG_IN),
        addresses=200,
        connections=200,
        per_second=GUESSES,
    ),
    Attack("sign-ups", post("/api/v1/users", SIGN_UP)),
    Attack(
        "sign-ups from many addresses",
        post("/api/v1/users", SIGN_UP),
        addresses=200,
        connections=200,
        per_second=GUESSES,
    ),
    Attack("refreshes", post("/api/v1/users/refresh", '{"refreshToken":"x"}')),
    Attack(
        "preflights",
        Requests(
            [
                Request(
                    "OPTIONS",
                    "/api/v1/messages",
                    headers=("Origin: http://x.example", "Access-Control-Request-Method: POST"),
                )
            ]
        ),
    ),
    Attack("bodies of 60 kB", post("/api/v1/users/login", '{"username":"' + "a" * 60_000 + '"}')),
    Attack("deep bodies", post("/api/v1/users/login", "[" * 30_000 + "]" * 30_000)),
    Attack("bodies that are too long", post("/api/v1/users/login", " " * 200_000)),
    Attack("polling sessions that are left", get("/socket.io/?EIO=4&transport=polling")),
    Attack("polls of no session", get("/socket.io/?EIO=4&transport=polling&sid=x")),
]

BYTES = [
    Attack("headers without an end", Raw("X-A: b\r\n", first="GET / HTTP/1.1\r\nHost: x\r\n")),
    Attack(
        "headers that drip",
        Raw("a", first="GET / HTTP/1.1\r\nHost: x\r\nX: "),
        per_second=20,
        connections=200,
    ),
    Attack("chunks of one byte", Raw("1\r\n \r\n", first=CHUNKED)),
    Attack("blank lines", Raw("\r\n")),
    Attack("no HTTP", Raw("\x16\x03\x01\x02\x00")),
    Attack("connections that hang up", Raw("", first=""), hangs_up=True, times=1),
    Attack("websockets that hang up", Frames([], "opened"), hangs_up=True, times=1),
    Attack("websockets registered that hang up", Frames([]), hangs_up=True, times=1),
]

ALL = REQUESTS + BYTES
SHORT = [
    "tiny requests",
    "log-ins from many addresses",
    "connections that hang up",
]


@pytest.fixture(scope="module")
def scene_of_requests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("requests")) as opened:
        yield opened


@rows(ALL, SHORT)
async def test_a_flood_of_requests_slows_nobody_else_down(
    scene_of_requests: Scene, attack: Attack
) -> None:
    figures = await scene_of_requests.judge(attack)
    assert not figures.breaches(), figures
