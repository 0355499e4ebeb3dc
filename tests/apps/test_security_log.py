"""Security events as lines of the log, of a server and of commands beside it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chat_core import UserId
from chat_core.security_events import SecurityEvent, SecurityEventKind
from chat_core.testing.clock import ManualClock
from chat_core.testing.security_contracts import SecurityEventsContract
from chat_server.http.bounded_lines import WINDOW_SECONDS
from chat_server.security_log import LOGIN_LINES, SecurityLog
from tests.support.server import PASSWORD, Api, ServerProcess, answered, confided, refused

TYPED = "my.secret.phrase@typed-in-the-wrong-field"
NEW = "battery staple"
KINDS = {kind.value for kind in SecurityEventKind}


@dataclass
class Lines:
    """What was written."""

    written: list[dict[str, object]] = field(default_factory=list)

    def __call__(self, event: str, **fields: object) -> None:
        self.written.append({"event": event, **fields})


class TestSecurityLog(SecurityEventsContract):
    @pytest.fixture
    def lines(self) -> Lines:
        return Lines()

    @pytest.fixture
    def security_events(self, lines: Lines) -> SecurityLog:
        return SecurityLog(ManualClock(), lines)

    @pytest.fixture
    def kept(self, lines: Lines) -> Callable[[], list[str]]:
        return lambda: [str(each["event"]) for each in lines.written]


def test_a_crowd_of_failed_log_ins_is_counted_and_every_change_is_told() -> None:
    clock, lines = ManualClock(), Lines()
    log = SecurityLog(clock, lines)
    failed = SecurityEvent(SecurityEventKind.LOGIN_FAILED, address="192.0.2.1")
    changed = SecurityEvent(SecurityEventKind.EMAIL_CHANGED, UserId("ann"))
    for _ in range(5000):
        log.record(failed)
    log.record(changed)
    assert lines.written == [{"event": "login_failed", "address": "192.0.2.1"}] * LOGIN_LINES + [
        {"event": "email_changed", "user_id": "ann"}
    ]

    lines.written.clear()
    clock.advance(WINDOW_SECONDS)
    log.record(failed)
    assert lines.written == [
        {
            "event": "more log-ins failed or were refused",
            "number": 5000 - LOGIN_LINES,
            "seconds": WINDOW_SECONDS,
        },
        {"event": "login_failed", "address": "192.0.2.1"},
    ]
    clock.advance(WINDOW_SECONDS)
    log.record(changed)
    assert lines.written[2:] == [{"event": "email_changed", "user_id": "ann"}]


def events(text: str) -> list[dict[str, Any]]:
    """The security events among the lines of a log."""
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] in KINDS]


def told(text: str, *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(line.get(name) for name in ("event", *fields)) for line in events(text)]


@pytest.fixture
def server(tmp_path: Path) -> ServerProcess:
    return ServerProcess(tmp_path, CHAT_ENV="production", HOST="127.0.0.1")


async def test_what_happens_to_accounts_is_in_the_log_and_nothing_that_was_typed(
    server: ServerProcess,
) -> None:
    confided.add(TYPED)
    async with server, Api(server.url) as api:
        await api.sign_up("ann")
        body = {"username": "ann", "password": PASSWORD}
        login = answered(await api.http.post("/users/login", json=body), 200)
        confided.update({login["token"], login["refreshToken"]})
        user_id, session_id = login["user"]["id"], login["sessionId"]
        bearer = {"Authorization": f"Bearer {login['token']}"}
        for name in ("ann", TYPED):
            wrong = {"username": name, "password": TYPED}
            refused(await api.http.post("/users/login", json=wrong), 401, "invalid_credentials")
        body = {"email": "ann@example.org", "currentPassword": PASSWORD}
        answered(await api.http.patch("/users/me", json=body, headers=bearer), 200)
        body = {"currentPassword": PASSWORD, "newPassword": NEW}
        changed = await api.http.put("/users/me/password", json=body, headers=bearer)
        assert changed.status_code == 204
        assert (await api.http.post("/users/logout", headers=bearer)).status_code == 204
        last = await api.log_in("ann", NEW)
        gone = await api.http.request(
            "DELETE", "/users/me", json={"password": NEW}, headers=last.bearer
        )
        assert gone.status_code == 204

    assert told(server.log, "user_id", "session_id", "address") == [
        ("signed_up", user_id, None, "127.0.0.1"),
        ("login_succeeded", user_id, session_id, "127.0.0.1"),
        ("login_failed", user_id, None, "127.0.0.1"),
        ("login_failed", None, None, "127.0.0.1"),
        ("email_changed", user_id, session_id, "127.0.0.1"),
        ("password_changed", user_id, session_id, "127.0.0.1"),
        ("session_ended", user_id, session_id, "127.0.0.1"),
        ("login_succeeded", user_id, last.session_id, "127.0.0.1"),
        ("session_ended", user_id, last.session_id, None),
        ("account_erased", user_id, last.session_id, "127.0.0.1"),
    ]
    assert all(line["request_id"] for line in events(server.log))
    for typed in (TYPED, "ann@example.org", PASSWORD, NEW):
        assert typed not in server.log


async def test_commands_tell_of_what_they_cause_on_stderr(server: ServerProcess) -> None:
    async with server, Api(server.url) as api:
        given = PASSWORD + "\n"
        added = await server.command("users", "add", "bob", "--password-stdin", given=given)
        bob = await api.log_in("bob")
        disabled = await server.command("users", "disable", "bob", "--json")
        enabled = await server.command("users", "enable", "bob", "--json")
        given = NEW + "\n"
        reset = await server.command(
            "users", "reset-password", "bob", "--password-stdin", "--json", given=given
        )
        erased = await server.command("users", "erase", "bob", "--yes", "--json")
        refused_one = await server.command("users", "disable", "bob")

    assert [told(done.stderr, "user_id", "session_id") for done in (added, disabled)] == [
        [("signed_up", bob.id, None)],
        [("session_ended", bob.id, bob.session_id), ("account_disabled", bob.id, None)],
    ]
    assert [told(done.stderr, "user_id") for done in (enabled, reset, erased)] == [
        [("account_enabled", bob.id)],
        [("password_changed", bob.id)],
        [("account_erased", bob.id)],
    ]
    for done in (disabled, enabled, reset, erased):
        assert json.loads(done.stdout)  # nothing else is printed there
    assert events(refused_one.stderr) == []
    for line in events(added.stderr):
        assert set(line) == {"event", "user_id", "level", "timestamp"}
