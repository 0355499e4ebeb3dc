"""`chat-server users erase`: no byte of a user is left, and nothing of others is lost."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chat_server.commands import chat_server
from tests.support.command import command
from tests.support.live_socket import live_socket
from tests.support.server import Api, Person, ServerProcess, answered, refused

NAME, SHOWN, EMAIL = "quetzalcoatl", "Feathered Serpent", "serpent@tenochtitlan.example"
PASSWORD = "obsidian mirror of smoke"
SAYING = "Cempasuchil petals on the water"
PROGRAM = "Obsidian telephone 7"
TRACES = (NAME, SHOWN, EMAIL, PASSWORD, SAYING, "Jade telephone", PROGRAM)
"""What must be nowhere in the end, whatever its case."""


def found_in(folder: Path, password_hash: str) -> set[str]:
    """The traces in the files of the database."""
    read = [each.read_bytes().lower() for each in folder.iterdir() if "chat.db" in each.name]
    assert read
    return {
        trace
        for trace in (*TRACES, password_hash)
        if any(trace.lower().encode() in content for content in read)
    }


def hash_of(user: Person, folder: Path) -> str:
    with closing(sqlite3.connect(folder / "chat.db")) as connection:
        asked = connection.execute("SELECT password_hash FROM users WHERE id = ?", (user.id,))
        (password_hash,) = asked.fetchone()
    assert password_hash.startswith("$argon2")
    return str(password_hash)


async def say(api: Api, speaker: Person, conversation_id: str, *contents: str) -> list[str]:
    """Send them; the ids."""
    ids = []
    for number, content in enumerate(contents):
        body = {
            "conversationId": conversation_id,
            "content": content,
            "clientMessageId": f"{conversation_id} {number}",
        }
        ids.append(answered(await api.post("/messages", speaker, body), 201)["id"])
    return ids


async def test_of_an_erased_user_no_byte_is_left_and_others_keep_what_they_have(
    tmp_path: Path,
) -> None:
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        await api.sign_up(NAME, PASSWORD, email=EMAIL, displayName=SHOWN)
        own = {"username": NAME, "password": PASSWORD, "device": "Jade telephone"}
        own_program = {"User-Agent": PROGRAM}
        login = await api.http.post("/users/login", json=own, headers=own_program)
        answered(login, 200)
        gone = await api.log_in(NAME, PASSWORD, device="Jade telephone")
        bob, eve = await api.people("bob", "eve")
        await api.http.put(f"/users/{eve.id}/block", headers=gone.bearer)
        first = await api.send(gone, bob, SAYING, clientMessageId="first")
        between = first["conversationId"]
        long = [f"{SAYING}, {number}: {'jade and feathers ' * 20}" for number in range(200)]
        ids = await say(api, gone, between, *long)
        edit = {"content": f"{SAYING}, edited"}
        changed = await api.http.patch(f"/messages/{ids[0]}", json=edit, headers=gone.bearer)
        answered(changed, 200)
        await api.http.delete(f"/messages/{ids[1]}", headers=gone.bearer)
        kept = await api.send(bob, gone, "what others say stays")
        group = {"kind": "group", "title": "Friends", "memberIds": [gone.id, eve.id]}
        left = answered(await api.post("/conversations", bob, group), 201)["id"]
        await say(api, gone, left, SAYING)
        path = f"/conversations/{left}/members/{gone.id}"
        assert (await api.http.delete(path, headers=gone.bearer)).status_code == 204
        password_hash = hash_of(gone, tmp_path)
        assert found_in(tmp_path, password_hash) == {*TRACES, password_hash} - {PASSWORD}

        async with live_socket(server.url, bob) as bobs, live_socket(server.url, gone) as theirs:
            told = await command(tmp_path, "users", "erase", NAME, "--yes", "--json")
            await theirs.wait_for("auth_error", code="session_revoked")
            answer = await bobs.call(
                "sync", {"conversations": {between: kept["seq"], left: 3}, "others": "none"}
            )
        assert {name: told.json[name] for name in ("id", "conversations", "groupsLeftBefore")} == {
            "id": gone.id,
            "conversations": 1,
            "groupsLeftBefore": 1,
        }
        for part in answer["conversations"]:
            (entry,) = part["entries"]
            assert (entry["data"]["change"], entry["data"]["userId"]) == (
                "member_deleted",
                gone.id,
            )
        history = await api.history(bob, between)
        assert [each["content"] for each in history] == [None] * 201 + [kept["content"]]
        assert history[-1] == {**kept, "clientMessageId": kept["clientMessageId"]}
        assert [each["content"] for each in await api.history(eve, left)] == [None]
        seen = await api.get(f"/users/{gone.id}", bob)
        assert (seen["username"], seen["displayName"]) == (None, None)
        assert seen["deletedAt"]
        body = {"username": NAME, "password": PASSWORD}
        refused(await api.http.post("/users/login", json=body), 401, "invalid_credentials")
        assert found_in(tmp_path, password_hash) == set()

        again = await command(tmp_path, "users", "erase", gone.id, "--yes", "--json")
        assert (again.json["conversations"], again.json["groupsLeftBefore"]) == (0, 0)
        assert len(await api.history(bob, between)) == len(history)
        assert "Traceback" not in server.log
    assert found_in(tmp_path, password_hash) == set()


async def run(*arguments: str, answer: str = "") -> Result:
    """Run `users erase` in this process, and type that answer."""
    arguments = ("users", "erase", *arguments)
    return await asyncio.to_thread(CliRunner().invoke, chat_server, arguments, input=answer)


async def test_it_asks_before_and_a_dry_run_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        ann, bob = await api.people("ann", "bob")
        await api.send(ann, bob, "hello")

        shown = await run(ann.username, "--dry-run")
        assert shown.exit_code == 0
        assert "1 conversations to leave" in shown.stdout
        unsure = await run(ann.username, answer="n\n")
        assert (unsure.exit_code, unsure.stderr) == (1, "Nothing has changed.\n")
        silent = await run(ann.username, "--json")
        assert (silent.exit_code, silent.stdout) == (2, "")
        assert (await api.get("/users/me", ann))["username"] == ann.username
        unknown = await run("nobody", "--yes")
        assert unknown.exit_code == 1
        assert unknown.stderr.startswith("There is no user with the username")


@pytest.mark.parametrize(
    "command", [("users", "erase", "x"), ("messages", "expire", "--older-than", "1d")]
)
def test_where_nothing_is_kept_there_is_nothing_to_do(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(chat_server, command, env={"DATABASE_URL": "memory://"})

    assert told.exit_code == 2
    assert told.stderr.startswith("DATABASE_URL: memory://")
