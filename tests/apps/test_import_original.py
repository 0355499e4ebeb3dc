"""Taking over what Mongoose and bcryptjs wrote, into a file and into MongoDB, and logging in."""

import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo import AsyncMongoClient

from tests.support.mongod import Mongod, mongodb_url, nobody_answers
from tests.support.original import (
    PASSWORD,
    Original,
    import_original,
    original_database,
    start_import,
)
from tests.support.server import Api, Person, ServerProcess, refused
from tests.support.waiting import eventually

LONG = "a password of more than 72 bytes, which is where bcrypt stops reading: " + "x" * 30
CUT = "€" * 23 + "ab€ and so on"
"""bcrypt's 72 bytes end within a character."""


@pytest.fixture
async def original() -> AsyncIterator[Original]:
    async with original_database() as original:
        yield original


@pytest.fixture(params=["sqlite", "mongodb"])
async def target(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """`DATABASE_URL` of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'chat.db'}"
        return
    name = f"imported_{os.getpid()}"
    async with AsyncMongoClient[dict[str, Any]](mongodb_url()) as client:
        await client.drop_database(name)
        yield mongodb_url(name)
        await client.drop_database(name)


async def imported(folder: Path, original: Original, target: str) -> Any:
    """The summary of a run that ends well."""
    ran = await import_original(folder, "--json", "--from", original.url, DATABASE_URL=target)
    return ran.summary


async def stored_hashes(target: str) -> dict[str, str]:
    if target.startswith("sqlite"):
        with closing(sqlite3.connect(target.removeprefix("sqlite:///"))) as file:
            return dict(file.execute("SELECT username, password_hash FROM users"))
    async with AsyncMongoClient[dict[str, Any]](target) as client:
        users = client.get_default_database()["chat_users"].find()
        return {each["username"]: each["password_hash"] async for each in users}


async def said(api: Api, reader: Person) -> dict[str, list[tuple[str, str, str]]]:
    """What a user finds: id, sender and content of each message, by the other's name."""
    found = {}
    for conversation in (await api.get("/conversations", reader, limit=100))["items"]:
        (other,) = (m["userId"] for m in conversation["members"] if m["userId"] != reader.id)
        (user,) = (await api.get("/users", reader, ids=other))["items"]
        history = await api.history(reader, conversation["id"])
        found[user["username"]] = [(m["id"], m["senderId"], m["content"]) for m in history]
    return found


async def test_users_log_in_with_their_password_and_find_what_was_said(
    tmp_path: Path, original: Original, target: str
) -> None:
    talk = [
        ("alice", "bob", "hi"),
        ("bob", "alice", "€ \U0001f600\n"),
        ("carol", "alice", "x" * 20_000),
        ("alice", "bob", " again "),
    ]
    passwords = {"alice": PASSWORD, "bob": LONG, "carol": CUT, "Dave Ü.": "pä$$wörd €"}
    written = await original.write(
        [
            {"username": name, "email": f"U{number}@Example.org", "password": password}
            for number, (name, password) in enumerate(passwords.items())
        ],
        talk,
    )
    before = await original.dump()

    summary = await imported(tmp_path, original, target)
    assert (summary["users"]["added"], summary["messages"]["added"]) == (4, 4)
    assert (summary["users"]["skipped"], summary["messages"]["skipped"]) == ({}, {})
    assert await original.dump() == before
    assert {each[:4] for each in (await stored_hashes(target)).values()} == {"$2b$"}

    async with ServerProcess(tmp_path, DATABASE_URL=target) as server, Api(server.url) as api:
        for name, password in passwords.items():
            wrong = {"username": name, "password": f"_{password}"}
            refused(await api.http.post("/users/login", json=wrong), 401, "invalid_credentials")
            person = await api.log_in(name, password)
            assert person.id == written.users[name]
        people = {name: await api.log_in(name, password) for name, password in passwords.items()}
        hashes = await stored_hashes(target)
        assert {each.split("$")[1] for each in hashes.values()} == {"argon2id"}
        assert (await api.log_in("u0@example.org", PASSWORD)).id == written.users["alice"]

        lines = [
            (message_id, written.users[sender], content)
            for message_id, (sender, _, content) in zip(written.messages, talk, strict=True)
        ]
        for conversation in (await api.get("/conversations", people["alice"]))["items"]:
            history = await api.history(people["alice"], conversation["id"])
            assert [each["seq"] for each in history] == list(range(1, len(history) + 1))
        assert await said(api, people["alice"]) == {
            "bob": [lines[0], lines[1], lines[3]],
            "carol": [lines[2]],
        }
        me = await api.get("/users/me", people["Dave Ü."])
        assert (me["displayName"], me["email"]) == ("Dave Ü.", "U3@Example.org")
        at = {row["username"]: row["createdAt"] for row in before["users"]}["Dave Ü."]
        assert me["createdAt"] == at.isoformat(timespec="milliseconds")[:-6] + "Z"
        await api.send(people["bob"], people["alice"], "and on it goes")


async def test_run_again_it_adds_what_is_new_and_nothing_else(
    tmp_path: Path, original: Original, target: str
) -> None:
    await original.write(["alice", "bob"], [("alice", "bob", f"{n}") for n in range(5)])
    await original.write([], [("bob", "alice", "the last one")])
    await imported(tmp_path, original, target)

    again = await imported(tmp_path, original, target)
    assert again["users"] | {"added": 0, "thereBefore": 2} == again["users"]
    assert again["messages"] | {"added": 0, "thereBefore": 6} == again["messages"]

    await original.write(["carol"], [("carol", "bob", "hello"), ("alice", "bob", "more")])
    more = await imported(tmp_path, original, target)
    assert (more["users"]["added"], more["users"]["thereBefore"]) == (1, 2)
    assert (more["messages"]["added"], more["messages"]["thereBefore"]) == (2, 6)

    async with ServerProcess(tmp_path, DATABASE_URL=target) as server, Api(server.url) as api:
        found = await said(api, await api.log_in("bob"))
    contents = {name: [content for *_, content in lines] for name, lines in found.items()}
    expected = [*(f"{n}" for n in range(5)), "the last one", "more"]
    assert contents == {"alice": expected, "carol": ["hello"]}


async def test_what_was_changed_here_since_stays_as_it_is(
    tmp_path: Path, original: Original, target: str
) -> None:
    written = await original.write(
        ["alice", "bob", "carol"],
        [("alice", "bob", "one"), ("alice", "bob", "two"), ("carol", "bob", "three")],
    )
    await imported(tmp_path, original, target)
    async with ServerProcess(tmp_path, DATABASE_URL=target) as server, Api(server.url) as api:
        alice, carol = await api.log_in("alice"), await api.log_in("carol")
        new_password = {"currentPassword": PASSWORD, "newPassword": "battery staple"}
        await api.http.put("/users/me/password", json=new_password, headers=alice.bearer)
        path = f"/messages/{written.messages[0]}"
        edited = await api.http.patch(path, json={"content": "ONE"}, headers=alice.bearer)
        assert edited.status_code == 200, edited.text
        gone = await api.http.request(
            "DELETE", "/users/me", json={"password": PASSWORD}, headers=carol.bearer
        )
        assert gone.status_code == 204, gone.text
    await original.database.messages.update_one(
        {"_id": ObjectId(written.messages[1])}, {"$set": {"content": "TWO"}}
    )
    await original.write([], [("bob", "carol", "are you there?"), ("bob", "alice", "four")])

    again = await imported(tmp_path, original, target)
    assert (again["users"]["added"], again["users"]["thereBefore"]) == (0, 3)
    assert (again["messages"]["added"], again["messages"]["thereBefore"]) == (1, 2)
    assert again["messages"]["skipped"] == {"changed": 1, "accountDeleted": 1}
    async with ServerProcess(tmp_path, DATABASE_URL=target) as server, Api(server.url) as api:
        bob = await api.log_in("bob")
        found = await said(api, await api.log_in("alice", "battery staple"))
        assert [content for *_, content in found["bob"]] == ["ONE", "two", "four"]
        refused(
            await api.http.post("/users/login", json={"username": "carol", "password": PASSWORD}),
            401,
            "invalid_credentials",
        )
        assert (await api.get("/users", bob, ids=carol.id))["items"][0]["username"] is None


async def test_of_those_with_one_name_or_address_the_oldest_keeps_it(
    tmp_path: Path, original: Original, target: str
) -> None:
    def account(username: str, email: str) -> dict[str, str]:
        return {"username": username, "email": email, "password": PASSWORD}

    written = await original.write(
        [
            account("Alice", "alice@example.org"),
            account("ALICE", "other@example.org"),
            account("bob", "Alice@Example.org"),
            account("other@example.org", "third@example.org"),
            account("x@example.org", "x@example.org"),
            account("eve", "X@example.org"),
        ],
        [("ALICE", "Alice", "hello me")],
    )
    users = written.users
    renamed = {name: f"{name}-{users[name][-6:]}" for name in ("ALICE", "other@example.org")}

    summary = await imported(tmp_path, original, target)
    assert summary["users"]["added"] == 6
    assert summary["users"]["renamed"] == [
        {"id": users[was], "was": was, "now": now} for was, now in renamed.items()
    ]
    assert summary["users"]["emailsLeftOut"] == [
        {"id": users["bob"], "username": "bob", "email": "Alice@Example.org"},
        {"id": users["eve"], "username": "eve", "email": "X@example.org"},
    ]
    again = await imported(tmp_path, original, target)
    assert (again["users"]["added"], again["users"]["renamed"]) == (0, [])
    async with ServerProcess(tmp_path, DATABASE_URL=target) as server, Api(server.url) as api:
        for login, name in [
            ("alice", "Alice"),
            ("alice@example.org", "Alice"),
            (renamed["ALICE"], "ALICE"),
            ("other@example.org", "ALICE"),
            ("bob", "bob"),
            ("third@example.org", "other@example.org"),
            ("x@example.org", "x@example.org"),
            ("eve", "eve"),
        ]:
            assert (await api.log_in(login)).id == users[name]
        second = await api.log_in(renamed["ALICE"])
        assert (await api.get("/users/me", second))["displayName"] == "ALICE"
        assert [content for *_, content in (await said(api, second))["Alice"]] == ["hello me"]


async def test_a_name_that_an_account_here_has_is_kept_by_that(
    tmp_path: Path, original: Original
) -> None:
    target = f"sqlite:///{tmp_path / 'chat.db'}"
    async with ServerProcess(tmp_path, DATABASE_URL=target) as server, Api(server.url) as api:
        await api.sign_up("alice", email="alice@example.org")
    written = await original.write(["Alice"])

    summary = await imported(tmp_path, original, target)
    assert summary["users"]["renamed"][0]["now"] == f"Alice-{written.users['Alice'][-6:]}"
    assert len(summary["users"]["emailsLeftOut"]) == 1


async def test_nothing_odd_is_lost_silently(
    tmp_path: Path, original: Original, target: str
) -> None:
    written = await original.write(["alice", "bob"], [("alice", "bob", "first")])
    alice, bob = (ObjectId(written.users[name]) for name in ("alice", "bob"))
    later = ObjectId.from_datetime(datetime(2020, 5, 17, 12, tzinfo=UTC))
    await original.database.users.drop_indexes()  # as where they could not be made
    hashed = (await original.database.users.find_one({"_id": alice}) or {})["password"]
    await original.database.users.insert_many(
        [
            {"_id": later, "username": "undated", "password": hashed, "tags": ["x"]},
            {"_id": "text-id", "username": "ann\0e", "email": "", "password": hashed},
            {"_id": ObjectId(), "username": 7, "email": None, "password": hashed},
            {"_id": ObjectId(), "username": "plain", "password": "correct horse"},
            {"_id": ObjectId(), "username": "none", "email": ["x"], "createdAt": "2024-01-31"},
            {"_id": "no/address", "username": "slash"},
            {"_id": {"a": 1}, "username": "object"},
        ]
    )
    at = datetime(2024, 1, 1, tzinfo=UTC)

    def message(sender: Any, receiver: Any, content: Any, **more: Any) -> dict[str, Any]:
        return {"sender": sender, "receiver": receiver, "content": content, "createdAt": at} | more

    await original.database.messages.insert_many(
        [
            message(str(alice), "text-id", "from a text id", _id="m-1"),
            message(alice, "text-id", "nul \0 inside", createdAt=None, _id=later),
            message(alice, alice, "to oneself"),
            message(ObjectId(), alice, "from nobody"),
            message(None, alice, "from nothing"),
            message(alice, ObjectId(), "to nobody"),
            message(alice, bob, ""),
            message(alice, bob, {"text": "x"}),
            message(alice, bob, None, extra={"a": [1]}),
            message(alice, bob, "id", _id=3.5),
        ]
    )

    summary = await imported(tmp_path, original, target)
    users, messages = summary["users"], summary["messages"]
    assert (users["added"], users["mended"], users["skipped"]) == (7, 1, {"unusableId": 2})
    assert [(each["was"], each["now"][:5]) for each in users["renamed"]] == [(None, "user-")]
    assert {each["username"] for each in users["withoutPassword"]} == {"plain", "none"}
    assert (messages["added"], messages["mended"]) == (3, 1)
    assert messages["skipped"] == {
        "toOneself": 1,
        "unknownSender": 2,
        "unknownReceiver": 1,
        "withoutText": 3,
        "unusableId": 1,
    }
    async with ServerProcess(tmp_path, DATABASE_URL=target) as server, Api(server.url) as api:
        found = await said(api, await api.log_in("alice"))
        assert found["ann\ufffde"] == [
            (str(later), str(alice), "nul \ufffd inside"),
            ("m-1", str(alice), "from a text id"),
        ]
        undated = await api.get("/users/me", await api.log_in("undated"))
        assert undated["createdAt"] == "2020-05-17T12:00:00.000Z"
        for name, password in (("plain", "correct horse"), ("none", "")):
            body = {"username": name, "password": password}
            answer = await api.http.post("/users/login", json=body)
            assert answer.status_code == 401, answer.text


async def test_a_run_that_is_killed_is_completed_by_the_next(
    tmp_path: Path, original: Original, target: str
) -> None:
    await original.write(["alice", "bob", "carol"])
    ids = [row["_id"] async for row in original.database.users.find().sort("username")]
    number = 6000
    await original.database.messages.insert_many(
        {"sender": ids[n % 3], "receiver": ids[(n + 1) % 3], "content": f"{n}"}
        for n in range(number)
    )

    program = await start_import(tmp_path, "--from", original.url, DATABASE_URL=target)

    async def is_half_way() -> bool:
        return await stored_messages(target) > 0

    await eventually(is_half_way)
    program.kill()
    await program.wait()
    stored = await stored_messages(target)
    assert 0 < stored < number

    summary = await imported(tmp_path, original, target)
    assert summary["users"]["thereBefore"] == 3
    assert summary["messages"]["added"] + summary["messages"]["thereBefore"] == number
    assert summary["messages"]["thereBefore"] >= stored
    assert await stored_messages(target) == number
    async with ServerProcess(tmp_path, DATABASE_URL=target) as server, Api(server.url) as api:
        found = await said(api, await api.log_in("alice"))
    contents = {name: [int(content) for *_, content in lines] for name, lines in found.items()}
    assert contents == {
        "bob": [n for n in range(number) if n % 3 == 0],
        "carol": [n for n in range(number) if n % 3 == 2],
    }


async def stored_messages(target: str) -> int:
    if target.startswith("sqlite"):
        path = Path(target.removeprefix("sqlite:///"))
        if not path.exists():
            return 0
        with closing(sqlite3.connect(path)) as file:
            try:
                return int(file.execute("SELECT count(*) FROM messages").fetchone()[0])
            except sqlite3.OperationalError:  # its tables are not made yet
                return 0
    async with AsyncMongoClient[dict[str, Any]](target) as client:
        return await client.get_default_database()["chat_entries"].count_documents({})


async def test_ctrl_c_stops_it_with_a_sentence(tmp_path: Path, original: Original) -> None:
    await original.write(["alice", "bob"])
    ids = [row["_id"] async for row in original.database.users.find()]
    await original.database.messages.insert_many(
        {"sender": ids[0], "receiver": ids[1], "content": f"{n}"} for n in range(20_000)
    )
    target = f"sqlite:///{tmp_path / 'chat.db'}"
    program = await start_import(tmp_path, "--from", original.url, DATABASE_URL=target)

    async def has_begun() -> bool:
        return await stored_messages(target) > 0

    await eventually(has_begun)
    program.send_signal(signal.SIGINT)
    stdout, stderr = await program.communicate()
    assert (program.returncode, stdout) == (130, b"")
    assert stderr == b"Stopped. Everything imported so far is stored; run it again to continue.\n"
    assert (await imported(tmp_path, original, target))["users"]["thereBefore"] == 2
    assert await stored_messages(target) == 20_000


async def test_the_summary_is_for_people(tmp_path: Path, original: Original) -> None:
    written = await original.write(
        ["Alice", "alice"], [("Alice", "alice", "hi"), ("Alice", "Alice", "me")]
    )
    await original.database.users.insert_one({"username": "odd\x1b[2J", "password": "x"})
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'chat.db'}",
        "ORIGINAL_DATABASE_URL": original.url,
    }

    ran = await import_original(tmp_path, **environment)
    name = original.database.name
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout == (
        f"Imported from the database {name}:\n"
        "  users: 3 added, 0 already there\n"
        "  messages: 1 added, 0 already there\n"
        "Skipped messages:\n"
        "  1: its sender is also its recipient\n"
        "Users with a new name, because theirs was missing or taken:\n"
        f"  alice is alice-{written.users['alice'][-6:]}\n"
        "Users who lost their e-mail address, because another account has it:\n"
        f"  alice-{written.users['alice'][-6:]}: alice@example.org\n"
        "Users who can't log in, because the original has no bcrypt hash for them:\n"
        "  'odd\\x1b[2J'\n"
    )


