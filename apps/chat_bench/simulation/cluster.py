"""Many nodes: users spread over them, each part of the logs written by one, and a bus between.

A message goes from its sender's node to the one that owns its conversation's partition, which
commits it and tells the nodes where recipients are connected. When a node dies, its partitions wait
for their leases to end and go to the others, and so do its clients.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from chat_bench.latencies import Latency, summarise_seconds
from chat_bench.simulation.events import Event, Events
from chat_bench.simulation.node import Node
from chat_bench.simulation.parameters import ClusterCosts, NodeCosts

PARTITIONS = 256


@dataclass(frozen=True, slots=True)
class Scene:
    """What is simulated. `dies_at`: when one node does; None: none does."""

    nodes: int
    users: int
    rate: float
    """Messages a second, of all users."""
    deliveries: int
    """Of each message, to users anywhere."""
    seconds: float
    dies_at: float | None = None


@dataclass(slots=True)
class Moment:
    """One second of it."""

    acked: list[float] = field(default_factory=list)
    """Seconds that messages took from their senders to their acks."""
    away: int = 0
    """Users without a connection, at its end."""
    without_owner: int = 0
    """Partitions that nobody writes, at its end."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the messages."""

    latency: Latency
    bus_messages_each: float
    cores: Sequence[float]
    """How much of a core each node took."""
    moments: Sequence[Moment]


@dataclass(frozen=True, slots=True)
class _Message:
    sender: int
    partition: int
    started: float


class Cluster:
    """The nodes, who owns which partition, and where each user is connected."""

    def __init__(self, scene: Scene, costs: NodeCosts, between: ClusterCosts, seed: int) -> None:
        self._scene = scene
        self._costs = costs
        self._between = between
        self._chance = random.Random(seed)  # noqa: S311  (a simulation)
        self._events = Events()
        self._nodes = [Node(self._events, costs, self._chance) for _ in range(scene.nodes)]
        self._living = list(range(scene.nodes))
        self._owners: list[int | None] = [each % scene.nodes for each in range(PARTITIONS)]
        self._homes: list[int | None] = [each % scene.nodes for each in range(scene.users)]
        self._held: list[list[_Message]] = [[] for _ in range(PARTITIONS)]
        self._moments = [Moment() for _ in range(int(scene.seconds) + 1)]
        self._sent = 0
        self._bus = 0

    def run(self) -> Outcome:
        """Simulate all of it."""
        scene = self._scene
        self._events.at(0, self._send_next)
        if scene.dies_at is not None:
            self._events.at(scene.dies_at, self._die)
        for second, moment in enumerate(self._moments):
            self._events.at(second + 1, partial(self._note, moment))
        self._events.run(scene.seconds)
        return Outcome(
            latency=summarise_seconds([took for moment in self._moments for took in moment.acked]),
            bus_messages_each=self._bus / max(1, self._sent),
            cores=[node.interpreter.busy / scene.seconds for node in self._nodes],
            moments=self._moments[:-1],
        )

    # -------------------------------------------------------------------------------- messages
    def _send_next(self) -> None:
        self._events.after(self._chance.expovariate(self._scene.rate), self._send_next)
        sender = self._chance.randrange(self._scene.users)
        if self._homes[sender] is not None:
            self._sent += 1
            self._submit(_Message(sender, self._chance.randrange(PARTITIONS), self._events.now))

    def _submit(self, message: _Message) -> None:
        """The sender's node takes it, and passes it on to the owner of the partition."""
        home, owner = self._homes[message.sender], self._owners[message.partition]
        if home is None:
            self._submit_later(message)
            return
        if owner is None:
            self._held[message.partition].append(message)
            return
        append = partial(self._append, message, home, owner)
        pass_on = partial(self._pass, home, owner, append)
        self._nodes[home].work(self._costs.take_us, pass_on)

    def _submit_later(self, message: _Message) -> None:
        """Nobody answered: the client sends it once more, by its client id, safely."""
        self._events.after(self._between.retry_seconds, partial(self._submit, message))

    def _append(self, message: _Message, home: int, owner: int) -> None:
        if owner not in self._living:
            self._submit_later(message)
            return
        recipients = [
            at
            for _ in range(self._scene.deliveries)
            if (at := self._homes[self._chance.randrange(self._scene.users)]) is not None
        ]

        def pushed() -> None:
            for node in sorted(set(recipients) - {owner}):
                us = self._costs.delivery_us * recipients.count(node)
                self._pass(owner, node, partial(self._nodes[node].work, us, _nothing))

        acked = partial(self._pass, owner, home, partial(self._acked, message, owner))
        self._nodes[owner].append(recipients.count(owner), pushed, acked)

    def _acked(self, message: _Message, owner: int) -> None:
        if owner not in self._living or self._homes[message.sender] is None:
            self._submit_later(message)
            return
        now = self._events.now
        self._moments[int(now)].acked.append(now - message.started)

    def _pass(self, one: int, other: int, then: Event) -> None:
        """Over the bus, which costs both of them; within a node it is a call."""
        if one == other:
            then()
            return
        self._bus += 1
        bus_us = self._between.bus_us
        arrive = partial(self._nodes[other].work, bus_us, then)
        leave = partial(self._events.after, self._between.hop_ms / 1000, arrive)
        self._nodes[one].work(bus_us, leave)

    # ---------------------------------------------------------------------------------- a death
    def _die(self) -> None:
        """The last node dies: its leases end, its clients return, what it held is sent again."""
        dead = self._living.pop()
        between, chance = self._between, self._chance
        for user, home in enumerate(self._homes):
            if home == dead:
                self._homes[user] = None
                self._events.after(
                    chance.uniform(between.return_least, between.return_most),
                    partial(self._come_back, user),
                )
        lost = [each for each, owner in enumerate(self._owners) if owner == dead]
        for partition in lost:
            self._owners[partition] = None
        end = self._events.now + between.lease_seconds
        for number, partition in enumerate(lost):
            heir = self._living[number % len(self._living)]
            # One after another: an heir reads the ends of a partition's logs before it writes.
            delay = between.takeover_ms / 1000 * (number // len(self._living) + 1)
            self._events.at(end + delay, partial(self._take_over, partition, heir))

    def _take_over(self, partition: int, heir: int) -> None:
        self._owners[partition] = heir
        held, self._held[partition] = self._held[partition], []
        for message in held:
            self._submit(message)

    def _come_back(self, user: int) -> None:
        heir = self._living[user % len(self._living)]

        def registered() -> None:
            self._homes[user] = heir

        self._nodes[heir].work(self._costs.registration_us, registered)

    def _note(self, moment: Moment) -> None:
        moment.away = sum(home is None for home in self._homes)
        moment.without_owner = sum(owner is None for owner in self._owners)


def _nothing() -> None:
    pass
