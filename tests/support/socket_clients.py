"""One face over the real Socket.IO clients, so that one test runs over all of them.

async with SocketClients("py-websocket") as clients:
    client = await clients.connect(server.url)
    ack = await client.call("register_user", {"token": alice.token})
    (message,) = await client.wait_for("new_message")
"""

import asyncio
import contextlib
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Protocol, Self

import aiohttp
import engineio
import socketio

from tests.support import asyncapi
from tests.support.js_client import JsDriver, JsUnavailableError
from tests.support.js_client import JsEvent as Heard
from tests.support.server import Person
from tests.support.services import missing
from tests.support.waiting import PATIENCE_SECONDS, eventually

KINDS = ("js-websocket", "js-polling", "js-upgrade", "py-websocket", "py-polling")
"""The language of the client, and its transport; an upgrade begins with polling."""

TRANSPORTS = {
    "websocket": ["websocket"],
    "polling": ["polling"],
    "upgrade": ["polling", "websocket"],
}


class SocketClient(Protocol):
    """What `JsClient` and `PyClient` have in common; see the first one for what each does."""

    events: list[Heard]

    async def emit(self, event: str, *args: Any) -> None:
        """Send an event that asks for no ack."""

    async def call(self, event: str, *args: Any, timeout: float = PATIENCE_SECONDS) -> Any:
        """Send an event and return what its ack carries."""

    async def wait_for(
        self,
        event: str,
        predicate: Callable[..., bool] | None = None,
        timeout: float = PATIENCE_SECONDS,
    ) -> list[Any]:
        """Return the arguments of the next `event` that the predicate holds for."""

    async def close(self) -> None:
        """Disconnect with a goodbye."""

    async def kill(self) -> None:
        """Cut the connection without one."""


class PyClient:
    """`socketio.AsyncClient`."""

    def __init__(self) -> None:
        self.events: list[Heard] = []
        self._seen: dict[str, int] = {}
        # Of its own session the library leaves answers unread, and their connections open.
        self._http = aiohttp.ClientSession(middlewares=[_read_whole])
        self._client = socketio.AsyncClient(
            reconnection=False, handle_sigint=False, http_session=self._http
        )
        self._client.on("connect", lambda: self._heard("$connect"))
        self._client.on("disconnect", lambda reason: self._heard("$disconnect", reason))
        self._client.on("*", self._heard)

    async def connect(self, url: str, *, transports: list[str], auth: Any = None) -> None:
        """Connect, and wait for the namespace."""
        await self._client.connect(
            url, transports=transports, auth=auth, wait_timeout=PATIENCE_SECONDS
        )

    async def emit(self, event: str, *args: Any) -> None:
        await self._client.emit(event, args)

    async def call(self, event: str, *args: Any, timeout: float = PATIENCE_SECONDS) -> Any:
        ack = await self._client.call(event, args, timeout=timeout)
        asyncapi.answered(event, ack)
        return ack

    async def wait_for(
        self,
        event: str,
        predicate: Callable[..., bool] | None = None,
        timeout: float = PATIENCE_SECONDS,
    ) -> list[Any]:
        found: list[Heard] = []

        def is_there() -> bool:
            for place in range(self._seen.get(event, 0), len(self.events)):
                heard = self.events[place]
                if heard.name == event and (predicate is None or predicate(*heard.args)):
                    self._seen[event] = place + 1
                    found.append(heard)
                    return True
            return False

        try:
            await eventually(is_there, seconds=timeout)
        except TimeoutError:
            names = ", ".join(heard.name for heard in self.events) or "nothing"
            raise TimeoutError(f"waited for {event} and heard {names}") from None
        return found[0].args

    async def close(self) -> None:
        await self._client.disconnect()

    async def kill(self) -> None:
        """A read and a write loop of the library end with the connection."""
        engine: engineio.AsyncClient = self._client.eio
        running = {task for task in (engine.read_loop_task, engine.write_loop_task) if task}
        while running:
            # More than once: the library's loops swallow a cancellation that comes with a packet.
            for task in running:
                task.cancel()
            _, running = await asyncio.wait(running, timeout=0.1)
        if engine.ws is not None and engine.current_transport == "websocket":
            connection = engine.ws._response.connection
            if connection is not None and connection.transport is not None:
                connection.transport.abort()
                connection.close()
        await self._http.close()
        engine.state = "disconnected"
        with contextlib.suppress(ValueError):
            engineio.base_client.connected_clients.remove(engine)

    def _heard(self, event: str, *args: Any) -> None:
        self.events.append(Heard(event, list(args)))
        asyncapi.heard(event, *args)


async def _read_whole(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    response = await handler(request)
    if request.method == "POST":
        await response.read()
    return response


class SocketClients:
    """Any number of clients of one kind; leaving the context cuts them."""

    def __init__(self, kind: str) -> None:
        self.language, self.transport = kind.split("-")
        self._stack = AsyncExitStack()
        self._driver: JsDriver | None = None

    async def __aenter__(self) -> Self:
        await self._stack.__aenter__()
        if self.language == "js":
            try:
                self._driver = await self._stack.enter_async_context(JsDriver())
            except JsUnavailableError as error:
                missing(str(error))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def connect(self, url: str, auth: Any = None) -> SocketClient:
        """Connect a client; with an upgrade, wait for that, too."""
        transports = TRANSPORTS[self.transport]
        if self._driver is None:
            client = PyClient()
            self._stack.push_async_callback(client.kill)
            await client.connect(url, transports=transports, auth=auth)
            return client
        js = await self._driver.connect(url, transports=transports, auth=auth)
        if self.transport == "upgrade":
            await js.wait_for("$upgrade")
        return js

    async def device(self, url: str, person: Person) -> SocketClient:
        """A connection that is registered."""
        client = await self.connect(url)
        ack = await client.call("register_user", {"token": person.token})
        assert ack["ok"], ack
        return client


async def caught_up(client: SocketClient, person: Person) -> None:
    """Return once the client has heard all that the server had for it when this was called.

    Registering again changes nothing, and its ack comes after what was sent before.
    """
    ack = await client.call("register_user", {"token": person.token})
    assert ack["ok"], ack


def heard(client: SocketClient, event: str) -> list[Any]:
    """The payloads of every such event up to now."""
    return [happened.args[0] for happened in client.events if happened.name == event]
