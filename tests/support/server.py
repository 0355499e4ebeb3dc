"""The real service as a process of its own, and a caller of its HTTP API.

async with ServerProcess(tmp_path) as server, Api(server.url) as api:
    alice = await api.person("alice")
"""

import asyncio
import contextlib
import itertools
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.support import plain_asgi
from tests.support.http_client import http_client
from tests.support.machine_speed import within
from tests.support.waiting import PATIENCE_SECONDS, eventually

SECRET = "the secret of a server that tests start, long enough for HS384 too"
PASSWORD = "correct horse battery"
STOP_SECONDS = 10
"""From the signal to the end: the service ends itself after nine, with another exit code."""

COMMAND = str(Path(sys.executable).parent / "chat-server")
RUN = (COMMAND, "run")
PLAIN_ASGI = (sys.executable, plain_asgi.__file__)
"""The same application under a plain ASGI server: its websockets, too, go through ASGI."""

_SERVES = re.compile(r"(?:chat-core serves at|Uvicorn running on) (http://[^\s\"]+)")
_names = itertools.count(1)

logs: set[Path] = set()
"""The log of every server that this process has started."""

confided: set[str] = set()
"""What `Api` has sent or was given that no log may tell: passwords, tokens, texts of messages."""


class ServerProcess:
    """`chat-server run` in a folder of its own, on a free port, with these settings.

    No rate is limited, unless the settings say so. Leaving its context stops it, as an operator
    would.
    """

    def __init__(
        self, folder: Path, command: Sequence[str] = RUN, /, **settings: str | int
    ) -> None:
        self.folder = folder
        self._command = command
        self._settings = {
            "PORT": "0",
            "JWT_SECRET": SECRET,
            "CHAT_RATE_LIMITS": "off",
            **{name: str(value) for name, value in settings.items()},
        }
        self._log = folder / "server.log"
        self._log_from = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.exit_code: int | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.is_running:
            return
        if error is not None:
            self.kill()
            error.add_note(f"the server's log:\n{self.log[-4000:]}")
            return
        await self.stop()

    @property
    def is_running(self) -> bool:
        """Whether the process was started, and has neither ended nor been ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def is_plain_asgi(self) -> bool:
        """Whether another ASGI server serves the application."""
        return self._command == PLAIN_ASGI

    @property
    def env(self) -> dict[str, str]:
        """The settings that it was given, for what is to run beside it."""
        return {**self._settings}

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process
        return self._process.pid

    @property
    def log(self) -> str:
        """All that it has written, from its first start on."""
        return self._log.read_text()

    @property
    def sockets(self) -> set[str]:
        """The sockets that it holds open, by the names that Linux gives them."""
        held = set()
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # closed in between
                held.add(str(descriptor.readlink()))
        return {name for name in held if name.startswith("socket:")}

    async def start(self) -> None:
        """Start it; returns once it is ready."""
        self.spawn()
        await eventually(lambda: self._serves() or not self.is_running)
        found = self._serves()
        assert found, f"the server did not start:\n{self.log}"
        self.url = found[1]
        async with http_client(self.url) as http:
            ready = await http.get("/health/ready")
        assert ready.status_code == 200, ready.text

    def spawn(self) -> None:
        """Start it, and wait for nothing."""
        assert not self.is_running
        logs.add(self._log)
        self._log_from = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self.folder,
                env=environment() | self._settings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def ended(self) -> int:
        """Wait for the process to end by itself; its exit code."""
        await eventually(lambda: not self.is_running)
        assert self._process
        self.exit_code = self._process.returncode
        return self.exit_code

    async def stop(self) -> None:
        """Stop it as an operator does, with SIGTERM; fails unless it ends well, and soon."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        try:
            assert await within(STOP_SECONDS, self.ended()) == 0, self.log[-4000:]
        finally:
            self.kill()

    async def command(self, *arguments: str, given: str = "") -> "subprocess.CompletedProcess[str]":
        """Run `chat-server` with arguments beside it, in its folder and with its settings."""
        return await asyncio.to_thread(
            chat_command, self.folder, *arguments, given=given, **self._settings
        )

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut would, with SIGKILL. One that has ended is a no-op."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def restart(self) -> None:
        """Start it again on what it has stored; it listens on another port then."""
        self.kill()
        await self.start()

    def _serves(self) -> re.Match[str] | None:
        with self._log.open("rb") as log:
            log.seek(self._log_from)
            return _SERVES.search(log.read().decode())


