"""`chat-server messages expire` beside a running server."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chat_core import Conversation, ConversationId, UserId
from chat_core.bodies import Body
from chat_core.ids import ClientMessageId, MessageId
from chat_core.memory import RandomIds, SystemClock
from chat_core.ports.log import MessageDraft
from chat_core.testing.makers import acting
from chat_server.commands import chat_server
from chat_server.databases import open_stores
from chat_server.settings import load_settings
from tests.support.command import Ended, command
from tests.support.live_socket import LiveSocket, live_socket
from tests.support.mongod import fresh_database
from tests.support.server import Api, Person, ServerProcess, answered, refused


@pytest.fixture(params=["sqlite", "mongodb"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/chat.db"
        return
    with fresh_database() as url:
        yield url


async def say_long_ago(database_url: str, ann: Person, bob: Person, *contents: str) -> str:
    """Ann wrote that to Bob two hours ago, and the server was told nothing: the conversation."""
    ids, at = RandomIds(), SystemClock().now() - timedelta(hours=2)
    one, other = UserId(ann.id), UserId(bob.id)
    conversation = Conversation.direct(ConversationId(ids.new_id()), one, other, at)
    async with open_stores(load_settings(DATABASE_URL=database_url)) as stores:
        for content in contents:
            client_id, message_id = ClientMessageId(content), MessageId(ids.new_id())
            draft = MessageDraft(
                message_id, conversation, acting(one), Body(content), client_id, at
            )
            stored = (await stores.log.append(draft)).message.conversation_id
    return stored


async def sync(live: LiveSocket, conversation_id: str, seq: int) -> Any:
    wanted = {"conversations": {conversation_id: seq}, "others": "none"}
    (part,) = (await live.call("sync", wanted))["conversations"]
    return part


async def expire(folder: Path, database_url: str, *more: str) -> Ended:
    arguments = ("messages", "expire", "--older-than", "1h", *more)
    return await command(folder, *arguments, DATABASE_URL=database_url)


async def test_what_is_old_goes_while_the_server_runs_and_all_else_goes_on(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with (
        ServerProcess(tmp_path, DATABASE_URL=database_url) as server,
        Api(server.url) as api,
    ):
        ann, bob = await api.people("ann", "bob")
        of = await say_long_ago(database_url, ann, bob, "one", "two", "three")
        old = (await api.history(ann, of))[1]
        await api.send(ann, bob, "four")
        edit = {"content": "TWO"}
        answered(await api.http.patch(f"/messages/{old['id']}", json=edit, headers=ann.bearer), 200)

        told = (await expire(tmp_path, database_url, "--dry-run", "--json")).json
        assert (told["entries"], told["conversations"], told["dryRun"]) == (3, 1, True)
        assert len(await api.history(bob, of)) == 4
        told = await expire(tmp_path, database_url)
        assert told.stdout.startswith("3 entries of 1 conversations are deleted")
        assert (await expire(tmp_path, database_url, "--json")).json["entries"] == 0

        (kept,) = await api.history(bob, of)
        assert (kept["seq"], kept["content"]) == (4, "four")
        (shown,) = (await api.get("/conversations", bob))["items"]
        ends = [shown[name] for name in ("firstSeq", "lastSeq", "unreadCount")]
        assert (ends, shown["lastMessage"]) == ([4, 5, 1], kept)
        body = {"recipientId": bob.id, "content": "two", "clientMessageId": "two"}
        repeat = answered(await api.post("/messages", ann, body), 200)
        assert (repeat["id"], repeat["seq"], repeat["content"]) == (old["id"], 2, None)
        other = await api.post("/messages", ann, body | {"content": "TWO"})
        refused(other, 409, "client_id_conflict")
        again = await api.http.patch(f"/messages/{old['id']}", json=edit, headers=ann.bearer)
        refused(again, 404, "not_found")
        refused(
            await api.http.delete(f"/messages/{old['id']}", headers=ann.bearer), 404, "not_found"
        )
        async with live_socket(server.url, bob) as live:
            for seq, reset, places in ((0, True, [4, 5]), (2, True, [4, 5]), (3, False, [4, 5])):
                part = await sync(live, of, seq)
                assert (part["reset"], [each["seq"] for each in part["entries"]]) == (reset, places)
                assert (part["firstSeq"], part["lastSeq"]) == (4, 5)
            assert (await sync(live, of, 5))["entries"] == []
            assert part["entries"][1]["data"]["message"]["content"] is None
            assert (await api.send(ann, bob, "five"))["seq"] == 6
            await live.wait_for("new_message", seq=6)
        assert "Traceback" not in server.log


@pytest.mark.parametrize("age", ["", "90", "d", "-1d", "1y", "0h", "1.5d"])
def test_an_age_that_is_none_is_refused(age: str) -> None:
    told = CliRunner().invoke(chat_server, ["messages", "expire", "--older-than", age])

    assert told.exit_code == 2
    assert "write 12h, 90d or 52w" in told.stderr
