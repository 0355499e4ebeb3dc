"""The capacity of nodes: the number of online users at which the first resource is exhausted."""

from dataclasses import dataclass

from chat_bench.processes import MEBIBYTE
from chat_bench.simulation.parameters import (
    PING_SECONDS,
    Behaviour,
    ClusterCosts,
    NodeCosts,
    Sizes,
)

HOUR = 3600.0
SHARE = 0.5
"""Share of the highest rate that is used in the busiest hour, so that a backlog soon disappears."""
BATCH = 100
"""Number of messages that share a commit near the highest rate."""


@dataclass(frozen=True, slots=True)
class Machine:
    """The resources of a machine that one serving process can use."""

    cores: int
    memory_gib: float
    network_mbit: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """Number of users online at the same time that each resource alone allows."""

    by_interpreter: float
    by_memory: float
    by_network: float

    @property
    def users(self) -> float:
        """The number that the scarcest resource allows."""
        return min(self.by_interpreter, self.by_memory, self.by_network)

    @property
    def limit(self) -> str:
        """The name of the scarcest resource."""
        names = ("by_interpreter", "by_memory", "by_network")
        return min(names, key=lambda name: float(getattr(self, name))).removeprefix("by_")


def message_us(costs: NodeCosts, deliveries: float) -> float:
    """Return the CPU microseconds of a message near the highest rate."""
    once = costs.take_us + costs.stored_us + costs.push_us + costs.ack_us
    return once + costs.commit_us / BATCH + costs.delivery_us * deliveries


def capacity(machine: Machine, costs: NodeCosts, sizes: Sizes, people: Behaviour) -> Capacity:
    """Return the capacity of one serving process, which uses one core at a time."""
    a_second = people.messages_an_hour / HOUR
    writing_us = a_second * message_us(costs, people.deliveries)
    being_there_us = people.connections * costs.idle_us / PING_SECONDS
    kib = 1024 * (1024 * machine.memory_gib - sizes.base_mib)
    bits = 8 * sizes.delivered_bytes * people.deliveries
    return Capacity(
        by_interpreter=SHARE * 1_000_000 / (writing_us + being_there_us),
        by_memory=kib / (sizes.connection_kib * people.connections),
        by_network=SHARE * 1_000_000 * machine.network_mbit / (bits * a_second),
    )


def back_after(users: float, costs: NodeCosts, people: Behaviour) -> float:
    """Return the seconds of work until all users are registered again after a restart."""
    return users * people.connections * costs.registration_us / 1_000_000


def stored_gib_a_day(users: float, sizes: Sizes, people: Behaviour) -> float:
    """Return the disk space in GiB for one day's messages of these users."""
    messages = users * people.messages_an_hour * people.busiest_hours_a_day
    return messages * sizes.stored_bytes / MEBIBYTE / 1024


def cluster_rate(
    nodes: int,
    costs: NodeCosts,
    between: ClusterCosts,
    deliveries: int,
    *,
    told: float | None = None,
) -> float:
    """Return the messages per second of a cluster in the busiest hour.

    A message goes to the owner of its partition, its ack goes back, and pushes go to the other
    nodes where recipients are connected. `told` overrides the number of those nodes.
    """
    others = 1 - 1 / nodes
    if told is None:
        told = (nodes - 1) * (1 - others**deliveries)
    hops = 2 * others + told
    return SHARE * nodes * 1_000_000 / (message_us(costs, deliveries) + 2 * between.bus_us * hops)
