"""Starting and stopping the servers to be compared."""

import asyncio
import contextlib
import os
import re
import signal
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 10
POLL_SECONDS = 0.05
_SERVES = re.compile(r"serves at (http://[^\s\"]+)")


class StartError(Exception):
    """A server can't be started; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Started:
    """A process started here, and its log."""

    process: Process
    log: Path

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self.process.pid

    async def url(self) -> str:
        """Wait until the server logs its URL, and return the URL. Raises `StartError`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_SECONDS):
                while self.process.returncode is None:
                    if found := _SERVES.search(self._said()):
                        return found[1]
                    await asyncio.sleep(POLL_SECONDS)
        raise StartError(f"a server did not start:\n{self._said()[-2000:]}")

    async def stop(self) -> None:
        """Stop the process with SIGTERM, and with SIGKILL after ten seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await self.process.wait()
                    return

    def _said(self) -> str:
        return self.log.read_text(errors="replace")


async def start(command: Sequence[str], folder: Path, settings: Mapping[str, str]) -> Started:
    """Start a process in that folder, with these settings and a minimal environment."""
    path = folder / "log"
    passed = {
        name: os.environ[name] for name in ("HOME", "LANG", "PATH", "TZ") if name in os.environ
    }
    with path.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            env={**passed, **settings},
            stdin=DEVNULL,
            stdout=log,
            stderr=STDOUT,
        )
    return Started(process, path)
