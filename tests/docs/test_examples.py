"""The programs that the documentation shows do what it says.

Each block of `sh`, `js` or `python` is run as it stands, in the order of its page and in one
folder; only the server's address is another one. A block says otherwise behind its language:
`not-run`, `pytest` for tests, `save=NAME` for a file that the reader saves, `background` for a
command that goes on while the following blocks are run, or `operator` for what is run in the
server's folder, beside it and with its settings. A block of `text` right after a program is
what that prints, with `…` for what differs from run to run; one of `text background` is what the
command in the background has printed when it has ended, which it has to.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from configparser import ConfigParser
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import pytest
import yaml

from tests.support import pages
from tests.support.js_client import JsUnavailableError, find_node
from tests.support.server import ServerProcess
from tests.support.server import environment as server_environment
from tests.support.services import missing
from tests.support.waiting import PATIENCE_SECONDS

ADDRESS = "http://localhost:5000"
OUTPUT = "text"
OPERATOR = "operator"
SECONDS = 2 * PATIENCE_SECONDS

NODE_MODULES = pages.ROOT / "tests" / "js" / "node_modules"
# An answer that tells of an error fails the block, although curl by itself would be content.
CURL = 'curl() { command curl --fail-with-body "$@"; }\n'
PYTEST_INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"


def environment() -> dict[str, str]:
    scripts = Path(sys.executable).parent
    return os.environ | {"PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}


def run(folder: Path, *command: str | Path, settings: Mapping[str, str] | None = None) -> str:
    """What the command prints."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment() | dict(settings or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def shell(text: str) -> tuple[str, ...]:
    return ("bash", "-euo", "pipefail", "-c", CURL + text)


