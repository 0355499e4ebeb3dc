"""`chat-server backup`, `restore` and `vacuum`: what they refuse, and in which words."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chat_server.commands import chat_server
from chat_server.settings import variables_by_field
from chat_sqlite import SqliteDatabase


@pytest.fixture(autouse=True)
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a database, and none of the settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in (*variables_by_field().values(), "NODE_ENV"):
        monkeypatch.delenv(name, raising=False)
    await (await SqliteDatabase.open(tmp_path / "chat.db")).close()
    return tmp_path


def chat(*arguments: str, **settings: str) -> Result:
    return CliRunner().invoke(chat_server, arguments, env=settings)


@pytest.mark.parametrize(("name", "tool"), [("backup", "mongodump"), ("restore", "mongorestore")])
def test_for_mongodb_its_own_tools_are_named(name: str, tool: str) -> None:
    url = "mongodb://me:hidden@localhost/chat?replicaSet=rs0"
    told = chat(name, "chat.gz", DATABASE_URL=url)

    assert (told.exit_code, told.stdout) == (2, "")
    assert f"{tool} --uri='mongodb://me:***@localhost/?replicaSet=rs0'" in told.stderr
    assert "hidden" not in told.stderr


@pytest.mark.parametrize("arguments", [("backup", "x"), ("restore", "x"), ("vacuum",)])
def test_where_nothing_is_kept_there_is_nothing_to_copy(arguments: tuple[str, ...]) -> None:
    told = chat(*arguments, DATABASE_URL="memory://")

    assert told.exit_code == 2
    assert told.stderr.startswith("DATABASE_URL: memory://")


def test_a_file_that_is_there_is_replaced_by_force_alone(folder: Path) -> None:
    copy = folder / "copy.db"
    copy.write_text("another backup")
    for target, said in (
        ("copy.db", "copy.db already exists; --force replaces it.\n"),
        ("chat.db", "chat.db is the database itself.\n"),
        ("no/copy.db", "The folder no does not exist.\n"),
    ):
        told = chat("backup", target)
        assert (told.exit_code, told.stderr) == (1, said)
    assert copy.read_text() == "another backup"

    assert chat("backup", "copy.db", "--force").exit_code == 0
    assert copy.read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no.db", "There is no file no.db.\n"),
        ("chat.db", "chat.db is the database itself.\n"),
        ("text", "text is not an SQLite database.\n"),
    ],
)
def test_what_is_no_backup_is_refused_in_a_sentence(folder: Path, source: str, said: str) -> None:
    (folder / "text").write_text("no database " * 1000)
    told = chat("restore", source)

    assert (told.exit_code, told.stderr) == (1, said)
    assert {each.name for each in folder.iterdir()} == {"chat.db", "text"}
