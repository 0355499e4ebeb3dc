"""How much is read of a connection over HTTP: requests in a row, and those that were refused."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from uvicorn import Config
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.server import ServerState

from chat_core.limits import Limit
from chat_server.bounded_http import MAX_HEADERS, BoundedHttpProtocol
from chat_server.connection_bound import ConnectionBound
from chat_server.paced_reads import LONGEST_REST_SECONDS, SLICE_BYTES
from chat_socketio import Outbound, OutboundBound
from tests.apps.test_joined_writes import Connection
from tests.support.hostile_peer import Peer
from tests.support.server import ServerProcess
from tests.support.waiting import until

SHORTEST = b"GET / HTTP/1.1\r\nHost:x\r\n\r\n"


class Answering:
    """An application that answers with this status, each request when it may; it keeps bodies."""

    def __init__(self, status: int = 204) -> None:
        self.status = status
        self.go = asyncio.Event()
        self.asked = 0
        self.bodies: list[bytes] = []

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        self.asked += 1
        body, more = b"", True
        while more:
            message = await receive()
            assert message["type"] == "http.request"
            body, more = body + message["body"], message["more_body"]
        self.bodies.append(body)
        await self.go.wait()
        status = self.status
        headers = [(b"content-length", b"0")]
        await send(
            {"type": "http.response.start", "status": status, "headers": headers, "trailers": False}
        )
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class ReadConnection(Connection):
    """It knows whether it is read."""

    is_read = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("192.0.2.1", 50_000) if name == "peername" else default

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    @property
    def answers(self) -> int:
        return b"".join(self.writes).count(b"HTTP/1.1 ")


ANY_PACE = Limit("requests read", 1_000_000, 1)


class Timers:
    """The loop, whose timers run when they are told to."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.seconds: list[float] = []
        self.waiting: list[Callable[[], None]] = []
        self.passed = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    def time(self) -> float:
        return self._loop.time() + self.passed

    def call_later(self, seconds: float, work: Callable[[], None]) -> asyncio.TimerHandle:
        if seconds <= LONGEST_REST_SECONDS:  # the others are uvicorn's
            self.seconds.append(seconds)
            self.waiting.append(work)
        return self._loop.call_later(3600, lambda: None)

    def run(self) -> None:
        """The latest timer's time is over."""
        self.waiting.pop()()


def bound_of(opening: Limit, *, behind_proxy: bool = False) -> ConnectionBound:
    limit = Limit("connections per address", 10, 60)
    return ConnectionBound(
        10, limit, opening, counts_addresses=not behind_proxy, sessions=lambda _: 0
    )


