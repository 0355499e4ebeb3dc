"""The service without a garbage collector, which tells on SIGUSR1 how many connections it keeps."""

import gc
import signal
import sys
from types import FrameType

from chat_server import serving
from chat_server.cli import main

KEPT = frozenset({"Connection", "DirectSocket", "EngineSocket", "_Peer", "RequestResponseCycle"})
"""What each connection has one of, and each request, as a poll is one."""


def tell(_: int, __: FrameType | None) -> None:
    """Write it to the log."""
    kinds = [type(each) for each in gc.get_objects()]
    ours = [each for each in kinds if str(each.__module__).startswith(("chat_", "uvicorn."))]
    kept = [each.__name__ for each in ours if each.__name__ in KEPT]
    sys.stderr.write(f"kept: {len(kept)} {sorted(kept)[:9]}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, tell)
    serving._tune_garbage_collection = gc.disable
    main()
