"""The command line, as a person sees it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType

import click
import pytest
from click.testing import CliRunner, Result

from chat_server.commands import chat_server
from chat_server.settings import Settings, SettingsError, variables_by_field

SECRET = "a secret of these tests, which is long enough"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Start in an empty folder, with none of the settings in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in (*variables_by_field().values(), "NODE_ENV"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Sequence[Settings]:
    """Serve nothing, and write down with which settings."""
    settings: list[Settings] = []
    serving = ModuleType("chat_server.serving")
    vars(serving).update(serve=settings.append)
    monkeypatch.setitem(sys.modules, "chat_server.serving", serving)
    return settings


def chat(*arguments: str, env: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(chat_server, arguments, env=env)


def python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_run_serves_with_the_settings(served: Sequence[Settings]) -> None:
    result = chat("run", env={"PORT": "6000"})

    assert (result.exit_code, result.output) == (0, "")
    assert [(each.host, each.port) for each in served] == [("127.0.0.1", 6000)]


def test_options_of_run_come_before_the_settings(served: Sequence[Settings]) -> None:
    chat("run", "--host", "10.0.0.1", "--port", "7000", env={"PORT": "6000", "HOST": "10.0.0.2"})
    chat("run", "--port", "0", env={"PORT": "6000", "HOST": "10.0.0.2"})

    assert [(each.host, each.port) for each in served] == [("10.0.0.1", 7000), ("10.0.0.2", 0)]


@pytest.mark.parametrize("command", ["run", "settings"])
def test_wrong_settings_are_told_one_line_each(served: Sequence[Settings], command: str) -> None:
    result = chat(command, env={"PORT": "many", "CHAT_MESSAGE_BYTES": "0", "JWT_SECRET": SECRET})

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "PORT: must be a whole number, but is 'many'\n"
        "CHAT_MESSAGE_BYTES: must be 1 or more, but is '0'\n"
    )
    assert not served


def test_what_serving_finds_wrong_is_told_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(_: Settings) -> None:
        raise SettingsError(["JWT_SECRET: others can read it"])

    serving = ModuleType("chat_server.serving")
    vars(serving).update(serve=serve)
    monkeypatch.setitem(sys.modules, "chat_server.serving", serving)
    result = chat("run")

    assert (result.exit_code, result.stderr) == (2, "JWT_SECRET: others can read it\n")


def test_settings_prints_lines_that_an_env_file_takes_back(folder: Path) -> None:
    result = chat("settings", env={"PORT": "6000", "CORS_ORIGINS": "https://a.example,http://b"})
    (folder / ".env").write_text(result.stdout)

    assert result.exit_code == 0
    assert "PORT=6000\n" in result.stdout
    assert "CORS_ORIGINS=https://a.example,http://b\n" in result.stdout
    assert "JWT_SECRET=\n" in result.stdout
    assert chat("settings").stdout == result.stdout


def test_settings_prints_one_object() -> None:
    told = json.loads(chat("settings", "--json", env={"CHAT_SIGNUPS": "off"}).stdout)

    assert list(told) == list(variables_by_field().values())
    assert (told["PORT"], told["CHAT_SIGNUPS"], told["JWT_SECRET"]) == (5000, "off", None)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_settings_masks_secrets(form: Sequence[str]) -> None:
    result = chat("settings", *form, env={"JWT_SECRET": SECRET, "JWT_SECRET_PREVIOUS": SECRET})

    assert SECRET not in result.output
    assert result.output.count("***") == 2


def test_settings_makes_no_secret(folder: Path) -> None:
    chat("settings")

    assert list(folder.iterdir()) == []


def every_command() -> Iterator[tuple[str, ...]]:
    """The command itself, those that it has, and those that these have."""
    yield ()
    for name, command in chat_server.commands.items():
        yield (name,)
        if isinstance(command, click.Group):
            yield from ((name, inner) for inner in command.commands)


@pytest.mark.parametrize("command", [*every_command()], ids=lambda each: " ".join(each) or "alone")
def test_each_command_has_a_sentence_and_an_example(command: Sequence[str]) -> None:
    shown = chat(*command, "--help").stdout

    assert "Example:\n" in shown
    assert " ".join(("chat-server", *command)) in shown.partition("Example:")[2]


@pytest.mark.parametrize("arguments", [["run", "--port", "65536"], ["fly"], ["run", "--colour"]])
def test_what_no_command_takes_is_refused(
    served: Sequence[Settings], arguments: Sequence[str]
) -> None:
    assert chat(*arguments).exit_code == 2
    assert not served


def test_the_version_is_the_installed_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"chat-core": "9.8.7"}
    monkeypatch.setattr(metadata, "version", versions.__getitem__)

    assert chat("--version").stdout == "chat-server, version 9.8.7\n"


def test_the_module_is_the_command() -> None:
    told = python("-m", "chat_server", "settings")
    refused = python("-m", "chat_server", "run", "--port", "x")

    assert (told.returncode, told.stdout) == (0, chat("settings").stdout)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("library", ["click", "pydantic", "pydantic_settings"])
def test_without_a_library_the_error_names_the_extra(library: str) -> None:
    failed = python(
        "-c",
        f"import sys; sys.modules[{library!r}] = None; sys.argv = ['chat-server', 'settings']\n"
        "from chat_server.cli import main; main()",
    )

    assert failed.returncode == 1
    assert failed.stderr == f'chat-server needs {library}: pip install "chat-core[server]"\n'
