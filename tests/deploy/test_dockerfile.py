"""What the Dockerfile runs, run here: in an empty folder, and as nobody in particular."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import pages
from tests.support.dockerfile import Folders, Instruction, instructions
from tests.support.http_client import http_client
from tests.support.ports import free_port
from tests.support.server import SECRET, STOP_SECONDS
from tests.support.services import missing
from tests.support.waiting import eventually

DOCKERFILE = pages.ROOT / "Dockerfile"
WITH_NODE = pages.ROOT / "apps" / "chat_web" / "with-node"
NOBODY = 65_532


def only(word: str) -> Instruction:
    (found,) = [each for each in instructions(DOCKERFILE) if each.word == word]
    return found


# ------------------------------------------------------------------------------------- what it says
def test_the_last_stage_runs_nothing_and_is_nobodys() -> None:
    words = [each.word for each in instructions(DOCKERFILE)]
    last = words[len(words) - words[::-1].index("FROM") :]
    assert "RUN" not in last
    assert only("USER").text == f"{NOBODY}:{NOBODY}"
    assert only("STOPSIGNAL").text == "SIGTERM"
    assert only("CMD").command()[-1] == "run"
    assert only("HEALTHCHECK").command()[-1] == "chat_server.healthcheck"


def test_what_is_installed_is_locked_by_hashes() -> None:
    installs = [
        each.text
        for each in instructions(DOCKERFILE)
        if each.word == "RUN" and ("pip install" in each.text or "npm" in each.text)
    ]
    assert len(installs) == 3
    for text in installs:
        assert "--require-hashes" in text or "--no-index" in text or "npm ci" in text


def test_nothing_gets_into_the_context_but_what_is_copied() -> None:
    lines = (pages.ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {
        source.split("/")[0]
        for each in instructions(DOCKERFILE)
        if each.word == "COPY" and "from" not in each.options
        for source in each.text.split()[:-1]
    }
    assert "*" in lines
    assert allowed == copied
    assert all((pages.ROOT / each).exists() for each in copied)


# ------------------------------------------------------------------------------------ what it does
@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that others may enter, as those of pytest may not."""
    with tempfile.TemporaryDirectory(prefix="chat-image-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def image(place: Path) -> Folders:
    """What the instructions make of a clean checkout."""
    root, context, tools = place / "image", place / "context", place / "tools"
    for each in (root, context, tools, place / "home"):
        each.mkdir()
    tracked = subprocess.run(
        ["/usr/bin/env", "git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=pages.ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    for name in filter(None, tracked):
        if (pages.ROOT / name).is_file():
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(pages.ROOT / name, context / name)
    make_tools(tools)
    kept = ("LANG", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in kept or name.lower().startswith(("pip_", "npm_config_"))
    }
    environment |= {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(place / "home")}
    user = None
    if os.geteuid() == 0:
        user = NOBODY
        for each in (root, place / "home"):
            os.chown(each, NOBODY, NOBODY)
    folders = Folders(root, context, environment, user)
    for instruction in instructions(DOCKERFILE):
        folders.follow(instruction)
    return folders


def make_tools(folder: Path) -> None:
    """`python`, `node` and `npm`, as the base images have them."""
    found = subprocess.run(
        [WITH_NODE, "sh", "-c", "command -v node"], capture_output=True, text=True, check=False
    )
    node = Path(found.stdout.strip() or "/nowhere")
    if not node.exists():
        missing("there is no Node: run `make test`")
    npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for name, command in {
        "python": f"{python_for_all()}",
        "node": f"{node}",
        "npm": f"{node} {npm}" if npm.exists() else "/usr/bin/npm",
    }.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        script.chmod(0o755)


def python_for_all() -> Path:
    """This Python, or the system's where others may not enter the folder of this one."""
    this = Path(sys.base_prefix) / "bin" / "python3"
    if all(each.stat().st_mode & 0o005 == 0o005 for each in this.parents):
        return this
    system = Path("/usr/bin/python3")
    check = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))"
    if subprocess.run([system, "-c", check], check=False, capture_output=True).returncode:
        missing("there is no Python 3.11 with its venv module that everybody may run")
    return system


@pytest.mark.prove
async def test_step_by_step_it_makes_a_service_that_runs_and_stops(image: Folders) -> None:
    assert len(image.ran) == len([e for e in instructions(DOCKERFILE) if e.word == "RUN"])
    port = free_port()
    environment = image.moved_variables() | {
        "PATH": "/usr/bin:/bin",
        "PORT": str(port),
        "HOST": "127.0.0.1",
        "JWT_SECRET": SECRET,
    }
    log = image.root / "log"
    with log.open("wb") as output:
        service = subprocess.Popen(  # noqa: ASYNC220 - it returns at once
            image.moved_command(only("CMD").command()),
            cwd=image.here,
            env=environment,
            user=image.user,
            group=image.user,
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def is_healthy() -> bool:
        command = image.moved_command(only("HEALTHCHECK").command())
        return subprocess.run(command, env=environment, check=False).returncode == 0

    try:
        assert not is_healthy() or service.poll() is None
        await eventually(is_healthy)
        async with http_client(f"http://127.0.0.1:{port}") as http:
            page = await http.get("/")
            account = {"username": "alice", "password": "correct horse"}
            made = await http.post("/api/v1/users", json=account)
        assert page.status_code == 200
        assert "<script" in page.text
        assert made.status_code == 201, made.text
        assert (image.place("/data") / "chat.db").stat().st_size
        service.send_signal(signal.SIGTERM)
        assert service.wait(STOP_SECONDS) == 0, log.read_text()
        assert not is_healthy()
    finally:
        service.kill()
        service.wait()
