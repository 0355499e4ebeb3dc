"""How an HTTP answer gets to the connection."""

import asyncio
from typing import Any, cast

from uvicorn import Config
from uvicorn._types import ASGIReceiveCallable, ASGISendCallable, Scope
from uvicorn.server import ServerState

from chat_server.joined_writes import MAX_JOINED, JoiningHttpProtocol
from tests.support.waiting import until


class Connection:
    """A transport that keeps each write by itself."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class Application:
    """Answers with so many bytes; the body waits for `go`."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.go = asyncio.Event()

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        headers = [(b"content-length", str(self.size).encode())]
        await send(
            {"type": "http.response.start", "status": 200, "headers": headers, "trailers": False}
        )
        await self.go.wait()
        for at in range(0, self.size, MAX_JOINED):
            part = b"x" * min(MAX_JOINED, self.size - at)
            more = at + len(part) < self.size
            await send({"type": "http.response.body", "body": part, "more_body": more})


def asked(application: Application, request: bytes) -> Connection:
    """The connection of a request that has just come in."""
    config = Config(application, ws="none", lifespan="off", log_config=None, access_log=False)
    config.load()
    connection = Connection()
    protocol = JoiningHttpProtocol(
        wrote=lambda _: None, config=config, server_state=ServerState(), app_state={}
    )
    protocol.connection_made(cast("asyncio.Transport", connection))
    protocol.data_received(request)
    return connection


async def test_head_and_body_are_one_write() -> None:
    application = Application(2)
    application.go.set()
    connection = asked(application, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await until(lambda: bool(connection.writes))
    (written,) = connection.writes
    assert written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert written.endswith(b"\r\n\r\nxx")
    assert not connection.closed


async def test_a_head_does_not_wait_for_a_body_that_is_late() -> None:
    application = Application(2)
    connection = asked(application, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await until(lambda: bool(connection.writes))
    application.go.set()
    await until(lambda: len(connection.writes) == 2)
    assert connection.writes[1] == b"xx"


async def test_a_connection_that_is_closed_after_its_answer_gets_all_of_it() -> None:
    application = Application(2)
    application.go.set()
    request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    connection = asked(application, request)
    await until(lambda: connection.closed)
    (written,) = connection.writes
    assert written.endswith(b"\r\n\r\nxx")


async def test_a_long_answer_does_not_pile_up() -> None:
    application = Application(10 * MAX_JOINED)
    application.go.set()
    connection = asked(application, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    await until(lambda: sum(map(len, connection.writes)) > application.size)
    assert max(map(len, connection.writes)) < 2 * MAX_JOINED
