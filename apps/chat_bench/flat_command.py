"""`chat-bench flat`: costs by how much is stored."""

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
    """Numbers, ascending, with commas between."""

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
            self.fail("has to be numbers with commas between", param, ctx)
        if sizes[0] < 1 or list(sizes) != sorted(set(sizes)):
            self.fail("have to be positive, and ascend", param, ctx)
        return sizes


class Asked(options.Measuring):
    """How far to go."""

    messages: tuple[int, ...]
    users: tuple[int, ...]
    pairs: int
    sent: int
    rounds: int
    plots: Path | None


class Flatness(msgspec.Struct, frozen=True):
    """What was measured, by subject."""

    costs: dict[str, Comparison]
    memory: memory.Growth | None


@click.command("flat")
@click.argument("subjects", metavar="SUBJECT...", nargs=-1, type=click.Choice([*SUBJECTS, MEMORY]))
@click.option(
    "--messages",
    type=Sizes(),
    default="10,10000,1000000",
    show_default=True,
    help="In a conversation, for send and sync.",
)
@click.option(
    "--users",
    type=Sizes(),
    default="100,100000",
    show_default=True,
    help="For login, search and ids.",
)
@click.option(
    "--pairs",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="Conversations of each size, or as many as hold a million messages together.",
)
@click.option(
    "--sent",
    type=click.IntRange(1),
    default=1_000_000,
    show_default=True,
    help="Messages, for memory.",
)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True, help="Of all.")
@options.measuring
@click.option(
    "--plots",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Draw each there, as flat-SUBJECT.svg.",
)
def flat(subjects: tuple[str, ...], **asked: Unpack[Asked]) -> None:
    """Measure what something costs by how much is stored, on SQLite.

    \b
    send    a message, by the messages in its conversation
    sync    100 entries that were missed, by the messages before them
    login   a log-in, by users
    search  the first users by a prefix that all names have, by users
    ids     99 users by their ids, by users
    memory  the server's, by messages sent since it was started

    Without a name, all of them. For each size a database is filled through the service's own
    adapter, and a server is started on it; the sizes are measured in turn, round after round.

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
