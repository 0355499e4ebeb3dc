"""What the log tells of a busy run: enough to work with, and no secret."""

import asyncio
import base64
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from litestar.types import Receive, Scope, Send

from chat_core.ids import SessionId, UserId
from chat_core.sessions import Actor
from chat_server.http import request_log
from chat_server.http.bounded_lines import (
    OTHER_LINES,
    REFUSED_LINES,
    WINDOW_SECONDS,
    BoundedLines,
)
from chat_server.http.request_log import RequestLog
from chat_server.logs import JoinedLines
from chat_server.metrics import HttpRequests
from tests.support import faulty_server, server_log
from tests.support.faulty_server import TRIGGER
from tests.support.hostile_peer import Peer
from tests.support.raw_socket import raw_socket
from tests.support.server import PASSWORD as SERVER_PASSWORD
from tests.support.server import Api, ServerProcess
from tests.support.socket_clients import KINDS, SocketClients, heard
from tests.support.tokens import bad_tokens, expired
from tests.support.waiting import settle

PASSWORD_MARK = "pw-marker-17aa"
WRONG_PASSWORD_MARK = "pw-marker-28bb"
CONTENT_MARK = "content-marker-39cc"
BROKEN_MARK = "broken-marker-40dd"
QUERY_MARK = "query-marker-51ee"
FAULTY = (sys.executable, faulty_server.__file__, "run")


async def busy(server: ServerProcess, api: Api) -> list[str]:
    """Use everything, rightly and wrongly; the tokens that were used."""
    password = f"{PASSWORD_MARK} long enough"
    alice = await api.person("alice", password=password)
    bob = await api.person("bob", password=password)
    tokens = [alice.token, bob.token, expired(alice.token), *bad_tokens(bob.token).values()]
    body = {"recipientId": bob.id, "content": CONTENT_MARK, "clientMessageId": "1"}
    json_type = alice.bearer | {"Content-Type": "application/json"}

    # Over HTTP, rightly and wrongly.
    await api.send(alice, bob, CONTENT_MARK)
    for each in (body, body | {"content": f"{CONTENT_MARK} other"}, body | {"more": CONTENT_MARK}):
        await api.post("/messages", alice, each)
    for wrong in (WRONG_PASSWORD_MARK, WRONG_PASSWORD_MARK * 100, ""):
        login = {"username": alice.username, "password": wrong}
        assert (await api.http.post("/users/login", json=login)).status_code == 401
        sign_up = {"username": "x", "password": wrong or PASSWORD_MARK}
        assert (await api.http.post("/users", json=sign_up)).status_code == 422
    for broken in (f'{{"content": "{BROKEN_MARK}', f'["{BROKEN_MARK}"]', BROKEN_MARK * 10_000):
        answer = await api.http.post("/messages", content=broken, headers=json_type)
        assert answer.status_code >= 400
    for token in filter(None, tokens):
        headers = {"Authorization": f"Bearer {token}"}
        await api.http.get("/users/me", headers=headers, params={"token": token, "q": QUERY_MARK})
        await api.http.get("/users", headers=alice.bearer, params={"q": token[:20] + QUERY_MARK})

    # Over every kind of socket.
    for kind in KINDS:
        async with SocketClients(kind) as clients:
            device = await clients.device(server.url, alice)
            for each in (body, body | {"more": CONTENT_MARK}, {"content": CONTENT_MARK}):
                await device.call("send_message", each)
            await device.call("no_such_event", {"secret": CONTENT_MARK})
            late = await clients.connect(server.url, auth={"token": expired(bob.token)})
            await late.wait_for("auth_error")
            await late.call("register_user", {"token": "x" + bob.token})
            await late.call("register_user", {"token": bob.token, "password": password})
            await late.wait_for("$disconnect")
            assert len(heard(late, "auth_error")) == 3

    # And as no client would.
    frames = [
        f'42["send_message",{{"content":"{BROKEN_MARK}"',
        f'42["{BROKEN_MARK}"]',
        f'421["{BROKEN_MARK}",{{}}]',
        f"4x{BROKEN_MARK}",
        f"x{BROKEN_MARK}",
        f"44{BROKEN_MARK}",
        f'42["register_user",{{"token":"{bob.token}"',
        f'421["register_user",{{"token":"{bob.token}"}},1]',
        f'40{{"token":"{bob.token}"}}',
        f"40/{BROKEN_MARK},",
        f'42["send_message","{BROKEN_MARK * 5000}"]',
        f'451-["send_message","{BROKEN_MARK}",{{"_placeholder":true,"num":0}}]',
    ]
    both: list[str | bytes] = [*frames, *(frame.encode() for frame in frames)]
    for frame in both:
        async with raw_socket(server.url) as raw:
            await raw.register(alice)
            await raw.send(frame)
            await raw.send("1")
            await raw.closed()
    async with raw_socket(server.url) as raw:
        await raw.send_broken_text(BROKEN_MARK.encode() + b"\xff")
        await raw.closed()
    polling = f"{server.url}/socket.io/?EIO=4&transport=polling"
    await asyncio.gather(
        api.http.get(f"{polling}&token={bob.token}"),
        api.http.get(f"{polling}&sid={QUERY_MARK}"),
        api.http.post(f"{polling}&sid={QUERY_MARK}", content=BROKEN_MARK),
        api.http.get(polling, headers={"Origin": f"https://{QUERY_MARK}.example"}),
    )
    return tokens


