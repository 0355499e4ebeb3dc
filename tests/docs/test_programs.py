"""The programs of docs/examples do what they say."""

import asyncio
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from chat_client import ChatClient
from chat_client.socketio_wire import SocketIoWire
from chat_core.errors import Unavailable
from chat_core.ports import UserStore
from chat_core.testing.makers import at, stored_users, user
from tests.support.ports import free_port
from tests.support.program import EXAMPLES, Program
from tests.support.server import PASSWORD, Api, Person, ServerProcess, answered
from tests.support.waiting import eventually, until

# ------------------------------------------------------------------------------------------- bot
FRIENDS = {"kind": "group", "title": "Friends"}


def bot(folder: Path, server: ServerProcess, username: str, password: str = PASSWORD) -> Program:
    arguments = ("--username", username, "--url", server.url)
    return Program(folder, EXAMPLES / "bot.py", *arguments, CHAT_BOT_PASSWORD=password)


def said_by(client: ChatClient, person: Person) -> list[str]:
    """What somebody has said in all conversations that the client knows."""
    return [
        message["content"]
        for conversation in client.state.conversations.values()
        for message in conversation.history()
        if message["senderId"] == person.id
    ]


async def test_the_bot_answers_commands_in_groups_and_direct_conversations(tmp_path: Path) -> None:
    async with (
        ServerProcess(tmp_path, PORT=free_port()) as server,  # the same after a restart
        Api(server.url) as api,
    ):
        ann, robot = await api.person("ann"), await api.person("robot")
        made = await api.post("/conversations", ann, {**FRIENDS, "memberIds": [robot.id]})
        group = answered(made, 201)["id"]
        client = ChatClient(SocketIoWire(server.url))
        await client.start(ann.token)
        async with bot(tmp_path, server, robot.username) as program:
            await program.until("connected as user")
            await client.send("/echo one", recipient_id=robot.id)
            await client.send("no command", recipient_id=robot.id)
            await client.send("/echo two", conversation_id=group)
            await client.send("/nonsense", conversation_id=group)
            await eventually(lambda: len(said_by(client, robot)) == 3)
        assert program.exit_code == 0
        assert program.output.endswith("stopped\n")
        assert sorted(said_by(client, robot)) == [
            "I don't know /nonsense; try /help",
            "one",
            "two",
        ]

        await client.send("/echo while you were away", conversation_id=group)
        async with bot(tmp_path, server, robot.username) as program:
            await eventually(lambda: len(said_by(client, robot)) == 4)
            assert "while you were away" in said_by(client, robot)

            await server.stop()
            await program.until("the connection has ended")
            await server.start()
            await client.start(ann.token)
            await client.send("/echo back again", conversation_id=group)
            await eventually(lambda: "back again" in said_by(client, robot))
        await client.stop()
        assert len(said_by(client, robot)) == 5

        async with bot(tmp_path, server, robot.username, "another password") as program:
            await program.ended()
        assert program.exit_code == 1
        assert program.output.startswith("The server refuses the account: ")


# ------------------------------------------------------------------------------------------ tour
async def test_the_tour_prints_what_it_says(tmp_path: Path) -> None:
    tour = EXAMPLES / "tour.py"
    async with Program(tmp_path, tour) as program:
        await program.ended()
    assert program.exit_code == 0, program.output

    said = re.findall(r"^# > (.*\n)", tour.read_text(encoding="utf-8"), re.MULTILINE)
    assert said
    assert program.output == "".join(said)


# ----------------------------------------------------------------------------------- JSON stores
async def test_the_json_stores_pass_the_suites_as_a_third_party_runs_them(tmp_path: Path) -> None:
    options = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"
    (tmp_path / "pytest.ini").write_text(options)
    suite = EXAMPLES / "test_json_stores.py"
    plugins = ("-p", "pytest_asyncio.plugin", "-p", "no:cacheprovider")
    async with Program(
        tmp_path,
        *("-m", "pytest", "-q", *plugins, "-c", "pytest.ini", suite),
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",  # it takes longer to load ours than to run these
    ) as program:
        await program.ended()
    assert program.exit_code == 0, program.output
    counted = re.search(r"(\d+) passed in", program.output)
    assert counted
    assert int(counted[1]) > 50
    assert len([line for line in suite.read_text().splitlines() if line.strip()]) < 15


@pytest.fixture
def json_stores(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("json_stores")


async def test_what_is_in_a_json_file_is_there_for_whoever_opens_it(
    json_stores: Any, tmp_path: Path
) -> None:
    path = tmp_path / "users.json"
    (ann,) = await stored_users(json_stores.JsonUserStore(json_stores.JsonFile(path)), "ann")

    reopened = json_stores.JsonUserStore(json_stores.JsonFile(path))
    assert await reopened.get([ann.id]) == {ann.id: ann}


async def test_a_json_file_that_cannot_be_written_stays_as_it_was(
    json_stores: Any, tmp_path: Path
) -> None:
    path = tmp_path / "users.json"
    users = json_stores.JsonUserStore(json_stores.JsonFile(path))
    (ann,) = await stored_users(users, "ann")
    (tmp_path / "users.new").mkdir()  # where the new file would be written

    with pytest.raises(Unavailable):
        await users.saw({ann.id: at(1)})
    assert await users.get([ann.id]) == {ann.id: ann}


async def test_whoever_gives_up_writing_a_json_file_does_not_undo_what_comes_next(
    json_stores: Any, tmp_path: Path
) -> None:
    users = json_stores.JsonUserStore(json_stores.JsonFile(tmp_path / "users.json"))
    for number in range(20):
        await give_up_adding(users, f"given-up-{number}", tmp_path / "users.new")
        (kept,) = await stored_users(users, f"kept-{number}")
        assert await users.get([kept.id]) == {kept.id: kept}


async def give_up_adding(users: UserStore, username: str, writing: Path) -> None:
    """Cancel whoever adds a user, once that file shows that the user is being written."""
    adding = asyncio.create_task(users.add(user(username), "hash"))
    await until(lambda: adding.done() or writing.exists())
    adding.cancel()
