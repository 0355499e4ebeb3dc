"""Requests that are made of the OpenAPI document, right and wrong ones, and from answers to others.

Schemathesis makes them; what is answered has to be in the document, and is no mistake of ours.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.support.bystander import bystanders, p99_ms
from tests.support.metrics import scraped
from tests.support.process_usage import resident_bytes
from tests.support.server import Api, ServerProcess
from tests.support.server_log import mistakes
from tests.support.waiting import eventually

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance"
)
# They end the session of the token, and all that came after would be one and the same answer.
LEFT_OUT = ("--exclude-path", "/api/v1/users/logout", "--exclude-path-regex", "/api/v1/sessions/")
REQUESTS = 20_000
ANSWERED = "chat_http_request_seconds_count"
GROWTH_BYTES = 24 * 2**20
"""20,000 requests that store accounts, groups and messages, among others."""
USUAL_MESSAGES = 2_000
FLOOR_MS = 50.0
"""Below that, p99 says more about who else uses the machine's cores."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    async with ServerProcess(
        tmp_path, CHAT_ENV="production", HOST="127.0.0.1", CHAT_ACCESS_TOKEN_SECONDS=36_000
    ) as server:
        yield server


async def fuzz(
    server: ServerProcess, folder: Path, token: str, *options: str, seconds: float
) -> None:
    """Run Schemathesis to its end; fails with what it found."""
    program = await asyncio.create_subprocess_exec(
        Path(sys.executable).parent / "schemathesis",
        "run",
        f"{server.url}/schema",
        *("-H", f"Authorization: Bearer {token}", "--checks", CHECKS, *LEFT_OUT),
        *("--generation-with-security-parameters", "false", "--suppress-health-check", "all"),
        *("--warnings", "off", "--no-color", *options),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await asyncio.wait_for(program.communicate(), seconds)
    finally:
        if program.returncode is None:
            program.kill()
    assert program.returncode == 0, printed.decode()


async def requests_of(server: ServerProcess) -> int:
    """How many it has answered; not all that are refused have a line in the log."""
    series = await scraped(server.url)
    counts = (each for (name, _), each in series.items() if name == ANSWERED)
    return int(sum(counts))


async def test_what_the_document_allows_and_forbids_is_answered_as_it_says(
    server: ServerProcess, tmp_path: Path
) -> None:
    async with Api(server.url) as api:
        alice, bob = await api.people("alice", "bob")
        await api.send(alice, bob, "something to find")
        options = ("--phases", "fuzzing,stateful", "--max-examples", "6", "--seed", "1")
        await fuzz(server, tmp_path, alice.token, *options, seconds=60)
    assert await requests_of(server) > 150
    assert '"status":5' not in server.log
    assert mistakes(server) == []


@pytest.mark.prove
async def test_twenty_thousand_requests_are_answered_as_the_document_says(
    server: ServerProcess, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with Api(server.url) as api, bystanders(server, api) as pair:
        alice, bob = await api.people("alice", "bob")
        await api.send(alice, bob, "something to find")
        async with pair.chatting() as usual:
            await eventually(lambda: len(pair.seconds) >= USUAL_MESSAGES, seconds=300)
        resident, seed = [resident_bytes(server.pid) // 2**20], 0
        async with pair.chatting() as measured:
            while await requests_of(server) < REQUESTS:
                seed += 1
                token = alice.token if seed % 4 else "not.a.token"
                options = ("--max-examples", "60", "--seed", str(seed))
                await fuzz(server, tmp_path, token, *options, seconds=900)
                resident.append(resident_bytes(server.pid) // 2**20)
        assert await pair.got_everything()
        figures = {
            "requests": await requests_of(server),
            "seeds": seed,
            "RSS, MiB": resident,
            "p99, ms": {"alone": p99_ms(usual), "beside them": p99_ms(measured)},
        }
        record_property("figures", figures)
        print(figures)  # noqa: T201 - what the run was for
        assert (resident[-1] - resident[1]) * 2**20 < GROWTH_BYTES, figures
        assert p99_ms(measured) <= max(2 * p99_ms(usual), FLOOR_MS), figures
    assert '"status":5' not in server.log
    assert mistakes(server) == []
