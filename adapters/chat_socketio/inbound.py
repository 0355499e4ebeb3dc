"""The cost of a frame or packet in its connection's budget, computed before decoding."""

UNIT_BYTES = 4_096
"""Each frame costs 1, plus 1 for every full 4 KiB, the default maximum length of a message."""

MAX_PACKETS_IN_POST = 200
"""Maximum number of packets in one polling request."""


def cost(size: int) -> int:
    """Return the cost of a frame or packet of that size in bytes."""
    return 1 + size // UNIT_BYTES
