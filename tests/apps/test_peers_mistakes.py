"""What is no HTTP at all gets a line in ten seconds, however much of it comes."""

import asyncio
import logging
from pathlib import Path

import httpx
import pytest

from chat_server.http.bounded_lines import WINDOW_SECONDS
from chat_server.peers_mistakes import MOST_TEXTS, PeersMistakes
from tests.support.server import ServerProcess

INVALID = "Invalid HTTP request received."


@pytest.mark.parametrize(
    "nonsense",
    [
        b"\x16\x03\x01 a TLS greeting\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    ],
)
async def test_a_flood_of_what_is_no_request_is_a_flood_of_no_lines(
    tmp_path: Path, nonsense: bytes
) -> None:
    async with ServerProcess(tmp_path) as server:
        url = httpx.URL(server.url)
        before = len(server.log)

        async def send() -> None:
            reader, writer = await asyncio.open_connection(url.host, url.port)
            writer.write(nonsense)
            assert await reader.readline()
            writer.close()

        for _ in range(20):
            await asyncio.gather(*(send() for _ in range(10)))
        lines = server.log[before:].splitlines()
    assert 1 <= len([line for line in lines if "warning" in line]) <= 2


def kept(filtered: PeersMistakes, at: float, text: str, level: int = logging.WARNING) -> str | None:
    record = logging.LogRecord("uvicorn.error", level, "file", 1, text, None, None)
    record.created = at
    return record.getMessage() if filtered.filter(record) else None


def test_the_next_line_says_how_many_it_stands_for() -> None:
    filtered = PeersMistakes()
    assert kept(filtered, 100.0, INVALID) == INVALID
    assert [kept(filtered, 100.0 + each, INVALID) for each in range(1, 8)] == [None] * 7
    later = 100.0 + WINDOW_SECONDS
    assert kept(filtered, later, INVALID) == f"{INVALID} (7 more since the last such line)"
    assert kept(filtered, later + WINDOW_SECONDS, INVALID) == INVALID


def test_other_texts_and_other_levels_have_lines_of_their_own() -> None:
    filtered = PeersMistakes()
    assert kept(filtered, 1.0, INVALID) == INVALID
    assert kept(filtered, 1.0, "Unsupported upgrade request.") is not None
    errors = [kept(filtered, 1.0, "an error of ours", logging.ERROR) for _ in range(3)]
    assert errors == ["an error of ours"] * 3


def test_texts_without_end_take_no_memory() -> None:
    filtered = PeersMistakes()
    for each in range(10 * MOST_TEXTS):
        kept(filtered, 1.0, f"text {each}")
    assert len(filtered._windows) <= MOST_TEXTS
