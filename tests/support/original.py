"""A database that the original system wrote: by Mongoose and bcryptjs, in Node.

    async with original_database() as original:
        await original.write(users=[...], messages=[("alice", "bob", "hi")])
        await import_original(original.url, DATABASE_URL=...)

What no Mongoose program writes, but a real database has, a test puts there itself.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from tests.support import server
from tests.support.command import command_here
from tests.support.js_client import JsUnavailableError, find_node
from tests.support.mongod import mongodb_url
from tests.support.services import missing

_JS = Path(__file__).parents[1] / "js"
COMMAND = (str(Path(sys.executable).parent / "chat-server"), "import-original")
PASSWORD = "correct horse battery"


@dataclass(frozen=True, slots=True)
class Written:
    """The ids of all users by name, and of the messages that were written just now."""

    users: dict[str, str]
    messages: list[str]


@dataclass(frozen=True, slots=True)
class Original:
    """A database of the original system."""

    url: str
    database: AsyncDatabase[dict[str, Any]]

    async def write(
        self,
        users: Sequence[str | dict[str, str]] = (),
        messages: Sequence[tuple[str, str, str]] = (),
    ) -> Written:
        """As the original does, one after the other; a user may be a name alone."""
        accounts = [_account(each) if isinstance(each, str) else each for each in users]
        try:
            node = find_node()
        except JsUnavailableError as error:
            missing(str(error))
        if not (_JS / "node_modules" / "mongoose").is_dir():
            missing("mongoose is not installed: run `make test`")
        program = await asyncio.create_subprocess_exec(
            node, _JS / "original.mjs", stdin=PIPE, stdout=PIPE
        )
        told = json.dumps({"url": self.url, "users": accounts, "messages": messages})
        said, _ = await program.communicate(told.encode())
        assert program.returncode == 0
        return Written(**json.loads(said))

    async def dump(self) -> dict[str, list[dict[str, Any]]]:
        """All that is in it."""
        return {
            name: await self.database[name].find().sort("_id").to_list()
            for name in sorted(await self.database.list_collection_names())
        }


@asynccontextmanager
async def original_database(name: str = "original") -> AsyncIterator[Original]:
    """One that is empty at first, and gone afterwards."""
    name = f"{name}_{os.getpid()}"
    url = mongodb_url(name)
    async with AsyncMongoClient[dict[str, Any]](url, tz_aware=True) as client:
        await client.drop_database(name)
        try:
            yield Original(url, client[name])
        finally:
            await client.drop_database(name)


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of the command that has ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def summary(self) -> Any:
        """What `--json` has printed."""
        assert (self.exit_code, self.stderr) == (0, "")
        return json.loads(self.stdout)


async def import_original(folder: Path, *arguments: str, **environment: str) -> Ran:
    """Run `chat-server import-original` to its end."""
    ended = await command_here(folder, "import-original", *arguments, **environment)
    return Ran(ended.code, ended.stdout, ended.stderr)


async def start_import(folder: Path, *arguments: str, **environment: str) -> Process:
    """Start it, and wait for nothing."""
    given = server.environment() | environment
    return await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, cwd=folder, env=given, stdout=PIPE, stderr=PIPE
    )


def _account(username: str) -> dict[str, str]:
    email = f"{username}@example.org"
    return {"username": username, "email": email, "password": PASSWORD}
