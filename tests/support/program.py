"""A program of docs/examples, as a process of its own.

async with Program(tmp_path, "bot.py", "--url", server.url) as bot:
    await bot.until("listens")
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support import pages
from tests.support.waiting import PATIENCE_SECONDS, eventually

EXAMPLES = pages.ROOT / "docs" / "examples"


class Program:
    """Python with these arguments, in that folder. Leaving its context stops it, as Ctrl-C does."""

    def __init__(self, folder: Path, *arguments: str | Path, **environment: str) -> None:
        self._folder = folder
        self._arguments = arguments
        self._environment = {"PYTHONUNBUFFERED": "1", **environment}
        self._log = folder / "program.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.exit_code: int | None = None

    async def __aenter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - as short as a fork
                [sys.executable, "-W", "error", *self._arguments],
                cwd=self._folder,
                env=os.environ | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            error.add_note(f"what {self._arguments[0]} has printed:\n{self.output[-4000:]}")
        await self.stop()

    @property
    def output(self) -> str:
        """All that it has printed."""
        return self._log.read_text()

    async def until(self, printed: str) -> re.Match[str]:
        """Wait until it has printed what that expression finds."""

        def found() -> re.Match[str] | None:
            assert self._process
            assert self._process.poll() is None, self.output
            return re.search(printed, self.output)

        await eventually(found)
        match = found()
        assert match
        return match

    async def stop(self) -> None:
        """Interrupt it, and wait for its end."""
        assert self._process
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        await self.ended()

    async def ended(self) -> None:
        """Wait until it has ended by itself."""
        assert self._process
        try:
            self.exit_code = await asyncio.to_thread(self._process.wait, PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
