"""The programs that the documentation shows do what it says.

Each block of `sh`, `js` or `python` is run as it stands, in the order of its page and in one
folder; only the server's address is another one. A block says otherwise behind its language:
`not-run`, `pytest` for tests, or `operator` for what is run in the server's folder, beside it and
with its settings. A block of `text` right after a program is what that prints, with
`…` for what differs from run to run.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support import pages
from tests.support.js_client import JsUnavailableError, find_node
from tests.support.server import ServerProcess
from tests.support.services import missing

ADDRESS = "http://localhost:5000"
OUTPUT = "text"
OPERATOR = "operator"
SECONDS = 60

NODE_MODULES = pages.ROOT / "tests" / "js" / "node_modules"
# An answer that tells of an error fails the block, although curl by itself would be content.
CURL = 'curl() { command curl --fail-with-body "$@"; }\n'
PYTEST_INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n"


def run(folder: Path, *command: str | Path, env: Mapping[str, str] = os.environ) -> str:
    """What the command prints."""
    scripts = Path(sys.executable).parent
    done = subprocess.run(
        command,
        cwd=folder,
        env={**env, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def run_shell(folder: Path, text: str) -> str:
    if "curl" in text and shutil.which("curl") is None:
        missing("curl is not installed")
    return run(folder, "bash", "-euo", "pipefail", "-c", CURL + text)


def run_beside(server: ServerProcess, folder: Path, text: str) -> str:
    port = str(urlsplit(server.url).port)
    env = {**os.environ, **server.env, "PORT": port, "CHAT_RATE_LIMITS": "on"}
    return run(folder, "bash", "-euo", "pipefail", "-c", text, env=env)


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


def is_program(block: pages.Block) -> bool:
    return (block.language, block.note) in RUNNERS or block.note == OPERATOR


def prints(expected: str) -> re.Pattern[str]:
    """Whatever looks like that, with anything where it has an ellipsis."""
    return re.compile(".*?".join(map(re.escape, expected.strip().split("…"))), re.DOTALL)


def programs(page: Path) -> list[pages.Block]:
    return [block for block in pages.blocks(page) if is_program(block)]


@pytest.mark.parametrize("page", [*filter(programs, pages.pages())], ids=pages.name)
async def test_the_programs_of_a_page_do_what_it_says(page: Path, tmp_path: Path) -> None:
    served, folder = tmp_path / "server", tmp_path / "reader"
    served.mkdir()
    folder.mkdir()
    async with AsyncExitStack() as stack:
        server: ServerProcess | None = None
        printed: str | None = None
        for block in pages.blocks(page):
            if block.language == OUTPUT and printed is not None:
                assert prints(block.text).fullmatch(printed.strip()), printed
            printed = None
            if not is_program(block):
                continue
            text = block.text
            if server is None and (ADDRESS in text or block.note == OPERATOR):
                server = await stack.enter_async_context(ServerProcess(served))
            if server is not None:
                text = text.replace(ADDRESS, server.url)
            if block.note == OPERATOR:
                assert server is not None
                printed = run_beside(server, served, text)
            else:
                printed = RUNNERS[block.language, block.note](folder, text)


@pytest.mark.parametrize("page", pages.pages(), ids=pages.name)
def test_a_program_that_is_not_run_says_so(page: Path) -> None:
    unknown = {
        (block.language, block.note)
        for block in pages.blocks(page)
        if block.language in LANGUAGES and block.note != "not-run" and not is_program(block)
    }
    assert unknown <= RUNNERS.keys()


def test_the_readme_shows_a_program_in_each_language() -> None:
    assert {block.language for block in programs(pages.ROOT / "README.md")} == LANGUAGES