@pytest.mark.parametrize("env", ["development", "production"])
async def test_no_line_of_a_busy_run_holds_a_token_a_password_or_a_message(
    tmp_path: Path, env: str
) -> None:
    async with (
        ServerProcess(tmp_path, CHAT_ENV=env, HOST="127.0.0.1") as server,
        Api(server.url) as api,
    ):
        tokens = await busy(server, api)
        await server.stop()
    log = server.log
    assert "/api/v1/users/login" in log
    for mark in (PASSWORD_MARK, WRONG_PASSWORD_MARK, CONTENT_MARK, BROKEN_MARK, QUERY_MARK):
        assert mark not in log
        assert base64.b64encode(mark.encode()).decode()[:12] not in log
    # A token's parts too: its head is no secret, what it says and its signature are.
    parts = {part for token in tokens for part in token.split(".")[1:] if len(part) > 10}
    assert len(parts) > 10
    assert not [part for part in parts if part in log]
    assert "Traceback" not in log


async def test_production_logs_one_json_object_a_line_with_what_was_asked_and_answered(
    tmp_path: Path,
) -> None:
    async with (
        ServerProcess(tmp_path, NODE_ENV="production", HOST="127.0.0.1") as server,
        Api(server.url) as api,
    ):
        alice = await api.person("alice")
        headers = alice.bearer | {"X-Request-Id": "one-of-mine"}
        await api.http.get("/users/me", headers=headers, params={"q": "x"})
        polling = await api.http.get(f"{server.url}/socket.io/?EIO=4&transport=polling")
        assert polling.status_code == 200
        await server.stop()
    lines = [json.loads(line) for line in server.log.splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == "one-of-mine"]
    told = {name: line[name] for name in ("method", "path", "status", "level", "event")}
    assert told == {
        "method": "GET",
        "path": "/api/v1/users/me",
        "status": 200,
        "level": "info",
        "event": "request",
    }
    assert line["ms"] >= 0
    assert any(line.get("path", "").startswith("/socket.io") for line in lines)


