"""A command at a terminal of its own: what it shows, and what is typed.

async with Terminal(["chat-server", "users", "add", "ann"], folder) as terminal:
    await terminal.shows("New password: ")
    terminal.type("correct horse\n")
    code = await terminal.ended()
"""

import asyncio
import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.waiting import eventually

# The command is to have a controlling terminal, since passwords are typed into that one.
_START = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)


class Terminal:
    """Runs the command until it ends, or its context does."""

    def __init__(self, command: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        self.shown = ""
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *command],
            cwd=folder,
            env=env,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    async def __aenter__(self) -> Self:
        asyncio.get_running_loop().add_reader(self._ours, self._read)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)
        self._process.kill()
        self._process.wait()

    async def shows(self, text: str, *, times: int = 1) -> None:
        """Wait until it has shown that so many times."""
        try:
            await eventually(lambda: self.shown.count(text) >= times)
        except TimeoutError:
            raise TimeoutError(f"waited for {text!r} and saw {self.shown!r}") from None

    def type(self, text: str) -> None:
        """Type that; `\x03` is Ctrl-C."""
        os.write(self._ours, text.encode())

    async def ended(self) -> int:
        """Wait for its end: the exit code."""
        await eventually(lambda: self._process.poll() is not None)
        return self._process.returncode

    def _read(self) -> None:
        try:
            self.shown += os.read(self._ours, 4096).decode(errors="replace").replace("\r\n", "\n")
        except OSError:  # the other end is closed
            asyncio.get_running_loop().remove_reader(self._ours)
