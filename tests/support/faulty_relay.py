"""A relay as `chat_bench` speaks to one, which goes wrong with one message of its own accord."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from enum import Enum

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

HEADER_BYTES = 16
FAULTY = 50
"""The message that it goes wrong with."""


class Fault(Enum):
    """What it does to a message, and what a load tool has to say of it."""

    NONE = ""
    LOSE = "lost: 1"
    DELIVER_TWICE = "delivered twice: 1"
    MISROUTE = "misrouted: 1"
    GARBLE = "not what was sent: 1"
    LEAVE_UNACKED = "never acked: 1"
    ACK_TWICE = "acked twice, or never sent: 1"
    HANG_UP = "closed by the target"


@contextmanager
def faulty_relay(fault: Fault) -> Iterator[str]:
    """The URL of one that runs."""
    connections: dict[str, ServerConnection] = {}
    more = threading.Condition()
    numbers = itertools.count(1)

    def relay(connection: ServerConnection) -> None:
        assert connection.request
        mine = connection.request.path
        with more:
            connections[mine] = connection
            more.notify_all()
        with suppress(ConnectionClosed):
            for frame in connection:
                assert isinstance(frame, bytes)
                pass_on(frame, mine, fault if next(numbers) == FAULTY else Fault.NONE)

    def pass_on(frame: bytes, sender: str, fault: Fault) -> None:
        recipient = f"/{int.from_bytes(frame[:4], 'big')}"
        with more:
            more.wait_for(lambda: recipient in connections)
        copies = {Fault.LOSE: 0, Fault.DELIVER_TWICE: 2}.get(fault, 1)
        acks = {Fault.LEAVE_UNACKED: 0, Fault.ACK_TWICE: 2}.get(fault, 1)
        if fault is Fault.MISROUTE:
            recipient = sender
        if fault is Fault.GARBLE:
            frame = frame[:-1] + b"!"
        if fault is Fault.HANG_UP:
            connections[recipient].close()
            return
        for _ in range(copies):
            connections[recipient].send(frame)
        for _ in range(acks):
            connections[sender].send(frame[:HEADER_BYTES])

    with serve(relay, "127.0.0.1", 0, compression=None) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        serving.join()
