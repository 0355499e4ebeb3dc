"""The demonstration: what is in the database afterwards, and where it is refused."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chat_server.commands import chat_server
from chat_server.demo_content import PASSWORD, PEOPLE, TALKS
from chat_server.settings import variables_by_field
from tests.support.server import SECRET, Api, ServerProcess


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with the database of the service that is started there."""
    monkeypatch.chdir(tmp_path)
    for name in (*variables_by_field().values(), "NODE_ENV"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def demo(**env: str) -> Result:
    return CliRunner().invoke(chat_server, ["demo"], env=env)


async def test_everybody_of_the_demonstration_can_log_in_and_go_on(folder: Path) -> None:
    told = await asyncio.to_thread(demo)
    await asyncio.to_thread(demo)

    assert told.exit_code == 0
    assert PASSWORD in told.output
    async with ServerProcess(folder) as server, Api(server.url) as api:
        people = {name: await api.log_in(name, PASSWORD) for name in PEOPLE}
        shown = await api.get("/conversations", people["mira"])
        named = list(reversed(TALKS))
        assert [each["title"] for each in shown["items"]] == [talk.title for talk in named]
        assert [each["unreadCount"] for each in shown["items"]] == [talk.unread for talk in named]
        for talk, conversation in zip(named, shown["items"], strict=True):
            said = await api.history(people["mira"], conversation["id"])
            names = {person.id: name for name, person in people.items()}
            found = tuple((names[each["senderId"]], each["content"]) for each in said)
            assert found == tuple(talk.lines)
            times = [each["createdAt"] for each in said]
            assert times == sorted(times)


def test_in_production_it_is_refused() -> None:
    told = demo(CHAT_ENV="production", JWT_SECRET=SECRET)

    assert told.exit_code == 2
    assert told.stderr.startswith("CHAT_ENV: is production")


def test_what_is_not_kept_is_not_filled() -> None:
    told = demo(DATABASE_URL="memory://")

    assert told.exit_code == 2
    assert told.stderr.startswith("DATABASE_URL: memory://")


async def test_somebody_else_of_that_name_is_left_alone(folder: Path) -> None:
    async with ServerProcess(folder) as server, Api(server.url) as api:
        await api.sign_up("mira", "a password of her own")
    told = await asyncio.to_thread(demo)

    assert told.exit_code == 2
    assert "another mira" in told.stderr
