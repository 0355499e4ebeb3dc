"""`chat-server users export`: the archive is complete, and holds no more than its user may see."""

import asyncio
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chat_core.testing.makers import direct, draft, stored_users
from chat_server.commands import chat_server
from chat_sqlite import SqliteDatabase
from tests.support.server import PASSWORD, Api, ServerProcess, answered
from tests.support.stores import sqlite_stores_in


async def export(*arguments: str) -> Result:
    return await asyncio.to_thread(CliRunner().invoke, chat_server, ["users", "export", *arguments])


@contextmanager
def opened(path: Path) -> Iterator[dict[str, Any]]:
    """The files of an archive: JSON, and a text."""
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        read = {name: archive.read(name).decode() for name in archive.namelist()}
    yield {
        name: json.loads(text) if name.endswith(".json") else text for name, text in read.items()
    }


async def test_everything_that_a_user_has_and_may_see_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        ann = await api.person("ann", email="ann@example.org", displayName="Ann Ähnlich")
        bob, eve = await api.people("bob", "eve")
        await api.http.put(f"/users/{eve.id}/block", headers=ann.bearer)
        one = await api.send(ann, bob, "one\n\u2603", clientMessageId="c1")
        two = await api.send(ann, bob, "two")
        bobs = await api.send(bob, ann, "of Bob", clientMessageId="b1")
        edit = {"content": "ONE"}
        await api.http.patch(f"/messages/{one['id']}", json=edit, headers=ann.bearer)
        await api.http.delete(f"/messages/{two['id']}", headers=ann.bearer)
        group = {"kind": "group", "title": "Left", "memberIds": [ann.id]}
        left = answered(await api.post("/conversations", bob, group), 201)["id"]
        for speaker, content in ((ann, "said in Left"), (bob, "not for Ann any more")):
            body = {"conversationId": left, "content": content}
            answered(await api.post("/messages", speaker, body), 201)
        await api.http.delete(f"/conversations/{left}/members/{ann.id}", headers=ann.bearer)
        await api.send(bob, eve, "between others")

        told = await export(ann.username, "--output", "ann.zip", "--json")
        assert told.exit_code == 0, told.stderr
        assert json.loads(told.stdout) == {
            "file": "ann.zip",
            "conversations": 1,
            "messages": 4,
            "ownMessages": 3,
        }
        history = await api.history(ann, one["conversationId"])
        (shown,) = (await api.get("/conversations", ann))["items"]
        with opened(tmp_path / "ann.zip") as files:
            profile = files["profile.json"]
            assert (profile["username"], profile["email"]) == (ann.username, "ann@example.org")
            assert profile["displayName"] == "Ann Ähnlich"
            (login,) = files["sessions.json"]
            assert (login["device"], login["address"]) == ("Unnamed device", "127.0.0.1")
            assert login["userAgent"].startswith("python-httpx/")
            assert [each["username"] for each in files["blocks.json"]] == [eve.username]
            (listed,) = files["conversations.json"]
            assert {each["username"]: each["role"] for each in listed["members"]} == {
                ann.username: "member",
                bob.username: "member",
            }
            assert listed["receipts"] == shown["receipts"]
            messages = files[listed["messages"]]
            assert messages == [{"own": each["senderId"] == ann.id, **each} for each in history]
            assert [each["content"] for each in messages] == ["ONE", None, bobs["content"]]
            assert [each["clientMessageId"] for each in messages] == ["c1", None, None]
            (said,) = files["left-groups.json"]
            assert (said["content"], said["conversationId"]) == ("said in Left", left)
            for name in files.keys() - {"README.txt", listed["messages"]}:
                assert name in files["README.txt"]
            whole = json.dumps(files, ensure_ascii=False)
            for hidden in ("not for Ann", "between others", "argon2", PASSWORD):
                assert hidden not in whole
        again = await export(ann.username, "--output", "ann.zip")
        assert (again.exit_code, "already exists" in again.stderr) == (1, True)
        unknown = await export("nobody")
        assert unknown.exit_code == 1
        assert unknown.stderr.startswith("There is no user with the username")
        assert not list(tmp_path.glob("*nobody*"))


async def test_ten_thousand_messages_are_all_in_it_and_gone_when_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = await SqliteDatabase.open(tmp_path / "chat.db")
    stores = sqlite_stores_in(database)
    ann, bob = await stored_users(stores.users, "xanthippe", "bob")
    of = direct(ann, bob)
    said = [draft(of, ann, f"Word {n} of hers", client_id=f"c{n}") for n in range(10_000)]
    await stores.log.append(said[0])
    await asyncio.gather(*(stores.log.append(each) for each in said[1:]))
    kept = await stores.log.append(draft(of, bob, "what Bob says"))

    told = await export("xanthippe")
    assert told.stdout.startswith(
        "xanthippe.zip contains 1 conversations with 10,001 messages, 10,000"
    )
    with opened(tmp_path / "xanthippe.zip") as files:
        messages = files[f"conversations/{kept.message.conversation_id}.json"]
        assert [each["content"] for each in messages if each["own"]] == [
            each.body.text for each in said
        ]
    (tmp_path / "xanthippe.zip").unlink()
    arguments = ["users", "erase", "xanthippe", "--yes"]
    erased = await asyncio.to_thread(CliRunner().invoke, chat_server, arguments)
    assert erased.exit_code == 0, erased.output
    for file in tmp_path.iterdir():
        assert b"of hers" not in file.read_bytes()
        assert b"xanthippe" not in file.read_bytes()
    entries = list(
        await stores.reader.entries(kept.event.conversation_id, after=9_999, until=99_999, limit=9)
    )
    assert [each.seq for each in entries] == [10_000, 10_001, 10_002]
    assert await stores.reader.message(kept.message.id) == kept.message
    await database.close()