async def test_a_standalone_mongod_is_read_too(tmp_path: Path) -> None:
    mongod = Mongod(tmp_path / "mongod", replica_set=False)
    mongod.start()
    try:
        url = f"mongodb://{mongod.address}"
        async with AsyncMongoClient[dict[str, Any]](url) as client:
            await Original(url, client["test"]).write(["alice", "bob"], [("alice", "bob", "hi")])
        ran = await import_original(tmp_path, "--json", "--from", url)
    finally:
        mongod.kill()
    assert ran.summary["database"] == "test"
    assert (ran.summary["users"]["added"], ran.summary["messages"]["added"]) == (2, 1)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("{mongod}/not_there_{pid}", "has no collection users"),
        ("mongodb://user:{secret}@127.0.0.1:1/test", "no MongoDB answers at 127.0.0.1:1"),
        ("mongodb://user:{secret}@127.0.0.1:{port}/test", "may not read this database"),
        ("mongodb://user:x/{secret}@127.0.0.1/test", "is not a MongoDB URL"),
        ("mongodb://user:x{secret}@", "is not a MongoDB URL"),
        ("mongodb://h:{secret}", "is not a MongoDB URL"),
        ("postgres://user:{secret}@127.0.0.1/test", "is not a MongoDB URL"),
        ("{secret}", "is not a MongoDB URL"),
        ("", "is not a MongoDB URL"),
    ],
)
async def test_what_is_no_database_of_the_original_is_refused_in_a_sentence(
    tmp_path: Path, url: str, reason: str
) -> None:
    server = mongodb_url().partition("/?")[0]
    secret = "hunter2hunter2"
    port = server.rpartition(":")[2]
    given = url.format(mongod=server, pid=os.getpid(), secret=secret, port=port)
    with nobody_answers():
        ran = await import_original(tmp_path, f"--from={given}")

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert reason in ran.stderr
    assert ran.stderr.startswith("--from: ")
    assert ran.stderr.count("\n") == 1
    assert secret not in ran.stderr
    assert not (tmp_path / "chat.db").exists()


async def test_a_database_without_users_is_told_by_what_it_has(
    tmp_path: Path, original: Original
) -> None:
    for name in ("orders", "customers"):
        await original.database[name].insert_one({})
    ran = await import_original(tmp_path, "--from", original.url)

    assert ran.exit_code == 2
    assert f"the database {original.database.name} is not the original system's" in ran.stderr
    assert "it has customers, orders" in ran.stderr


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("memory://", "stores nothing"),
        ("sqlite:////no/such/folder/chat.db", "can't be opened"),
        ("mysql://x", "can't be mysql://"),
    ],
)
async def test_a_database_to_import_into_that_will_not_do_is_named(
    tmp_path: Path, original: Original, target: str, reason: str
) -> None:
    await original.write(["alice"])
    ran = await import_original(tmp_path, "--from", original.url, DATABASE_URL=target)

    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("DATABASE_URL: ")
    assert reason in ran.stderr
    assert ran.stderr.count("\n") == 1
