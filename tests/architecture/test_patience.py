"""Tests wait as long as a busy machine may need."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
IMPATIENT = re.compile(
    r"(?<!socketio\.)\bAsyncClient\(|httpx\.(?:get|post|stream)\((?![^)]*timeout)"
)
"""What waits for five seconds unless it is told otherwise."""


def test_every_http_client_waits_longer_than_the_librarys_own() -> None:
    found = [
        f"{path.relative_to(TESTS)}: {match[0]}"
        for path in TESTS.rglob("*.py")
        if "node_modules" not in path.parts
        and path.name != "http_client.py"
        and path != Path(__file__)
        for match in IMPATIENT.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == [], "tests.support.http_client has a client that waits"