def connected(
    application: Answering,
    *,
    behind_proxy: bool = False,
    pace: Limit = ANY_PACE,
    bound: ConnectionBound | None = None,
) -> tuple[BoundedHttpProtocol, ReadConnection, Timers]:
    config = Config(application, ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    protocol = BoundedHttpProtocol(
        bound=bound or bound_of(ANY_PACE, behind_proxy=behind_proxy),
        pace=pace,
        outbound=Outbound(OutboundBound()),
        config=config,
        server_state=ServerState(),
        app_state={},
    )
    timers = Timers()
    protocol.loop = cast("asyncio.AbstractEventLoop", timers)
    connection = ReadConnection()
    protocol.connection_made(cast("asyncio.Transport", connection))
    return protocol, connection, timers


async def test_a_connection_opened_too_soon_is_read_after_a_while() -> None:
    answering = Answering()
    answering.go.set()
    bound = bound_of(Limit("opened", 1, 1))
    connected(answering, bound=bound)
    protocol, connection, timers = connected(answering, bound=bound)
    read = [connection.is_read]
    connection.resume_reading()  # as uvloop does after `connection_made`
    protocol.data_received(SHORTEST)
    read.append(connection.is_read)
    assert connection.answers == answering.asked == 0

    timers.run()
    await until(lambda: connection.answers)
    read.append(connection.is_read)
    assert read == [False, False, True]
    assert (connection.answers, answering.asked) == (1, 1)


async def test_of_requests_in_a_row_a_few_wait_and_the_rest_is_not_parsed() -> None:
    application = Answering()
    protocol, connection, _ = connected(application)
    protocol.data_received(SHORTEST * 2500)
    await until(lambda: application.asked == 1)
    assert 1 <= len(protocol.pipeline) <= SLICE_BYTES // len(SHORTEST) + 1
    assert not connection.is_read

    protocol.data_received(SHORTEST * 10)  # what the system had read before
    assert len(protocol.pipeline) <= SLICE_BYTES // len(SHORTEST) + 1
    application.go.set()
    await until(lambda: connection.answers == 2510)
    await until(lambda: connection.is_read)
    protocol.data_received(SHORTEST)
    await until(lambda: connection.answers == 2511)


@pytest.mark.parametrize("size", [0, 1, SLICE_BYTES, 3 * SLICE_BYTES - 7, 60_000])
async def test_a_request_of_any_size_arrives_whole(size: int) -> None:
    application = Answering()
    application.go.set()
    protocol, connection, _ = connected(application)
    body = bytes(range(256)) * (size // 256 + 1)
    head = f"POST / HTTP/1.1\r\nHost: x\r\na: {'b' * size}\r\nContent-Length: {size}\r\n\r\n"
    protocol.data_received((head.encode() + body[:size]) * 3)
    await until(lambda: connection.answers == 3)
    assert application.bodies == [body[:size]] * 3
    assert connection.is_read


async def test_a_body_in_chunks_arrives_whole_and_those_after_it_wait() -> None:
    application = Answering()
    protocol, connection, _ = connected(application)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunked = head + b"3\r\nabc\r\n" * 1000 + b"0\r\n\r\n"
    protocol.data_received(chunked + SHORTEST * 1000)
    await until(lambda: bool(application.bodies))
    assert len(protocol.pipeline) <= SLICE_BYTES // len(SHORTEST) + 1
    application.go.set()
    await until(lambda: connection.answers == 1001)
    assert application.bodies[0] == b"abc" * 1000


async def test_past_its_pace_a_connection_is_not_read_and_all_is_answered_later() -> None:
    application = Answering()
    application.go.set()
    protocol, connection, timers = connected(application, pace=Limit("requests read", 100, 1))
    protocol.data_received(SHORTEST * 150)
    await until(lambda: connection.answers >= 100 and not protocol.pipeline)
    assert connection.answers < 150
    assert not connection.is_read
    timers.passed += 1
    timers.run()
    await until(lambda: connection.answers == 150)
    await until(lambda: connection.is_read)


async def test_behind_a_proxy_a_connection_has_no_pace() -> None:
    application = Answering()
    application.go.set()
    pace = Limit("requests read", 1, 60)
    protocol, connection, timers = connected(application, behind_proxy=True, pace=pace)
    protocol.data_received(SHORTEST * 50)
    await until(lambda: connection.answers == 50)
    assert timers.seconds == []


async def test_after_a_refusal_for_its_rate_a_connection_is_not_read_for_a_while() -> None:
    application = Answering(429)
    application.go.set()
    protocol, connection, timers = connected(application)
    protocol.data_received(SHORTEST)
    await until(lambda: connection.answers == 1)
    await until(lambda: not connection.is_read)
    protocol.data_received(SHORTEST * 100)  # which had been read before
    assert application.asked == 1
    timers.run()
    some = SLICE_BYTES // len(SHORTEST)
    await until(lambda: connection.answers >= 1 + some and not protocol.pipeline)
    assert connection.answers <= 2 + some
    assert not connection.is_read
    assert timers.seconds[0] < timers.seconds[1] < timers.seconds[2]
    assert max(timers.seconds) == LONGEST_REST_SECONDS
    for _ in range(2):
        timers.run()
        before = connection.answers
        await until(lambda: connection.answers > before and not protocol.pipeline)  # noqa: B023
    await until(lambda: connection.answers == 101)

    application.status = 204
    timers.run()
    await until(lambda: connection.is_read)
    timers.passed = 60.0
    application.status = 429
    protocol.data_received(SHORTEST)
    await until(lambda: not connection.is_read)
    assert timers.seconds[-1] == timers.seconds[0]  # what was long ago is forgotten


async def test_no_other_answer_makes_it_rest_and_nothing_does_behind_a_proxy() -> None:
    for status in (200, 400, 404, 503):
        application = Answering(status)
        application.go.set()
        protocol, connection, timers = connected(application)
        protocol.data_received(SHORTEST * 100)
        await until(lambda: connection.answers == 100)  # noqa: B023 - it is waited for here
        assert timers.seconds == []
    application = Answering(429)
    application.go.set()
    protocol, connection, timers = connected(application, behind_proxy=True)
    protocol.data_received(SHORTEST * 100)
    await until(lambda: connection.answers == 100)
    assert timers.seconds == []


@pytest.mark.parametrize(
    "head",
    [b"a: " + b"x" * 70_000, b"a:b\r\n" * 2 * MAX_HEADERS, b"a: " + b"x" * 200_000],
    ids=["long", "many", "longer than what is read at one time"],
)
async def test_headers_past_the_bound_are_refused_though_they_came_at_once(head: bytes) -> None:
    application = Answering()
    protocol, connection, _ = connected(application)
    protocol.data_received(b"GET / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n\r\n")
    await until(lambda: connection.closed)
    assert connection.writes[0].startswith(b"HTTP/1.1 413 ")
    assert application.asked == 0


async def test_who_was_refused_for_a_rate_gets_all_answers_in_time(tmp_path: Path) -> None:
    settings: dict[str, str | int] = {"CHAT_RATE_LIMITS": "on", "CHAT_REQUESTS_PER_ADDRESS": 5}
    async with ServerProcess(tmp_path, **settings) as server:
        peer = await Peer.connected(server.url)
        peer.write(f"GET / HTTP/1.1\r\nHost: {peer.host}\r\n\r\n".encode() * 60)
        statuses = [(await peer.answer())[0] for _ in range(60)]
        assert statuses.count(429) >= 50
        other = await Peer.connected(server.url)
        assert (await other.request("GET", "/health/live"))[0] == 200
        assert (await peer.request("GET", "/health/live"))[0] == 200
        peer.cut()
        other.cut()
