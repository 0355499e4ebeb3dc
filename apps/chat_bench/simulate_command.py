"""`chat-bench simulate`: predictions for larger nodes and for clusters."""

from pathlib import Path

import click

from chat_bench.report import table
from chat_bench.simulation import capacity, cluster, one_node, parameters, pictures
from chat_bench.simulation.capacity import Machine
from chat_bench.simulation.parameters import Behaviour, ClusterCosts, NodeCosts, Sizes

MACHINES = (Machine(2, 8, 1_000), Machine(8, 32, 5_000), Machine(64, 256, 25_000))
COSTS, SIZES, PEOPLE, BETWEEN = NodeCosts(), Sizes(), Behaviour(), ClusterCosts()
NODES = (1, 2, 4, 8, 16)
SIMULATED_USERS = 2_000
CLUSTER_SECONDS = 1.5
DEATH = cluster.Scene(nodes=4, users=8_000, rate=2_000, deliveries=5, seconds=20, dies_at=5)


@click.command("simulate")
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same results.")
@click.option(
    "--plots",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder for the charts, simulated-….svg.",
)
def simulate(seed: int, plots: Path | None) -> None:
    """Simulate a node next to its measurements, larger nodes, and a cluster.

    All input numbers are in chat_bench/simulation/parameters.py; docs/scaling.md explains where
    they come from and what the results mean.

    \b
    Example:
      chat-bench simulate --plots docs
    """  # noqa: D301
    trials = [
        (each, one_node.under(one_node.Load.of(each), COSTS, seed)) for each in parameters.MEASURED
    ]
    grown = [(nodes, *_cluster(nodes, seed)) for nodes in NODES]
    death = cluster.Cluster(DEATH, COSTS, BETWEEN, seed).run()
    for text in (_trials(trials), _machines(), _grown(grown), _death(death)):
        click.echo(text + "\n")
    if plots is not None:
        pictures.draw(plots, trials, grown, (DEATH, death))


def _cluster(nodes: int, seed: int) -> tuple[float, float, cluster.Outcome]:
    """Return a cluster's rate, its rate if each node got everything, and a simulation."""
    deliveries = int(PEOPLE.deliveries)
    rate = capacity.cluster_rate(nodes, COSTS, BETWEEN, deliveries)
    to_all = capacity.cluster_rate(nodes, COSTS, BETWEEN, deliveries, told=nodes - 1)
    scene = cluster.Scene(nodes, SIMULATED_USERS, rate, deliveries, CLUSTER_SECONDS)
    return rate, to_all, cluster.Cluster(scene, COSTS, BETWEEN, seed).run()


def _trials(trials: list[tuple[parameters.Measured, one_node.Outcome]]) -> str:
    rows = [["one node", "a second", "measured", "p50 ms", "measured", "p99 ms", "measured"]]
    rows += [
        [
            str(one_node.Load.of(each)),
            f"{outcome.rate:,.0f}",
            f"{each.rate:,.0f}",
            f"{outcome.latency.p50:.1f}",
            f"{each.p50_ms:.1f}",
            f"{outcome.latency.p99:.1f}",
            f"{each.p99_ms:.1f}",
        ]
        for each, outcome in trials
    ]
    return table(rows)


def _machines() -> str:
    rows = [["one process on", "by interpreter", "by memory", "by network", "users online"]]
    rows[0] += ["limit", "messages/s", "log-ins/s", "GiB a day", "back after, s"]
    for machine in MACHINES:
        found = capacity.capacity(machine, COSTS, SIZES, PEOPLE)
        each = (found.by_interpreter, found.by_memory, found.by_network, found.users)
        rows.append(
            [
                f"{machine.cores} cores, {machine.memory_gib:g} GiB",
                *(f"{users:,.0f}" for users in each),
                found.limit,
                f"{found.users * PEOPLE.messages_an_hour / capacity.HOUR:,.0f}",
                f"{(machine.cores - 1) * 1_000_000 / COSTS.log_in_us:,.0f}",
                f"{capacity.stored_gib_a_day(found.users, SIZES, PEOPLE):.1f}",
                f"{capacity.back_after(found.users, COSTS, PEOPLE):.0f}",
            ]
        )
    return table(rows)


def _grown(grown: list[tuple[int, float, float, cluster.Outcome]]) -> str:
    rows = [
        ["nodes", "messages/s", "if all are told", "p99 ms", "bus messages each", "cores of each"]
    ]
    rows += [
        [
            f"{nodes}",
            f"{rate:,.0f}",
            f"{to_all:,.0f}",
            f"{outcome.latency.p99:.1f}",
            f"{outcome.bus_messages_each:.1f}",
            f"{max(outcome.cores):.2f}",
        ]
        for nodes, rate, to_all, outcome in grown
    ]
    return table(rows)


def _death(death: cluster.Outcome) -> str:
    rows = [["second", "users away", "partitions without owner", "acked", "slowest ack, s"]]
    rows += [
        [
            f"{second + 1}",
            f"{moment.away:,}",
            f"{moment.without_owner}",
            f"{len(moment.acked):,}",
            f"{max(moment.acked, default=0):.2f}",
        ]
        for second, moment in enumerate(death.moments)
    ]
    return f"{DEATH.nodes} nodes, one dies after {DEATH.dies_at:g} s\n{table(rows)}"
