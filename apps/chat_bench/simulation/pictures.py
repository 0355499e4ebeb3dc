"""Charts of the simulations."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from chat_bench.curves import Axes, Curve, plot
from chat_bench.simulation import cluster, one_node
from chat_bench.simulation.parameters import Measured

Trial = tuple[Measured, one_node.Outcome]
Grown = tuple[int, float, float, cluster.Outcome]


def draw(
    folder: Path,
    trials: Sequence[Trial],
    grown: Sequence[Grown],
    death: tuple[cluster.Scene, cluster.Outcome],
) -> None:
    """Draw three SVGs: a node and its measurements, clusters by size, and the death of a node."""
    for name, picture in (
        ("node", _node(trials)),
        ("cluster", _cluster(grown)),
        ("death", _death(*death)),
    ):
        folder.joinpath(f"simulated-{name}.svg").write_text(picture, encoding="utf-8")


def _node(trials: Sequence[Trial]) -> str:
    """Draw the rates of closed loops; only the table contains fixed rates."""
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


def _death(scene: cluster.Scene, death: cluster.Outcome) -> str:
    def percent(name: str, of: float, values: Iterable[float]) -> Curve:
        points = [(float(second), 100 * each / of) for second, each in enumerate(values, 1)]
        return Curve(name, points, is_measured=False)

    moments = death.moments
    curves = [
        percent("users away", scene.users, (each.away for each in moments)),
        percent("partitions unowned", cluster.PARTITIONS, (e.without_owner for e in moments)),
        percent("acks a second", scene.rate, (len(each.acked) for each in moments)),
    ]
    return plot(Axes("% of all", "seconds"), curves)
