"""What uvicorn leaves without a bound: connections, headers, and the time of a request."""

import asyncio
import contextlib
import json
from pathlib import Path
from typing import cast

import pytest
from uvicorn import Config
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.server import ServerState

from chat_core.limits import Limit
from chat_server.bounded_http import PATIENCE_SECONDS, BoundedHttpProtocol, end_late
from chat_server.connection_bound import ConnectionBound
from chat_socketio import Outbound, OutboundBound
from tests.apps.test_joined_writes import Connection
from tests.support.hostile_peer import HungUpError, Peer
from tests.support.metrics import scraped, value
from tests.support.process_usage import resident_bytes
from tests.support.raw_socket import raw_socket
from tests.support.server import ServerProcess
from tests.support.waiting import eventually, until

HEADERS = b"GET / HTTP/1.1\r\nHost: x\r\n"
POSTED = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"


class Waiting:
    """An application that reads a request, and answers when it may."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.has_read = asyncio.Event()

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] != "http":
            return
        more = True
        while more:
            message = await receive()
            more = message["type"] == "http.request" and message["more_body"]
        self.has_read.set()
        await self.go.wait()
        await send({"type": "http.response.start", "status": 204, "headers": [], "trailers": False})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class AbortedConnection(Connection):
    """It tells of its end in time."""

    def abort(self) -> None:
        self.closed = True


def of_two() -> ConnectionBound:
    """It lets two in, and as many of an address."""
    opening = Limit("b", 1_000_000, 1)
    return ConnectionBound(
        2, Limit("a", 2, 1), opening, counts_addresses=True, sessions=lambda _: 0
    )


def connected(
    application: Waiting, state: ServerState | None = None
) -> tuple[BoundedHttpProtocol, AbortedConnection]:
    config = Config(application, ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    connection = AbortedConnection()
    protocol = BoundedHttpProtocol(
        bound=of_two(),
        pace=Limit("requests read", 1_000_000, 1),
        outbound=Outbound(OutboundBound()),
        config=config,
        server_state=state or ServerState(),
        app_state={},
    )
    protocol.connection_made(cast("asyncio.Transport", connection))
    return protocol, connection


def now() -> float:
    return asyncio.get_running_loop().time()


def later() -> float:
    """When nothing may be waited for any more that is waited for now."""
    return now() + PATIENCE_SECONDS + 1


def refusal(connection: Connection) -> tuple[int, dict[str, object]]:
    """The status and the problem of the one answer, after which the connection was closed."""
    head, body = b"".join(connection.writes).split(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in head
    assert connection.is_closing()
    return int(head.split()[1]), json.loads(body)


async def test_headers_up_to_the_bound_are_read() -> None:
    application = Waiting()
    application.go.set()
    protocol, connection = connected(application)
    protocol.data_received(HEADERS)
    for _ in range(16):
        protocol.data_received(b"a: " + b"x" * 4000 + b"\r\n")
    protocol.data_received(b"\r\n")
    await until(lambda: bool(connection.writes))
    assert connection.writes[0].startswith(b"HTTP/1.1 204 ")
    protocol.data_received(HEADERS + b"\r\n")
    await until(lambda: len(connection.writes) == 2)  # each request has the bound for itself
    assert not connection.is_closing()


async def test_one_header_past_the_bound_is_the_end() -> None:
    protocol, connection = connected(Waiting())
    protocol.data_received(HEADERS + b"a: ")
    with contextlib.suppress(asyncio.CancelledError):
        for _ in range(17):
            assert not connection.is_closing()
            protocol.data_received(b"x" * 4000)
        protocol.data_received(b"x" * 4000)  # nobody reads this any more
    await until(lambda: connection.closed)
    status, problem = refusal(connection)
    assert (status, problem["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "sent",
    [
        *(b"", b"GE", HEADERS, POSTED, POSTED + b"12"),
        *(POSTED + b"123" + more for more in (HEADERS, b"", b"\r\n")),
    ],
    ids=[
        *("nothing", "a word", "half a head", "no body", "half a body"),
        *("half of the next one", "no next one", "a blank line for the next one"),
    ],
)
async def test_what_a_request_may_take_is_bounded_in_time(sent: bytes) -> None:
    application, state = Waiting(), ServerState()
    application.go.set()
    protocol, connection = connected(application, state)
    if sent:
        protocol.data_received(sent)
    if sent.startswith(POSTED + b"123"):
        await until(lambda: bool(connection.writes))
    end_late(state.connections, now())
    assert not connection.is_closing()
    end_late(state.connections, later())
    assert connection.is_closing()


async def test_a_request_that_is_there_may_be_answered_late() -> None:
    application, state = Waiting(), ServerState()
    protocol, connection = connected(application, state)
    protocol.data_received(POSTED + b"123")
    await application.has_read.wait()
    (task,) = state.tasks
    end_late(state.connections, later())
    assert not connection.is_closing()

    protocol.pause_writing()
    end_late(state.connections, now())
    assert not connection.is_closing()
    end_late(state.connections, later())
    assert connection.is_closing()
    protocol.connection_lost(None)
    application.go.set()
    await task


async def test_a_client_that_takes_its_answer_after_all_is_not_late() -> None:
    application, state = Waiting(), ServerState()
    protocol, connection = connected(application, state)
    protocol.data_received(POSTED + b"123")
    (task,) = state.tasks
    protocol.pause_writing()
    protocol.resume_writing()
    end_late(state.connections, later())
    assert not connection.is_closing()
    application.go.set()
    await task


async def test_to_take_an_answer_gives_no_more_time_for_the_next_request() -> None:
    application, state = Waiting(), ServerState()
    protocol, connection = connected(application, state)
    protocol.data_received(POSTED + b"123" + HEADERS)
    (task,) = state.tasks
    protocol.pause_writing()
    protocol.resume_writing()
    application.go.set()
    await task
    assert not connection.is_closing()
    end_late(state.connections, later())
    assert connection.is_closing()


async def test_past_the_bound_a_connection_is_told_so_and_closed(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, CHAT_CONNECTIONS=3) as server:
        async with raw_socket(server.url):
            held = await Peer.connected(server.url)
            kept = await Peer.connected(server.url)
            refused = await Peer.connected(server.url)
            status, body = await refused.answer()
            problem = json.loads(body)
            assert (status, problem["code"], problem["retryAfter"]) == (503, "overloaded", 5)
            with pytest.raises(HungUpError):
                await refused.request("GET", "/health/live")
            refused.cut()
            status, _ = await kept.request("GET", "/health/live")
            assert status == 200
            held.cut()

            async def is_taken() -> bool:
                peer = await Peer.connected(server.url)
                try:
                    return (await peer.request("GET", "/health/live"))[0] == 200
                except HungUpError:
                    return False
                finally:
                    peer.cut()

            await eventually(is_taken)
        kept.cut()
        limits = value(await scraped(server.url), "chat_rate_limited_total", limit="connections")
        assert limits >= 1


async def test_headers_without_an_end_are_refused(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        before = resident_bytes(server.pid)
        for _ in range(5):
            peer = await Peer.connected(server.url)
            peer.write(HEADERS + b"a: ")
            with contextlib.suppress(OSError):
                for _ in range(320):  # 20 MB
                    peer.write(b"x" * 65_536)
                    await peer.writer.drain()
            with contextlib.suppress(HungUpError):
                status, _ = await peer.answer()
                assert status == 413
            peer.cut()
        assert resident_bytes(server.pid) - before < 10_000_000
        assert "Traceback" not in server.log
