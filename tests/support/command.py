"""`chat-server` as an operator runs it beside the server: as a process, or without starting one."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from chat_server.commands import chat_server
from tests.support.server import SECRET, ServerProcess, environment
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


async def command_here(folder: Path, *arguments: str, given: str = "", **settings: str) -> Ended:
    """The same in this process, in a tenth of the time: for what it does, not for how it is run.

    A database that is not named is `chat.db` in that folder.
    """
    env = {"DATABASE_URL": f"sqlite:///{folder / 'chat.db'}", "JWT_SECRET": SECRET, **settings}
    runner = CliRunner(env=env)
    done = await asyncio.to_thread(runner.invoke, chat_server, arguments, input=given)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Ended(done.exit_code, done.stdout, done.stderr)


async def command_beside(server: ServerProcess, *arguments: str, given: str = "") -> Ended:
    """The same with the folder and the settings of a server that runs."""
    return await command_here(server.folder, *arguments, given=given, **server.env)
