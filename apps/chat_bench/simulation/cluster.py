"""A cluster: users spread over nodes, partitions of the logs with one writer each, and a bus.

A message goes from its sender's node to the owner of its conversation's partition. The owner
commits it and notifies the nodes where recipients are connected. When a node dies, its partitions
move to other nodes after their leases end, and its clients reconnect to other nodes.
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
    """The parameters of a simulation; `dies_at` is the time at which one node dies, or None."""

    nodes: int
    users: int
    rate: float
    """Messages per second of all users."""
    deliveries: int
    """Number of recipients of each message, on any node."""
    seconds: float
    dies_at: float | None = None


@dataclass(slots=True)
class Moment:
    """One second of the simulation."""

    acked: list[float] = field(default_factory=list)
    """Seconds from sending a message to its ack."""
    away: int = 0
    """Number of users without a connection at the end of the second."""
    without_owner: int = 0
    """Number of partitions without an owner at the end of the second."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The results of a simulation."""

    latency: Latency
    bus_messages_each: float
    cores: Sequence[float]
    """Average number of cores that each node used."""
    moments: Sequence[Moment]


@dataclass(frozen=True, slots=True)
class _Message:
    sender: int
    partition: int
    started: float


class Cluster:
    """The nodes, the owner of each partition, and the node of each user."""

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
        """Run the simulation."""
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
        """Process the message on the sender's node, and pass it to the owner of the partition."""
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
        """Send the message again after a timeout; its client id makes that safe."""
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
        """Call the other node over the bus, which costs CPU time on both nodes.

        Within a node, call the function directly.
        """
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
        """Let the last node die.

        Its leases end, and its clients reconnect and send their messages again.
        """
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
            # The heir takes them one by one, because it reads the ends of a partition's logs first.
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
