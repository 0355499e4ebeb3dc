"""What was simulated, drawn."""

from collections.abc import Sequence
from pathlib import Path

from chat_bench.curves import Axes, Curve, plot
from chat_bench.simulation import cluster, one_node
from chat_bench.simulation.parameters import Measured

Trial = tuple[Measured, one_node.Outcome]
Grown = tuple[int, float, float, cluster.Outcome]


def draw(
    folder: Path, trials: Sequence[Trial], grown: Sequence[Grown], death: cluster.Outcome
) -> None:
    """One SVG each: a node beside the real one, nodes by number, and the death of one."""
    for name, picture in (
        ("node", _node(trials)),
        ("cluster", _cluster(grown)),
        ("death", _death(death)),
    ):
        folder.joinpath(f"simulated-{name}.svg").write_text(picture, encoding="utf-8")


def _node(trials: Sequence[Trial]) -> str:
    """The rates of closed loops; those at a rate are in the table only."""
    closed = [(each, outcome) for each, outcome in trials if each.in_flight is not None]
    measured = [(float(each.in_flight or 1), each.rate) for each, _ in closed]
    simulated = [(float(each.in_flight or 1), outcome.rate) for each, outcome in closed]
    axes = Axes("messages a second of one node", "messages in flight", logarithmic=True)
    curves = [Curve("measured", measured), Curve("simulated", simulated, is_measured=False)]
    return plot(axes, curves)


def _cluster(grown: Sequence[Grown]) -> str:
    first = grown[0][1]
    curves = [
        Curve(
            "nodes that do not need each other",
            [(n, first * n) for n, *_ in grown],
            is_measured=False,
        ),
        Curve(
            "only those concerned are told", [(n, rate) for n, rate, *_ in grown], is_measured=False
        ),
        Curve("all are told", [(n, to_all) for n, _, to_all, _ in grown], is_measured=False),
    ]
    return plot(Axes("messages a second", "nodes"), curves)


def _death(death: cluster.Outcome) -> str:
    seconds = [float(second) for second in range(1, len(death.moments) + 1)]
    users = max(moment.away for moment in death.moments) or 1
    partitions = max(moment.without_owner for moment in death.moments) or 1
    rate = max(len(moment.acked) for moment in death.moments) or 1
    percent = [
        ("users away", [100 * moment.away / users for moment in death.moments]),
        ("partitions unowned", [100 * each.without_owner / partitions for each in death.moments]),
        ("messages acked", [100 * len(moment.acked) / rate for moment in death.moments]),
    ]
    curves = [
        Curve(name, list(zip(seconds, values, strict=True)), (), is_measured=False)
        for name, values in percent
    ]
    return plot(Axes("% of the most", "seconds"), curves)
