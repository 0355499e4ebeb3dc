"""Whether a disk that was full takes some more."""

import tempfile
from pathlib import Path

ROOM_BYTES = 1_048_576
"""One page may find room where a transaction does not."""


def make_room(folder: Path) -> None:
    """Write so much there, and take it away again. Raises `OSError` where that can't be done."""
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        left = memoryview(bytes(ROOM_BYTES))
        while left:
            left = left[file.write(left) :]
