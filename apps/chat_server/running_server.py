"""What listens on the service's port: nothing, the service, or another program."""

import json
import re
import socket
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException

from chat_core.findings import Finding, fine, problem, warning

SECONDS = 3.0
_READY = "/health/ready"
_MAX_FILES = re.compile(r"^process_max_fds ([0-9.e+]+)$", re.MULTILINE)
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (each with an address to reach it)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """The finding about the port, and how many files a service running there may open."""

    finding: Finding
    max_files: int | None = None


def who_serves(host: str, port: int) -> RunningServer:
    """Find out what listens there. Blocks for a few seconds at most."""
    where = f"{host} port {port}"
    if port == 0:
        return RunningServer(fine("port", "any free one"))
    try:
        _listen(host, port)
    except OSError as error:
        found = _ask(_EVERYWHERE.get(host, host), port, where)
        if found is not None:
            return found
        return RunningServer(_why_not(error, where))
    return RunningServer(fine("port", f"{where} is free: the service can start"))


def _listen(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    socket.create_server((host, port), family=family).close()


def _why_not(error: OSError, where: str) -> Finding:
    return problem(
        "port",
        f"can't listen on {where} ({error.strerror})",
        "stop the program that uses it (ss -ltnp names it), or choose another HOST or PORT",
    )


def _ask(host: str, port: int, where: str) -> RunningServer | None:
    """Return the service that runs there, or None."""
    try:
        ready = json.loads(_get(host, port, _READY))
        down = ready["down"]
        metrics = _get(host, port, "/metrics")
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return None
    files = _MAX_FILES.search(metrics)
    max_files = None if files is None else int(float(files[1]))
    if not down:
        return RunningServer(fine("port", f"the service runs at {where} and is ready"), max_files)
    return RunningServer(
        warning(
            "port",
            f"the service runs at {where} but is not ready: {', '.join(map(str, down))}",
            "see the database's lines below",
        ),
        max_files,
    )


def _get(host: str, port: int, path: str) -> str:
    connection = HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().read(1_000_000).decode()
    finally:
        connection.close()
