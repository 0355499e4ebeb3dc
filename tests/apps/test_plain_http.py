"""What holds for every request and answer, whatever it is about."""

import asyncio
from pathlib import Path

import httpx
import pytest

from tests.support.http_client import http_client
from tests.support.server import Api, ServerProcess, refused
from tests.support.waiting import PATIENCE_SECONDS, eventually

pytestmark = pytest.mark.mongodb

LOG_IN = b"POST /api/v1/users/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
BODY = b'{"username":"alice","password":"a guess"}'
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY)


async def test_every_body_says_what_it_is(server: ServerProcess) -> None:
    json, problem = "application/json", "application/problem+json"
    kinds = {
        "/": "text/html; charset=utf-8",
        "/health/ready": json,
        "/asyncapi.json": json,
        "/schema": "application/vnd.oai.openapi+json",
        "/metrics": "text/plain; version=1.0.0; charset=utf-8",
        "/socket.io/?EIO=4&transport=polling": "text/plain; charset=UTF-8",
        "/api/v1/users/me": problem,
        "/nowhere": problem,
    }
    async with http_client(server.url) as http:
        told = {path: (await http.get(path)).headers.get_list("content-type") for path in kinds}
    assert told == {path: [kind] for path, kind in kinds.items()}


@pytest.mark.parametrize(
    "request_of_unclear_length",
    [
        LOG_IN + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKED,
        LOG_IN + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
        LOG_IN + b"Content-Length: 5\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY,
        LOG_IN + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKED,
        LOG_IN + b"Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n\r\n" + CHUNKED,
    ],
)
async def test_a_request_of_unclear_length_is_refused(
    strict_server: ServerProcess, request_of_unclear_length: bytes
) -> None:
    """Else a proxy might take for a body what the service takes for the next request."""
    url = httpx.URL(strict_server.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request_of_unclear_length)
    answers = await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
    writer.close()
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert answers.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("path", ["/", "/api/v1/users/me", "/socket.io/", "/health/live"])
async def test_trace_is_no_method_here(server: ServerProcess, path: str) -> None:
    async with http_client(server.url) as http:
        answer = await http.request("TRACE", path, headers={"X-Secret": "repeat this"})
    assert 400 <= answer.status_code < 500
    assert "repeat this" not in answer.text


async def test_of_a_doubled_parameter_the_last_is_judged_and_used(
    server: ServerProcess, api: Api
) -> None:
    alice = await api.person("alice")
    await api.get("/conversations?limit=0&limit=1", alice)
    last = await api.http.get("/conversations?limit=1&limit=0", headers=alice.bearer)
    assert refused(last, 422, "invalid")["errors"][0]["field"] == "limit"


@pytest.mark.parametrize("environment", ["production", "development"])
async def test_a_line_feed_in_a_path_makes_no_line(tmp_path: Path, environment: str) -> None:
    settings = {"CHAT_ENV": environment, "HOST": "127.0.0.1"}
    async with ServerProcess(tmp_path, **settings) as server:
        async with http_client(server.url) as http:
            await http.get("/found%0d%0amade-up%1b%5b31m")
        await eventually(lambda: "found" in server.log)
        lines = server.log.split("\n")
    assert [line for line in lines if "found" in line]
    assert [line for line in lines if line.startswith("made-up")] == []
    assert "\x1b" not in server.log
