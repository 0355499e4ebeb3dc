"""What nodes carry: the first of their limits that a number of online users comes to."""

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
"""Of the highest rate, in the busiest hour: behind that, a pause is made up for soon."""
BATCH = 100
"""Messages that share a commit near the highest rate."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What one serving process may have of one."""

    cores: int
    memory_gib: float
    network_mbit: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """Users online at once, as each resource alone would allow."""

    by_interpreter: float
    by_memory: float
    by_network: float

    @property
    def users(self) -> float:
        """Of the resource that ends first."""
        return min(self.by_interpreter, self.by_memory, self.by_network)

    @property
    def limit(self) -> str:
        """Its name."""
        names = ("by_interpreter", "by_memory", "by_network")
        return min(names, key=lambda name: float(getattr(self, name))).removeprefix("by_")


def message_us(costs: NodeCosts, deliveries: float) -> float:
    """CPU for a message near the highest rate."""
    once = costs.take_us + costs.stored_us + costs.push_us + costs.ack_us
    return once + costs.commit_us / BATCH + costs.delivery_us * deliveries


def capacity(machine: Machine, costs: NodeCosts, sizes: Sizes, people: Behaviour) -> Capacity:
    """Of one serving process, which runs on one core at a time, however many there are."""
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
    """Seconds of work until all of them are registered again, after a restart."""
    return users * people.connections * costs.registration_us / 1_000_000


def stored_gib_a_day(users: float, sizes: Sizes, people: Behaviour) -> float:
    """What a day's messages of so many users take on disk."""
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
    """Messages a second of so many nodes, in the busiest hour.

    A message passes to the owner of its partition and its ack back, and then to each other node
    where a recipient is connected; `told` is how many, where it is not that.
    """
    others = 1 - 1 / nodes
    if told is None:
        told = (nodes - 1) * (1 - others**deliveries)
    hops = 2 * others + told
    return SHARE * nodes * 1_000_000 / (message_us(costs, deliveries) + 2 * between.bus_us * hops)