class Background:
    """A command in a second terminal, which is closed at the end of the page."""

    def __init__(self, folder: Path, text: str) -> None:
        self._process = subprocess.Popen(
            shell(text),
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def printed(self) -> str:
        """What it has printed, once it has ended by itself."""
        output, _ = self._process.communicate(timeout=SECONDS)
        assert self._process.returncode == 0, output
        return output


def run_shell(folder: Path, text: str) -> str:
    if "curl" in text and shutil.which("curl") is None:
        missing("curl is not installed")
    return run(folder, *shell(text))


def run_beside(server: ServerProcess, folder: Path, text: str) -> str:
    port = str(urlsplit(server.url).port)
    hidden = {"PYTHONPATH": server_environment()["PYTHONPATH"]}
    settings = {**hidden, **server.env, "PORT": port, "CHAT_RATE_LIMITS": "on"}
    return run(folder, "bash", "-euo", "pipefail", "-c", text, settings=settings)


def run_javascript(folder: Path, text: str) -> str:
    try:
        node = find_node()
    except JsUnavailableError as error:
        missing(str(error))
    if not (NODE_MODULES / "socket.io-client").is_dir():
        missing("socket.io-client is not installed: run `make test`")
    installed = folder / "node_modules"
    if not installed.exists():
        installed.symlink_to(NODE_MODULES)
    program = folder / "example.mjs"
    program.write_text(text)
    return run(folder, node, program)


def run_python(folder: Path, text: str) -> str:
    program = folder / "example.py"
    program.write_text(text)
    return run(folder, sys.executable, "-W", "error", program)


def run_tests(folder: Path, text: str) -> str:
    (folder / "pytest.ini").write_text(PYTEST_INI)
    program = folder / "test_example.py"
    program.write_text(text)
    return run(folder, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", program)


RUNNERS: Mapping[tuple[str, str], Callable[[Path, str], str]] = {
    ("sh", ""): run_shell,
    ("js", ""): run_javascript,
    ("python", ""): run_python,
    ("python", "pytest"): run_tests,
}
LANGUAGES = {language for language, _ in RUNNERS}
NOT_RUN = "not-run"
NOT_HERE = re.compile(
    r"\b(make|docker|pip install|chat-bench|chat-server run|sudo|systemctl|mongodump)\b"
    r"|ORIGINAL_DATABASE_URL"
)
"""What serves until it is stopped, installs, measures for minutes, or needs another machine."""
EXAMPLES = pages.ROOT / "docs" / "examples"
SAVED = "save="
BACKGROUND = "background"


def is_program(block: pages.Block) -> bool:
    return (block.language, block.note) in RUNNERS or block.note == OPERATOR


def prints(expected: str) -> re.Pattern[str]:
    """Whatever looks like that, with anything where it has an ellipsis."""
    return re.compile(".*?".join(map(re.escape, expected.strip().split("…"))), re.DOTALL)


def programs(page: Path) -> list[pages.Block]:
    return [block for block in pages.blocks(page) if is_program(block)]


class Reader:
    """Does what a page says, block by block."""

    def __init__(self, tmp_path: Path, stack: AsyncExitStack) -> None:
        self._folder, self._served = tmp_path / "reader", tmp_path / "server"
        self._folder.mkdir()
        self._served.mkdir()
        # A page for who has a checkout names the Python in it.
        (self._folder / ".venv").symlink_to(sys.prefix)
        self._stack = stack
        self._server: ServerProcess | None = None
        self._background: Background | None = None
        self._printed: str | None = None

    async def take(self, block: pages.Block) -> None:
        """Save it, run it, or compare it with what was printed."""
        text = await self._addressed(block) if block.language in LANGUAGES else block.text
        runner = RUNNERS.get((block.language, block.note))
        if block.note.startswith(SAVED):
            (self._folder / block.note.removeprefix(SAVED)).write_text(text)
        elif (block.language, block.note) == ("sh", BACKGROUND):
            self._background = self._stack.enter_context(Background(self._folder, text))
        elif (block.language, block.note) == (OUTPUT, BACKGROUND):
            assert self._background is not None
            self._compare(block.text, self._background.printed())
        elif block.language == OUTPUT and self._printed is not None:
            self._compare(block.text, self._printed)
        if block.note == OPERATOR:
            self._printed = run_beside(await self._serving(), self._served, text)
        else:
            self._printed = runner(self._folder, text) if runner else None

    async def _addressed(self, block: pages.Block) -> str:
        """The block with the address of a server, which is started where one is named."""
        if block.note == NOT_RUN or ADDRESS not in block.text:
            return block.text
        return block.text.replace(ADDRESS, (await self._serving()).url)

    async def _serving(self) -> ServerProcess:
        if self._server is None:
            self._server = await self._stack.enter_async_context(ServerProcess(self._served))
        return self._server

    def _compare(self, expected: str, printed: str) -> None:
        assert prints(expected).fullmatch(printed.strip()), printed


@pytest.mark.parametrize("page", [*filter(programs, pages.pages())], ids=pages.name)
async def test_the_programs_of_a_page_do_what_it_says(page: Path, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        reader = Reader(tmp_path, stack)
        for block in pages.blocks(page):
            await reader.take(block)


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_a_program_that_is_not_run_says_so(page: Path) -> None:
    unknown = {
        (block.language, block.note)
        for block in pages.blocks(page)
        if block.language in LANGUAGES
        and block.note not in {NOT_RUN, OPERATOR}
        and not block.note.startswith(SAVED)
    }
    assert unknown <= {*RUNNERS, ("sh", BACKGROUND)}


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_what_is_not_run_could_not_be(page: Path) -> None:
    if page.parent == EXAMPLES:
        return  # each has a test of its own, which starts it as its page says
    for block in pages.blocks(page):
        if block.note == NOT_RUN:
            assert block.language == "sh"
            assert NOT_HERE.search(block.text), block.text


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_every_file_that_a_reader_saves_is_used(page: Path) -> None:
    blocks = pages.blocks(page)
    for block in blocks:
        if block.note.startswith(SAVED):
            name = Path(block.note.removeprefix(SAVED))
            others = [each.text for each in blocks if each is not block]
            assert any(name.name in text or f"from {name.stem} " in text for text in others)


PARSERS: Mapping[str, Callable[[str], object]] = {
    "ini": lambda text: ConfigParser(interpolation=None).read_string(f"[settings]\n{text}"),
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": yaml.safe_load,
}
READ_BY_PEOPLE = {"", OUTPUT, "mermaid", "nginx"}
"""What a program printed; diagrams, which `test_site` draws; a proxy that is not installed here."""


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_other_blocks_are_what_they_are_called(page: Path) -> None:
    for block in pages.blocks(page):
        if block.language not in LANGUAGES | READ_BY_PEOPLE:
            PARSERS[block.language](block.text)


def test_the_readme_shows_a_program_in_each_language() -> None:
    assert {block.language for block in programs(pages.ROOT / "README.md")} == LANGUAGES
