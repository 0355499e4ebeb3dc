"""Tests that stop programs do so wherever they are started: here, where Ctrl-C is ignored."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.support.pages import ROOT

STOPS_A_COMMAND = "tests/apps/test_account_commands.py::test_ctrl_c_is_told_in_a_sentence"
# As a shell without job control starts what it puts in the background, and as `nohup` does.
_IN_BACKGROUND = (
    "import os, signal, sys\n"
    "for name in sys.argv[1].split():\n"
    "    signal.signal(getattr(signal, name), signal.SIG_IGN)\n"
    "os.execv(sys.argv[2], sys.argv[2:])\n"
)


async def run(*command: str | Path, ignoring: str) -> tuple[int | None, str]:
    """The exit code and what it printed, where these signals are ignored at its start."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _IN_BACKGROUND, ignoring, sys.executable, *command),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await program.communicate()
    return program.returncode, printed.decode()


async def test_a_test_that_stops_a_command_by_ctrl_c_passes_in_the_background() -> None:
    code, printed = await run(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", STOPS_A_COMMAND), ignoring="SIGINT"
    )
    assert code == 0, printed


@pytest.mark.parametrize("name", ["SIGHUP", "SIGINT", "SIGTERM"])
async def test_children_can_be_stopped_by_what_this_process_goes_on_ignoring(name: str) -> None:
    child = f"import signal; print(signal.getsignal(signal.{name}) is not signal.SIG_IGN)"
    parent = (
        "import signal, subprocess, sys\n"
        "from tests.support.signals import let_children_be_stopped\n"
        "let_children_be_stopped()\n"
        f"signal.raise_signal(signal.{name})\n"
        f"subprocess.run([sys.executable, '-c', {child!r}], check=True)\n"
    )
    assert await run("-c", parent, ignoring=name) == (0, "True\n")
