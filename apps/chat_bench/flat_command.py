"""`chat-bench flat`: costs depending on how much is stored."""

from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Unpack

import click
import msgspec

from chat_bench import memory, options
from chat_bench.comparing import Comparison, describe
from chat_bench.flatness import SUBJECTS, Sized, draw, flatness
from chat_bench.running import Result

MEMORY = "memory"


class Sizes(click.ParamType[tuple[int, ...]]):
    """Numbers in ascending order, separated by commas."""

    name = "sizes"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """See Click."""
        if isinstance(value, tuple):
            return value
        try:
            sizes = tuple(map(int, str(value).split(",")))
        except ValueError:
            self.fail("must be numbers separated by commas", param, ctx)
        if sizes[0] < 1 or list(sizes) != sorted(set(sizes)):
            self.fail("must be positive and in ascending order", param, ctx)
        return sizes


class Asked(options.Measuring):
    """The options of `chat-bench flat`."""

    messages: tuple[int, ...]
    users: tuple[int, ...]
    pairs: int
    sent: int
    rounds: int
    plots: Path | None


class Flatness(msgspec.Struct, frozen=True):
    """The measurements by subject."""

    costs: dict[str, Comparison]
    memory: memory.Growth | None


@click.command("flat")
@click.argument("subjects", metavar="SUBJECT...", nargs=-1, type=click.Choice([*SUBJECTS, MEMORY]))
@click.option(
    "--messages",
    type=Sizes(),
    default="10,10000,1000000",
    show_default=True,
    help="Messages in a conversation, for send and sync.",
)
@click.option(
    "--users",
    type=Sizes(),
    default="100,100000",
    show_default=True,
    help="Stored users, for login, search and ids.",
)
@click.option(
    "--pairs",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Conversations of each size; fewer if they would exceed a million messages together.",
)
@click.option(
    "--sent",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="Messages to send, for memory.",
)
@click.option(
    "--rounds", type=click.IntRange(1), default=5, show_default=True, help="Number of rounds."
)
@options.measuring
@click.option(
    "--plots",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder for the charts, flat-SUBJECT.svg.",
)
def flat(subjects: tuple[str, ...], **asked: Unpack[Asked]) -> None:
    """Measure on SQLite how costs depend on how much is stored.

    \b
    send     a message, by the messages in its conversation
    sync     100 missed entries, by the messages before them
    login    a log-in, by the number of users
    search   the first page of users by a common prefix, by the number of users
    ids      99 users by their ids, by the number of users
    memory   the server's memory, by messages sent since its start

    Without a SUBJECT, measures all of them. For each size, the command fills a database through the
    service's own adapter and starts a server with it. It measures the sizes in turn, round after
    round.

    \b
    Examples:
      chat-bench flat --seconds 2 --plots docs
      chat-bench flat send sync --messages 10,1000 --rounds 3 --seconds 1
    """  # noqa: D301
    wanted = subjects or (*SUBJECTS, MEMORY)
    measured = options.guarded(_measured([each for each in SUBJECTS if each in wanted], asked))
    lines, plots = [], {}
    for name, comparison in measured.costs.items():
        subject = SUBJECTS[name]
        lines.append(f"{name}: {subject.title}, by {subject.below}\n{describe(comparison)}")
        plots[name] = draw(subject, asked[subject.grows], comparison)
    if MEMORY in wanted:
        grown = options.guarded(_grown(asked))
        measured = msgspec.structs.replace(measured, memory=grown)
        lines.append(f"{MEMORY}:\n{memory.describe(grown)}")
        plots[MEMORY] = memory.draw(grown)
    options.write(asked["json_file"], "\n\n".join(lines), measured)
    if asked["plots"] is not None:
        for name, picture in plots.items():
            asked["plots"].joinpath(f"flat-{name}.svg").write_text(picture, encoding="utf-8")


async def _measured(names: list[str], asked: Asked) -> Flatness:
    times, rounds = options.times_of(asked), asked["rounds"]
    costs = {}

    def measured(number: int, result: Result) -> None:
        done = f"{result.work.units} {result.rate:,.0f} a second"
        click.echo(f"round {number + 1} of {rounds}: {name} at {result.target}: {done}", err=True)

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="chat-bench-")))
        servers = Sized(folder, stack, asked["pairs"], _tell)
        for name in names:
            subject = SUBJECTS[name]
            costs[name] = await flatness(
                *(subject, asked[subject.grows], servers, times),
                rounds=rounds,
                measured=measured,
            )
    return Flatness(costs, None)


async def _grown(asked: Asked) -> memory.Growth:
    with TemporaryDirectory(prefix="chat-bench-") as folder:
        return await memory.growth(Path(folder), options.times_of(asked), asked["sent"], _tell)


def _tell(what: str) -> None:
    click.echo(what, err=True)
