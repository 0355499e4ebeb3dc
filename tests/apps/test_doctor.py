"""`chat-server doctor` and `migrate`, on what is well and on what is broken."""

import asyncio
import json
import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chat_server.commands import chat_server
from chat_server.settings import variables_by_field
from chat_sqlite.schema import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION
from tests.support.mongod import fresh_database, nobody_answers
from tests.support.ports import free_port
from tests.support.server import COMMAND, SECRET, ServerProcess
from tests.support.services import missing

LEVELS = ["ok", "warning", "problem"]
Findings = Mapping[str, Mapping[str, str]]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with a free port and no other setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in (*variables_by_field().values(), "NODE_ENV"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PORT", str(free_port()))
    return tmp_path


def chat(*arguments: str, **env: str) -> Result:
    return CliRunner().invoke(chat_server, arguments, env=env)


def doctor(*arguments: str, code: int = 0, **env: str) -> Findings:
    """What it finds, by subject; where there are several, the worst."""
    return findings(chat("doctor", "--json", *arguments, **env), code)


def findings(done: Any, code: int = 0) -> Findings:
    exit_code = done.exit_code if isinstance(done, Result) else done.returncode
    assert (exit_code, done.stderr) == (code, ""), done.stdout
    told = json.loads(done.stdout)
    assert (code == 1) == (told["problems"] > 0)
    by_level = sorted(told["findings"], key=lambda each: LEVELS.index(each["level"]))
    assert all(each["remedy"] or each["level"] == "ok" for each in by_level)
    return {each["subject"]: each for each in by_level}


def write(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def make_version_2(path: Path) -> None:
    write(
        path,
        f"{MIGRATIONS[0]}{MIGRATIONS[1]}"
        f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2;",
    )
    path.chmod(0o600)


# --------------------------------------------------------------------------------------- well


async def test_a_server_that_runs_well_is_found_well(folder: Path) -> None:
    async with ServerProcess(folder, PORT=os.environ["PORT"]) as server:
        found = findings(await asyncio.to_thread(chat, "doctor", "--json"))
        shown = await asyncio.to_thread(chat, "doctor")
        migrated = await server.command("migrate")

    assert {each["level"] for each in found.values()} <= {"ok", "warning"}
    assert "the service runs at 127.0.0.1" in found["port"]["said"]
    assert found["open files"]["said"].startswith("the running server can have")
    for subject in ("database", "schema", "writing", "journal", "integrity", "clock"):
        assert found[subject]["level"] == "ok", found[subject]
    assert (migrated.returncode, migrated.stdout) == (0, "The database is up to date.\n")
    assert shown.exit_code == 0
    assert "ok       integrity: every page is in order\n" in shown.stdout
    assert shown.stdout.splitlines()[-1].startswith("0 problems, ")


def test_a_mongodb_that_runs_well_is_found_well() -> None:
    with fresh_database() as url:
        assert doctor(DATABASE_URL=url)["schema"]["level"] == "warning"
        assert chat("migrate", DATABASE_URL=url).exit_code == 0
        found = doctor(DATABASE_URL=url)
    for subject in ("database", "schema", "writing", "indexes"):
        assert found[subject]["level"] == "ok", found[subject]


def test_before_the_first_start_nothing_is_a_problem_and_nothing_is_made(folder: Path) -> None:
    found = doctor()

    assert "chat.db does not exist yet" in found["database"]["said"]
    assert "is free" in found["port"]["said"]
    assert list(folder.iterdir()) == []


# ------------------------------------------------------------------------------------- broken


def test_wrong_settings_are_told_and_the_rest_is_looked_at() -> None:
    found = doctor(code=1, CHAT_ENV="production", CHAT_MESSAGE_BYTES="0")

    assert found["settings"]["level"] == "problem"
    assert "open files" in found
    shown = chat("doctor", CHAT_ENV="production", CHAT_MESSAGE_BYTES="0").stdout
    assert (
        "problem  settings: JWT_SECRET is required in production. To do: create one with" in shown
    )
    assert "problem  settings: CHAT_MESSAGE_BYTES must be 1 or more" in shown


@pytest.mark.parametrize(
    ("env", "subject", "said"),
    [
        ({"HOST": "0.0.0.0"}, "settings", "development mode at HOST=0.0.0.0"),  # noqa: S104
        ({"CHAT_RATE_LIMITS": "off"}, "settings", "CHAT_RATE_LIMITS is off"),
        ({"DATABASE_URL": "memory://"}, "settings", "DATABASE_URL is memory://"),
        ({"CHAT_ENV": "production", "JWT_SECRET": SECRET}, "settings", "CHAT_HOSTS is not set"),
        ({"JWT_SECRET": "abc" * 20}, "JWT_SECRET", "repeats itself or has too few"),
    ],
)
def test_what_is_unsafe_is_warned_about(env: dict[str, str], subject: str, said: str) -> None:
    found = findings(chat("doctor", "--json", **env))[subject]

    assert found["level"] == "warning"
    assert found["said"].startswith(said)


def test_a_kept_secret_that_others_can_read_is_a_problem(folder: Path) -> None:
    kept = folder / ".chat-jwt-secret"
    kept.write_text(SECRET)
    kept.chmod(0o644)

    found = doctor(code=1)["JWT_SECRET"]
    assert (found["level"], SECRET in str(found)) == ("problem", False)


def test_a_port_that_somebody_else_holds_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat_server.running_server.SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = doctor(code=1, PORT=str(port))["port"]
    assert found["level"] == "problem"
    assert f"can't listen on 127.0.0.1 port {port}" in found["said"]


def test_too_few_open_files_are_warned_about(folder: Path) -> None:
    limited = ["bash", "-c", 'ulimit -n 200; exec "$0" doctor --json', COMMAND]
    done = subprocess.run(limited, cwd=folder, capture_output=True, text=True, check=False)

    found = findings(done)["open files"]
    assert (found["level"], "200" in found["said"]) == ("warning", True)
    assert doctor("--connections", "1")["open files"]["level"] == "ok"


@pytest.mark.parametrize(
    ("script", "remedy"),
    [
        (f"PRAGMA user_version = {SCHEMA_VERSION + 1}", "upgrade chat-core"),
        ("DROP INDEX users_by_username", "restore a backup"),
        ("PRAGMA application_id = 7", "use another file"),
    ],
)
def test_a_file_that_can_not_be_used_is_a_problem(folder: Path, script: str, remedy: str) -> None:
    assert chat("migrate").exit_code == 0
    write(folder / "chat.db", script)

    found = doctor(code=1)["schema"]
    assert found["level"] == "problem"
    assert remedy in found["remedy"]


def test_a_damaged_file_is_a_problem(folder: Path) -> None:
    assert chat("migrate").exit_code == 0
    content = bytearray((folder / "chat.db").read_bytes())
    content[4096:20_000] = b"\xff" * (20_000 - 4096)
    (folder / "chat.db").write_bytes(content)

    problems = [each for each in doctor(code=1).values() if each["level"] == "problem"]
    assert "restore a backup" in problems[0]["remedy"]


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_be_written_is_a_problem(folder: Path, what: str) -> None:
    """Root may write everything, and so gives that up first."""
    assert chat("migrate").exit_code == 0
    (folder / "chat.db").chmod(0o400)
    if what == "folder":
        folder.chmod(0o500)
    command = [COMMAND, "doctor", "--json"]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            missing("setpriv is not installed")
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    folder.chmod(0o700)

    problems = [each for each in findings(done, 1).values() if each["level"] == "problem"]
    assert "give the service's user read and write access" in problems[0]["remedy"]


def test_a_mongodb_that_is_away_is_a_problem_and_no_secret_is_told() -> None:
    url = f"mongodb://ann:pass%2Fphrase@127.0.0.1:{free_port()}/chat?serverSelectionTimeoutMS=300"
    with nobody_answers():
        shown = chat("doctor", DATABASE_URL=url, JWT_SECRET=SECRET)

    assert shown.exit_code == 1
    assert "problem  database: no primary of a replica set answers at 127.0.0.1" in shown.stdout
    assert "To do: check that it is running, that the address is right" in shown.stdout
    for secret in ("phrase", SECRET):
        assert secret not in shown.output


# ------------------------------------------------------------------------------------ migrate


def test_an_old_file_is_brought_up_to_date_and_told_what_was_done(folder: Path) -> None:
    path = folder / "chat.db"
    make_version_2(path)
    before = path.read_bytes()

    would = json.loads(chat("migrate", "--dry-run", "--json").stdout)
    assert path.read_bytes() == before
    assert would["dryRun"]
    assert would["steps"][0] == (
        "upgrades the schema from version 2 to 3: adds column users.disabled_at"
    )
    assert doctor()["schema"]["level"] == "warning"

    done = chat("migrate")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == ["Steps done:", *(f"  {each}" for each in would["steps"])]
    assert chat("migrate").stdout == "The database is up to date.\n"
    assert doctor()["schema"]["level"] == "ok"


@pytest.mark.parametrize("form", [[], ["--dry-run"]])
def test_what_can_not_be_migrated_is_told_in_a_sentence(folder: Path, form: list[str]) -> None:
    assert chat("migrate", *form, DATABASE_URL="memory://").exit_code == 2
    assert chat("migrate").exit_code == 0
    write(folder / "chat.db", "PRAGMA user_version = 99")

    done = chat("migrate", *form)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("DATABASE_URL: The database has schema version 99")
