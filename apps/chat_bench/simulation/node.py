"""One serving process: messages arrive, share commits, and are pushed and acked.

It works like `chat_sqlite`: a commit includes all waiting messages, and the next commit begins
after the pushes of the previous one; the acks come later. The event loop and the writer are two
threads that share an interpreter, so only one of them runs at a time; only the disk works in
parallel.
"""

import random
from dataclasses import dataclass

from chat_bench.simulation.events import Event, Events, Thread
from chat_bench.simulation.parameters import NodeCosts

MICROSECOND = 1e-6


@dataclass(slots=True)
class _Entry:
    deliveries: int
    pushed: Event
    acked: Event


class Node:
    """Receives messages, commits them, and notifies their recipients and senders."""

    def __init__(self, events: Events, costs: NodeCosts, chance: random.Random) -> None:
        self.interpreter = Thread(events)
        self.commits = 0
        self._events = events
        self._costs = costs
        self._chance = chance
        self._waiting: list[_Entry] = []
        self._is_committing = False

    def work(self, microseconds: float, then: Event) -> None:
        """Add other work for this process."""
        self.interpreter.do(microseconds * MICROSECOND, then)

    def send(self, deliveries: int, acked: Event) -> None:
        """Receive a message from a socket for that many recipients on this node."""
        self.work(self._costs.take_us, lambda: self.append(deliveries, _nothing, acked))

    def append(self, deliveries: int, pushed: Event, acked: Event) -> None:
        """Store the message together with the other waiting ones."""
        self._waiting.append(_Entry(deliveries, pushed, acked))
        if not self._is_committing:
            # The commit begins in the loop's next turn, so it includes everything already read.
            self._is_committing = True
            self.work(0, self._commit)

    def _commit(self) -> None:
        batch, self._waiting = self._waiting, []
        self.commits += 1
        stored_us = self._costs.commit_us + self._costs.stored_us * len(batch)
        self.work(stored_us, lambda: self._to_disk(batch))

    def _to_disk(self, batch: list[_Entry]) -> None:
        costs = self._costs
        us = costs.disk_us + self._chance.expovariate(1 / costs.disk_tail_us)
        self._events.after(us * MICROSECOND, lambda: self._committed(batch))

    def _committed(self, batch: list[_Entry]) -> None:
        deliveries = sum(entry.deliveries for entry in batch)
        push_us = self._costs.push_us * len(batch) + self._costs.delivery_us * deliveries
        self.work(push_us, lambda: self._pushed(batch))

    def _pushed(self, batch: list[_Entry]) -> None:
        if self._waiting:
            self._commit()
        else:
            self._is_committing = False
        for entry in batch:
            entry.pushed()

        def acked() -> None:
            for entry in batch:
                entry.acked()

        self.work(self._costs.ack_us * len(batch), acked)


def _nothing() -> None:
    pass