async def test_a_line_about_a_request_or_a_connection_says_whose_it_is(tmp_path: Path) -> None:
    async with (
        ServerProcess(tmp_path, FAULTY, CHAT_ENV="production", HOST="127.0.0.1") as server,
        Api(server.url) as api,
        raw_socket(server.url) as raw,
        raw_socket(server.url) as unregistered,
    ):
        alice, bob = await api.people("alice", "bob")
        await api.get("/users/me", alice)
        await api.http.get("/users", params={"q": TRIGGER}, headers=alice.bearer)
        await raw.register(alice)
        await raw.call("send_message", {"recipientId": bob.id, "content": TRIGGER})
        await raw.send("x")
        await raw.closed()
        await unregistered.send("x")
        await unregistered.closed()
        await server.stop()
    lines = [json.loads(line) for line in server.log.splitlines()]
    (own,) = [line for line in lines if line.get("path") == "/api/v1/users/me"]
    assert own["user_id"] == alice.id
    over_http, over_socket = [line for line in lines if "incident" in line]
    assert (over_http["user_id"], over_socket["user_id"]) == (alice.id, alice.id)
    assert over_http["request_id"]
    assert over_socket["connection_id"]
    (refused,) = [line for line in lines if line["event"].startswith("refused a packet: ")]
    assert (refused["user_id"], refused["connection_id"]) == (
        alice.id,
        over_socket["connection_id"],
    )


class Lines:
    """A logger that keeps the lines, and a clock that stands still."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[dict[str, object]] = []
        self.now = 1000.0
        monkeypatch.setattr(request_log, "logger", self)
        monkeypatch.setattr(request_log, "time", self)

    def info(self, event: str, **fields: object) -> None:
        self.lines.append({"event": event, **fields})

    def perf_counter(self) -> float:
        return self.now


async def test_a_flood_of_requests_of_nobody_is_a_flood_of_no_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = Lines(monkeypatch)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        status = int(scope["path"])
        if scope.get("method") == "POST":
            scope["user"] = Actor(UserId("alice"), SessionId("a"))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    logged = RequestLog(application, HttpRequests(), trusted_proxies=0)

    async def ask(status: int, number: int, method: str = "GET") -> list[dict[str, object]]:
        """The lines about so many requests."""
        log.lines.clear()
        scope: Any = {"type": "http", "method": method, "path": str(status), "headers": []}
        for _ in range(number):
            await logged(scope | {"client": ("192.0.2.1", 1)}, nothing, taken)
        return list(log.lines)

    async def nothing() -> Any:
        raise NotImplementedError

    async def taken(_: object) -> None: ...

    assert len(await ask(404, REFUSED_LINES - 1)) == REFUSED_LINES - 1
    assert len(await ask(401, 10)) == 1
    assert len(await ask(200, OTHER_LINES + 20)) == OTHER_LINES
    assert len(await ask(304, 3)) == 0
    assert len(await ask(404, 1000, "POST")) == 1000  # whose rate bounds them
    assert len(await ask(200, 1000, "POST")) == 1000
    assert len(await ask(429, 5, "POST")) == 0
    log.now += WINDOW_SECONDS
    refused, answered, line = await ask(200, 1)
    assert (refused["event"], refused["number"]) == ("more requests were refused", 14)
    assert (answered["event"], answered["number"]) == ("more requests were answered", 23)
    assert line["address"] == "192.0.2.1"


def test_lines_are_bounded_and_the_others_counted() -> None:
    lines = BoundedLines(10)
    assert lines.begin() == 0
    assert [lines.take() for _ in range(17)].count(True) == 10
    assert lines.begin() == 7
    assert lines.begin() == 0
    assert lines.take()


@pytest.mark.parametrize(
    ("trusted_proxies", "address"), [(0, "127.0.0.1"), (1, "2001:db8::1")], ids=["peer", "proxy"]
)
async def test_a_line_says_where_a_request_came_from_and_what_was_wrong(
    tmp_path: Path, trusted_proxies: int, address: str
) -> None:
    settings: dict[str, str | int] = {"CHAT_ENV": "production", "HOST": "127.0.0.1"}
    async with (
        ServerProcess(tmp_path, **settings, CHAT_TRUSTED_PROXIES=trusted_proxies) as server,
        Api(server.url, headers={"X-Forwarded-For": "6.6.6.6, [2001:db8::1]:4711"}) as api,
    ):
        alice = await api.person("alice")
        polling = f"{server.url}/socket.io/?EIO=4&transport=polling"
        foreign = {"Origin": "https://evil.example"}
        answers = [
            await api.http.get("/users/me", headers=alice.bearer),
            await api.http.get("/users/none", headers=alice.bearer),
            await api.http.get("/users/me"),
            await api.http.get("/nowhere"),
            await api.http.put("/messages", headers=alice.bearer),
            await api.http.post("/messages", content=b"{}", headers=alice.bearer),
            await api.http.post("/users/logout", headers=alice.bearer | foreign),
            await api.http.get(polling, headers=foreign),
        ]
        await server.stop()
    lines = [json.loads(line) for line in server.log.splitlines()]
    by_id = {line["request_id"]: line for line in lines if line["event"] == "request"}
    told = [by_id[answer.headers["X-Request-Id"]] for answer in answers]
    assert {line["address"] for line in told} == {address}
    assert [line.get("code") for line in told] == [
        *(None, "not_found", "unauthenticated", "not_found", "not_found"),
        *("unsupported_media_type", "origin_not_allowed", "origin_not_allowed"),
    ]
    assert [line["status"] for line in told] == [200, 404, 401, 404, 405, 415, 403, 403]


async def test_what_a_client_names_in_a_line_is_cut(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path, CHAT_ENV="production", HOST="127.0.0.1") as server:
        async with Api(server.url) as api:
            for path in ("/chat/", "/nowhere/", "/api/v1/users/", "/socket.io/"):
                await api.http.get(f"{server.url}{path}{'x' * 60_000}")
            await api.http.get("/users/me", headers={"X-Request-Id": "x" * 60_000})
        peer = await Peer.connected(server.url)
        await peer.request("GET", "/chat/" + "%F0%9F%92%A9" * 5_000)
        peer.cut()
        await server.stop()
    assert max(map(len, server.log.splitlines())) < 600
    paths = [json.loads(line).get("path", "") for line in server.log.splitlines()]
    assert [len(path) for path in paths if path.startswith("/chat/")] == [200, 200]


class Written(StringIO):
    """A file that keeps each write by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return len(text)


