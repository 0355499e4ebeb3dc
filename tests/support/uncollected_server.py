"""The service without a garbage collector, which tells on SIGUSR1 how many connections it keeps."""

import gc
import signal
import sys
from types import FrameType

from chat_server import serving
from chat_server.cli import main

KEPT = frozenset({"Connection", "DirectSocket", "EngineSocket", "_Peer"})
"""What each connection has one of."""


def tell(_: int, __: FrameType | None) -> None:
    """Write it to the log."""
    kinds = [type(each) for each in gc.get_objects()]
    kept = [k.__name__ for k in kinds if k.__name__ in KEPT and str(k.__module__)[:5] == "chat_"]
    sys.stderr.write(f"kept: {len(kept)} {sorted(kept)[:9]}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, tell)
    serving._tune_garbage_collection = gc.disable
    main()
