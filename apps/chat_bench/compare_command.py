"""`chat-bench compare`: measures several targets in turn."""

from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Unpack, get_args

import click

from chat_bench import options, plan
from chat_bench.accounts import accounts
from chat_bench.bars import bars
from chat_bench.comparing import Comparison, Entrant, compare, describe
from chat_bench.named_targets import NAMES, NamedTargets, Programs
from chat_bench.running import Result, accounts_needed
from chat_bench.targets import HTTP

Compared = Literal["messages", "fanout", "idle", "reconnect", "sync", "presence"]
PROGRAM = click.Path(exists=True, dir_okay=False, path_type=Path)


class Asked(options.Measuring):
    """The options of `chat-bench compare`."""

    scenario: Compared
    rounds: int
    clients: int
    members: int
    entries: int
    in_flight: int
    content_bytes: int
    rate: float | None
    plot: Path | None
    mongod: Path | None
    node: Path | None


@click.command("compare")
@click.argument("names", metavar="TARGET...", nargs=-1, required=True, type=click.Choice(NAMES))
@click.option(
    "--scenario",
    type=click.Choice(get_args(Compared)),
    default="messages",
    show_default=True,
    help="Scenario to run, as in `chat-bench run`.",
)
@click.option(
    "--rounds", type=click.IntRange(1), default=5, show_default=True, help="Number of rounds."
)
@options.clients
@options.members
@options.entries
@options.in_flight
@options.content_bytes
@options.rate
@options.measuring
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the rates in this SVG file.",
)
@click.option("--mongod", type=PROGRAM, help="mongod to use instead of the development wheel's.")
@click.option("--node", type=PROGRAM, help="Node to use instead of the development wheel's.")
def compare_targets(names: tuple[str, ...], **asked: Unpack[Asked]) -> None:
    """Start several targets and measure them in turn, round after round.

    Each server runs on this machine in a temporary folder, and listens only on the loopback
    interface. The others are compared with the first one. A name that ends in -http is the same
    server, but messages are sent over HTTP.

    \b
    Examples:
      chat-bench compare chat-sqlite chat-sqlite-http relay
      chat-bench compare chat-mongodb-http express-http --rounds 3 --seconds 10
    """  # noqa: D301
    works = {name: _work(name, asked) for name in names}
    times, workers, rounds = options.times_of(asked), asked["workers"], asked["rounds"]

    def measured(number: int, result: Result) -> None:
        done = f"{result.target} {result.rate:,.0f} a second"
        click.echo(f"round {number + 1} of {rounds}: {done}", err=True)

    async def compared() -> Comparison:
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="chat-bench-")))
            targets = NamedTargets(folder, Programs(asked["mongod"], asked["node"]), stack)
            entrants = []
            for name, work in works.items():
                click.echo(f"starting {name} …", err=True)
                target = await targets.target(name)
                options.check(work, target.dialect, workers)
                needed = accounts_needed(work, target.dialect, workers)
                entrants.append(Entrant(target, work, await accounts(target, needed, times)))
            return await compare(entrants, times, rounds=rounds, workers=workers, measured=measured)

    comparison = options.guarded(compared())
    options.write(asked["json_file"], describe(comparison), comparison)
    if asked["plot"] is not None:
        asked["plot"].write_text(bars(comparison), encoding="utf-8")


def _work(name: str, asked: Asked) -> plan.AnyWork:
    clients, in_flight, content_bytes = (
        asked["clients"],
        asked["in_flight"],
        asked["content_bytes"],
    )
    if name.endswith(HTTP) and asked["scenario"] != "messages":
        raise click.BadParameter(f"{asked['scenario']} is the same with and without {HTTP}")
    match asked["scenario"]:
        case "fanout":
            return plan.Fanout(
                clients=clients,
                members=asked["members"],
                in_flight=in_flight,
                content_bytes=content_bytes,
            )
        case "idle":
            return plan.Idle(clients=clients)
        case "reconnect":
            return plan.Reconnect(clients=clients)
        case "sync":
            return plan.Sync(clients=clients, entries=asked["entries"], content_bytes=content_bytes)
        case "presence":
            return plan.Presence(clients=clients)
        case "messages":
            return plan.Messages(
                clients=clients,
                in_flight=in_flight,
                content_bytes=content_bytes,
                via="http" if name.endswith(HTTP) else "socket",
                rate=asked["rate"],
            )
