"""The simulation is reproducible, keeps its own rules, and comes near what was measured."""

import random
from dataclasses import asdict
from pathlib import Path

import pytest
from click.testing import CliRunner

from chat_bench.commands import chat_bench
from chat_bench.simulation.capacity import Machine, capacity, cluster_rate
from chat_bench.simulation.cluster import Cluster, Outcome, Scene
from chat_bench.simulation.events import Events, Thread
from chat_bench.simulation.node import Node
from chat_bench.simulation.one_node import Load, under
from chat_bench.simulation.parameters import (
    MEASURED,
    Behaviour,
    ClusterCosts,
    Measured,
    NodeCosts,
    Sizes,
)
from tests.support import pages

COSTS, BETWEEN = NodeCosts(), ClusterCosts()


def of_a_cluster(scene: Scene, seed: int = 1) -> Outcome:
    return Cluster(scene, COSTS, BETWEEN, seed).run()


def test_events_happen_in_the_order_of_their_times_and_of_asking() -> None:
    events, happened = Events(), list[str]()
    for time, name in ((2.0, "b"), (1.0, "a"), (2.0, "c"), (9.0, "never")):
        events.at(time, lambda name=name: happened.append(name))  # type: ignore[misc]

    events.run(5.0)

    assert happened == ["a", "b", "c"]
    assert events.now == 5.0


def test_a_thread_does_one_piece_of_work_after_another() -> None:
    events, done = Events(), list[float]()
    thread = Thread(events)
    for seconds in (1.0, 2.0):
        thread.do(seconds, lambda: done.append(events.now))

    events.run(10.0)

    assert done == [1.0, 3.0]
    assert thread.busy == 3.0


def test_messages_that_wait_for_a_commit_share_the_next_one() -> None:
    events = Events()
    node = Node(events, COSTS, random.Random(1))  # noqa: S311
    acked: list[float] = []

    def send() -> None:
        node.send(1, lambda: acked.append(events.now))

    events.at(0, send)
    for _ in range(9):
        events.at(COSTS.commit_us / 2_000_000, send)  # while the first is on its way to the disk

    events.run(1.0)

    assert len(acked) == 10
    assert node.commits == 2


def test_the_same_seed_gives_the_same_figures() -> None:
    load, scene = Load(in_flight=8), Scene(3, 60, 500, 3, 2, dies_at=0.5)

    assert under(load, COSTS, seed=7) == under(load, COSTS, seed=7)
    assert under(load, COSTS, seed=7) != under(load, COSTS, seed=8)
    assert of_a_cluster(scene) == of_a_cluster(scene)


@pytest.mark.parametrize("measured", MEASURED, ids=str)
def test_one_node_comes_near_what_was_measured(measured: Measured) -> None:
    outcome = under(Load.of(measured), COSTS, seed=1)

    assert outcome.rate == pytest.approx(measured.rate, rel=0.35)
    assert 0.5 < outcome.latency.p50 / measured.p50_ms < 2


def test_after_a_death_every_message_is_acked_and_every_user_is_back() -> None:
    rate, seconds = 300, 15
    outcome = of_a_cluster(Scene(3, 90, rate, 3, seconds, dies_at=2.5))

    moments = outcome.moments
    assert moments[2].away == 30
    assert moments[2].without_owner > 60
    assert (moments[-1].away, moments[-1].without_owner) == (0, 0)
    acked = sum(len(moment.acked) for moment in moments)
    # Those without a connection write nothing meanwhile: a third of the users for five seconds.
    assert acked == pytest.approx(rate * seconds, rel=0.2)
    slowest = max(took for moment in moments for took in moment.acked)
    assert BETWEEN.lease_seconds <= slowest < BETWEEN.lease_seconds + 2 * BETWEEN.retry_seconds
    assert len(moments[-1].acked) == pytest.approx(rate, rel=0.2)


def test_more_cores_and_memory_carry_no_more_than_the_interpreter() -> None:
    tiny, small, large = (
        capacity(Machine(cores, gib, 10_000), COSTS, Sizes(), Behaviour())
        for cores, gib in ((2, 1), (2, 8), (64, 256))
    )

    assert (tiny.limit, small.limit, large.limit) == ("memory", "interpreter", "interpreter")
    assert tiny.users < small.users == large.users


def test_nodes_that_tell_all_others_stop_gaining() -> None:
    def gain(told: float | None) -> float:
        few, many = (
            cluster_rate(nodes, COSTS, BETWEEN, 5, told=told and nodes - 1) for nodes in (8, 64)
        )
        return many / few

    assert gain(None) > 6
    assert gain(1) < 2


def test_every_measured_cost_is_listed_with_its_value() -> None:
    rows = pages.table(pages.ROOT / "docs" / "scaling.md", "What it costs")
    listed = {pages.code(name)[0]: float(value) for name, value, *_ in rows}

    assert len(rows) == len(listed)
    assert listed == asdict(COSTS) | asdict(Sizes())


@pytest.mark.prove
def test_the_command_shows_and_draws_all_of_it(tmp_path: Path) -> None:
    result = CliRunner().invoke(chat_bench, ["simulate", "--plots", str(tmp_path)])

    assert result.exit_code == 0, result.output
    for words in ("measured", "64 cores", "bus messages each", "partitions without owner"):
        assert words in result.stdout
    assert {each.name for each in tmp_path.iterdir()} == {
        "simulated-node.svg",
        "simulated-cluster.svg",
        "simulated-death.svg",
    }
