"""What a server's log must not hold."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.server import SECRET, ServerProcess, confided

TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{16,}")
"""The head of a JWT, and the beginning of what it says."""

REFRESH_TOKEN = re.compile(
    r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{43}(?![\w-])"
)
"""32 random bytes in the alphabet of base64 for URLs."""

LONG_ENOUGH = 8
"""Characters of a text that stands in a log for no other reason."""


def mistakes(server: ServerProcess) -> list[str]:
    """The lines that tell of a mistake of the server's own. It has to run in production."""
    lines = server.log.rstrip("\n").split("\n")  # a path may hold what else ends a line
    if server.is_plain_asgi:  # its own lines are another server's business
        return [line for line in lines if "incident" in line or "never retrieved" in line]
    return [line for line in lines if json.loads(line)["level"] not in {"info", "warning"}]


def secrets_in(log: Path) -> Iterator[str]:
    """The lines with a token, a password or the text of a message in them."""
    texts = [text for text in {SECRET, *confided} if len(text) >= LONG_ENOUGH]
    anything = re.compile("|".join(map(re.escape, sorted(texts, key=len, reverse=True))))
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if TOKEN.search(line) or REFRESH_TOKEN.search(line) or anything.search(line):
                yield line
