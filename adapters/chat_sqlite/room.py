"""A check whether a disk that was full has room again."""

import tempfile
from pathlib import Path

ROOM_BYTES = 1_048_576
"""The size of the test file. A single page might still fit when a transaction does not."""


def make_room(folder: Path) -> None:
    """Write a temporary file of that size to the folder. Raises `OSError` if it does not fit."""
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        left = memoryview(bytes(ROOM_BYTES))
        while left:
            left = left[file.write(left) :]