async def test_the_lines_of_one_turn_are_one_write() -> None:
    file = Written()
    lines = JoinedLines(file)
    for turn in ("first", "second"):
        lines.msg(f"{turn} 1")
        lines.msg(f"{turn} 2")
        await settle()
    assert file.writes == ["first 1\nfirst 2\n", "second 1\nsecond 2\n"]


def test_where_no_loop_runs_a_line_is_written_at_once() -> None:
    file = Written()
    lines = JoinedLines(file)
    lines.msg("1")
    lines.msg("2")
    assert file.writes == ["1\n", "2\n"]


def test_what_a_loop_did_not_come_to_is_written_at_the_end() -> None:
    """As it is where the last request is answered in the last turn."""
    code = (
        "import asyncio, sys\n"
        "from chat_server.logs import JoinedLines\n"
        "loop = asyncio.new_event_loop()\n"
        "loop.call_soon(JoinedLines(sys.stderr).msg, 'last')\n"
        "loop.call_soon(loop.stop)\n"
        "loop.run_forever()\n"
        "loop.close()\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stderr == "last\n"


def test_a_line_that_is_no_utf8_is_logged_too() -> None:
    program = (
        "import logging; from chat_server.logs import configure_logging;"
        "configure_logging(production=True);"
        r"logging.getLogger('chat').warning('half a pair: \ud83d')"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    assert json.loads(run.stderr)["event"] == "half a pair: \ud83d"


@pytest.mark.parametrize(
    "line",
    [
        "got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzb21lb25lIn0",
        "got 0aB-_xVfZ3kqPz7LmN2rT8wYcU5sJdHgE1iKoQ9bXyA",
        f"tried {SERVER_PASSWORD}",
        "said what-nobody-else-may-read",
    ],
)
async def test_the_search_of_every_log_finds_what_it_looks_for(
    tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run of the tests ends with that search: see `_no_secret_in_any_log`."""
    monkeypatch.setattr(server_log, "confided", {"what-nobody-else-may-read", SERVER_PASSWORD})
    log = tmp_path / "server.log"
    log.write_text(f"one line\n{line}\nanother line\n")
    assert [*server_log.secrets_in(log)] == [f"{line}\n"]
