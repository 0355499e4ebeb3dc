"""A mistake in the code itself: what the client gets, and what the log."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import faulty_server
from tests.support.faulty_server import REVEALING, TRIGGER
from tests.support.raw_socket import raw_socket
from tests.support.server import Api, ServerProcess, refused

FAULTY = (sys.executable, faulty_server.__file__, "run")


def logged(server: ServerProcess, incident_id: str) -> str:
    """What the log says of an incident, up to the next entry."""
    before, _, entry = server.log.partition(f"incident {incident_id}")
    assert incident_id not in before
    return entry.partition("\n2026-")[0].partition('\n{"')[0] + before.rpartition("\n")[2]


@pytest.mark.parametrize("env", ["development", "production"])
async def test_a_mistake_of_ours_is_an_incident_that_the_log_explains(
    tmp_path: Path, env: str
) -> None:
    settings = {"CHAT_ENV": env, "HOST": "127.0.0.1"}
    async with (
        ServerProcess(tmp_path, FAULTY, **settings) as server,
        Api(server.url) as api,
        raw_socket(server.url) as raw,
    ):
        alice, bob = await api.people("alice", "bob")
        await raw.register(alice)
        body = {"recipientId": bob.id, "content": TRIGGER}
        ack = await raw.call("send_message", body)
        assert ack["ok"] is False
        found = await api.http.get("/users", params={"q": TRIGGER}, headers=alice.bearer)
        problems = [
            refused(await api.post("/messages", alice, body), 500, "internal"),
            refused(found, 500, "internal"),
            ack["error"],
        ]
        incidents = {problem["incidentId"] for problem in problems}
        assert len(incidents) == 3
        for problem in problems:
            check(problem, env)
            entry = logged(server, problem["incidentId"])
            assert "Traceback" in entry
            assert f"RuntimeError: {REVEALING}" in entry
            assert TRIGGER not in entry.replace('"break"', "").replace("broke", "")

        ack = await raw.call("send_message", {"recipientId": bob.id, "content": "goes on"})
        assert ack["message"]["seq"] == 1
        assert server.log.count("Traceback") == 3


def check(problem: Mapping[str, Any], env: str) -> None:
    assert (problem["status"], problem["code"]) == (500, "internal")
    if env == "development":
        assert f"RuntimeError: {REVEALING}" in problem["stack"]
    else:
        assert set(problem) == {"type", "title", "status", "code", "detail", "incidentId"}
        text = json.dumps(problem)
        assert REVEALING not in text
        assert "RuntimeError" not in text
        assert ".py" not in text


async def test_a_line_about_an_incident_carries_the_id_of_its_request(tmp_path: Path) -> None:
    async with (
        ServerProcess(tmp_path, FAULTY, CHAT_ENV="production", HOST="127.0.0.1") as server,
        Api(server.url) as api,
    ):
        alice = await api.person("alice")
        for request_id in ("the-first", "the-second"):
            headers = alice.bearer | {"X-Request-Id": request_id}
            answer = await api.http.get("/users", params={"q": TRIGGER}, headers=headers)
            incident_id = refused(answer, 500, "internal")["incidentId"]
            (line,) = [
                line for line in server.log.splitlines() if f"incident {incident_id}" in line
            ]
            assert json.loads(line)["request_id"] == request_id
        alone = [json.loads(line) for line in server.log.splitlines() if "serves at" in line]
        assert [line.get("request_id") for line in alone] == [None]