def chat_command(
    folder: Path, *arguments: str, given: str = "", **settings: str
) -> "subprocess.CompletedProcess[str]":
    """Run `chat-server` with arguments in a folder, with these settings and that on stdin."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env=environment() | settings,
        input=given,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def environment() -> dict[str, str]:
    """This process's, without any setting of the service.

    Of the packages that are here those are hidden that an installation of the service has not,
    and that libraries import where they are: a start takes a third less.
    """
    names = ("HOME", "LANG", "PATH", "TZ")
    ours = {name: os.environ[name] for name in names if name in os.environ}
    return ours | {"PYTHONPATH": str(Path(__file__).parent / "server_extra_only")}


@dataclass(frozen=True, slots=True)
class Person:
    """Someone with an account, logged in."""

    id: str
    username: str
    token: str
    session_id: str
    password: str = PASSWORD

    @property
    def bearer(self) -> dict[str, str]:
        """The header that says who asks."""
        return {"Authorization": f"Bearer {self.token}"}


class Api:
    """A caller of the HTTP API. What it is not told to expect fails the test."""

    def __init__(self, url: str, **options: Any) -> None:
        self.http = http_client(f"{url}/api/v1", **options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    async def person(self, name: str = "someone", **account: str) -> Person:
        """Someone new, whose user name begins with `name`, with one session."""
        username = f"{name}-{os.getpid()}-{next(_names)}"
        await self.sign_up(username, **account)
        return await self.log_in(username, account.get("password", PASSWORD))

    async def people(self, *names: str) -> list[Person]:
        """Several new people at once."""
        return await asyncio.gather(*(self.person(name) for name in names))

    async def sign_up(self, username: str, password: str = PASSWORD, **account: str) -> Any:
        """Make an account; the User."""
        confided.add(password)
        body = {"username": username, "password": password, **account}
        return answered(await self.http.post("/users", json=body), 201)

    async def log_in(self, username: str, password: str = PASSWORD, **more: str) -> Person:
        """One more session of that account."""
        body = {"username": username, "password": password, **more}
        login = answered(await self.http.post("/users/login", json=body), 200)
        confided.update({login["token"], login["refreshToken"]})
        return Person(login["user"]["id"], username, login["token"], login["sessionId"], password)

    async def post(self, path: str, person: Person, body: Any) -> httpx.Response:
        """A POST by that person."""
        return await self.http.post(path, json=body, headers=person.bearer)

    async def get(self, path: str, person: Person, **query: Any) -> Any:
        """A GET by that person that succeeds; the JSON of the answer."""
        return answered(await self.http.get(path, params=query, headers=person.bearer), 200)

    async def send(self, sender: Person, to: Person, content: str, **more: str) -> Any:
        """Send a new message; the Message."""
        confided.add(content)
        body = {"recipientId": to.id, "content": content, **more}
        return answered(await self.post("/messages", sender, body), 201)

    async def presence(self, of: Person, asker: Person) -> Any:
        """The presence of someone, as someone else sees it."""
        (user,) = (await self.get("/users", asker, ids=of.id))["items"]
        return user["presence"]

    async def devices(self, of: Person, asker: Person, number: int) -> None:
        """Wait until someone has so many live connections."""

        async def counted() -> bool:
            return bool((await self.presence(of, asker))["devices"] == number)

        await eventually(counted)

    async def history(self, reader: Person, conversation_id: str) -> list[Any]:
        """Every message of a conversation, page by page."""
        messages: list[Any] = []
        while True:
            after = messages[-1]["seq"] if messages else 0
            path = f"/conversations/{conversation_id}/messages"
            page = await self.get(path, reader, after=after, limit=200)
            messages += page["items"]
            if not page["hasMore"]:
                return messages


def answered(response: httpx.Response, status: int) -> Any:
    """The JSON of an answer that has that status."""
    assert response.status_code == status, response.text
    return response.json()


def refused(response: httpx.Response, status: int, code: str) -> Mapping[str, Any]:
    """The problem document of an answer that has that status and that code."""
    assert response.headers["content-type"] == "application/problem+json"
    problem: Mapping[str, Any] = answered(response, status)
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["type"]
    assert problem["title"]
    return problem
