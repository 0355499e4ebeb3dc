"""What a frame or a packet counts for in the pace of its connection, before it is decoded."""

UNIT_BYTES = 4_096
"""A frame counts once, and once more for each further 4 KiB: what a message may have by default."""

MAX_PACKETS_IN_POST = 200
"""Of one polling request."""


def cost(size: int) -> int:
    """Of a frame or a packet of so many bytes, whatever is in it."""
    return 1 + size // UNIT_BYTES
