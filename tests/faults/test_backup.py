"""A backup that is taken while people write, and a server that goes on from it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from chat_sqlite import SqliteDatabase
from tests.support.command import command
from tests.support.live_socket import live_socket
from tests.support.senders import pairs, total
from tests.support.server import Api, ServerProcess
from tests.support.waiting import eventually


async def test_a_backup_taken_under_load_restores_to_whole_logs_with_all_that_was_acked_before(
    tmp_path: Path,
) -> None:
    async with ServerProcess(tmp_path) as server:
        async with Api(server.url) as api:
            people = await api.people(*(f"person{number}" for number in range(6)))
        couples = pairs(people)
        senders = [sender for couple in couples for sender in couple]
        is_over = asyncio.Event()
        sending = [
            asyncio.create_task(each.send_on(server.url, by_socket=True, until=is_over.is_set))
            for each in senders
        ]
        await eventually(lambda: total(senders) >= 60)
        acked = {each.person.id: dict(each.acked) for each in senders}
        taken = await command(tmp_path, "backup", "backups.db", "--json")
        wanted = total(senders) + 60
        await eventually(lambda: total(senders) >= wanted)
        is_over.set()
        await asyncio.gather(*sending)
        refused = await command(tmp_path, "restore", "backups.db")
        assert (taken.code, refused.code) == (0, 1)
        assert "is in use: stop the server" in refused.stderr
        ends = {
            each.person.id: max(message["seq"] for message in each.acked.values())
            for each in senders
        }
    assert server.exit_code == 0

    restored = await command(tmp_path, "restore", "backups.db", "--json")
    assert Path(restored.json["before"]).name.startswith("chat.db.before-")
    with closing(sqlite3.connect(tmp_path / "chat.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    async with ServerProcess(tmp_path) as server, Api(server.url) as api:
        for one, other in couples:
            (shown,) = (await api.get("/conversations", one.person))["items"]
            stored = await api.history(one.person, shown["id"])
            assert [each["seq"] for each in stored] == list(range(1, shown["lastSeq"] + 1))
            by_id = {each["id"]: each for each in stored}
            for each in (one, other):
                for client_id, message in acked[each.person.id].items():
                    kept = by_id[message["id"]]
                    assert kept | {"clientMessageId": client_id} == message
            async with live_socket(server.url, one.person) as live:
                seq = max(ends[one.person.id], ends[other.person.id])
                assert seq > shown["lastSeq"]
                named = {"conversations": {shown["id"]: seq}, "others": "none"}
                (part,) = (await live.call("sync", named))["conversations"]
                assert (part["reset"], part["lastSeq"]) == (True, shown["lastSeq"])
            assert (await api.send(one.person, other.person, "on"))["seq"] == shown["lastSeq"] + 1
        assert "Traceback" not in server.log


async def test_a_backup_stopped_by_ctrl_c_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    await (await SqliteDatabase.open(tmp_path / "chat.db")).close()
    with closing(sqlite3.connect(tmp_path / "chat.db")) as connection, connection:
        # A copy that takes a while: 200 MB that no page cache holds as zeros.
        connection.execute("CREATE TABLE ballast (x)")
        connection.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)"
            " INSERT INTO ballast SELECT randomblob(1000000) FROM n"
        )

    def begins() -> bool:
        return any(each.name.startswith(".copy.db.") for each in tmp_path.iterdir())

    stopped = await command(tmp_path, "backup", "copy.db", stop_when=begins)
    assert (stopped.code, stopped.stderr) == (130, "Stopped. copy.db was not written.\n")
    assert not begins()
    assert not (tmp_path / "copy.db").exists()
