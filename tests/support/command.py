"""`chat-server` as a process, as an operator runs it beside the server."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.server import SECRET, environment
from tests.support.waiting import PATIENCE_SECONDS, eventually

CHAT_SERVER = str(Path(sys.executable).parent / "chat-server")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command printed, and its exit code."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The one object that it printed; it went well."""
        assert self.code == 0, self.stderr
        return json.loads(self.stdout)


async def command(
    folder: Path,
    *arguments: str,
    answer: str | None = None,
    stop_when: Callable[[], object] | None = None,
    **settings: str,
) -> Ended:
    """Run it in that folder; `answer` is what somebody types, Ctrl-C comes under that condition."""
    process = await asyncio.create_subprocess_exec(
        CHAT_SERVER,
        *arguments,
        cwd=folder,
        env=environment() | {"JWT_SECRET": SECRET, **settings},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        if stop_when is not None:
            await eventually(lambda: stop_when() or process.returncode is not None)
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE_SECONDS):
            stdout, stderr = await process.communicate((answer or "").encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    told = Ended(process.returncode, stdout.decode(), stderr.decode())
    assert "Traceback" not in told.stderr, told.stderr
    return told
