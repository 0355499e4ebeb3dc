"""Options that commands share, and what becomes of them."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import click
import msgspec

from chat_bench.accounts import AccountsError
from chat_bench.dialects import DIALECTS, Dialect
from chat_bench.plan import AnyWork, Messages, Times
from chat_bench.processes import ProcessesError
from chat_bench.running import RunError
from chat_bench.starting import StartError

Command = Callable[..., None]
Option = Callable[[Command], Command]
T = TypeVar("T")


class Measuring(TypedDict):
    """How to measure, whatever it is."""

    seconds: float
    warmup: float
    grace: float
    workers: int
    json_file: str | None


class AtTarget(Measuring):
    """And at what."""

    target: str
    dialect: str
    server_pid: tuple[int, ...]
    database_pid: tuple[int, ...]
    accounts_file: Path | None


def _all(options: Sequence[Option]) -> Option:
    """One decorator of several, in the order of the help."""

    def with_options(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


def _number(name: str, default: float, least: float, text: str) -> Option:
    kind = click.IntRange(int(least)) if isinstance(default, int) else click.FloatRange(least)
    return click.option(name, type=kind, default=default, show_default=True, help=text)


clients = _number("--clients", 100, 1, "In all.")
in_flight = _number("--in-flight", 4, 1, "Messages under way, for each sender.")
content_bytes = _number("--content-bytes", 100, 40, "Of a message.")
members = _number("--members", 10, 2, "Of each group, in a fan-out.")
entries = _number("--entries", 200, 1, "That each missed, in a sync.")
rate = click.option(
    "--rate", type=click.FloatRange(0.1), help="Messages a second, instead of --in-flight."
)
measuring = _all(
    [
        _number("--seconds", 10.0, 0.1, "To measure for."),
        _number("--warmup", 1.0, 0, "Seconds before that."),
        _number(
            "--grace",
            10.0,
            0,
            "Seconds for what is under way at the end, before it counts as lost.",
        ),
        _number("--workers", 1, 1, "Processes of clients."),
        click.option(
            "--json",
            "json_file",
            type=click.Path(dir_okay=False, allow_dash=True),
            help="Write the result there; - is standard output.",
        ),
    ]
)
at_target = _all(
    [
        click.option("--target", required=True, help="The server's URL.", metavar="URL"),
        click.option(
            "--dialect",
            type=click.Choice(list(DIALECTS)),
            default="chat",
            show_default=True,
            help="What the server speaks.",
        ),
        clients,
        measuring,
        click.option("--server-pid", type=int, multiple=True, help="To measure what it costs."),
        click.option("--database-pid", type=int, multiple=True, help="To measure what it costs."),
        click.option(
            "--accounts",
            "accounts_file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Take accounts from this file, and keep new ones there.",
        ),
    ]
)


def times_of(common: Measuring) -> Times:
    """How long to measure."""
    return Times(warmup=common["warmup"], seconds=common["seconds"], grace=common["grace"])


def check(work: AnyWork, dialect: Dialect, workers: int) -> None:
    """Refuse what can't be done. Raises `ClickException`."""
    name = type(work).__name__.lower()
    if name not in dialect.scenarios:
        raise click.ClickException(f"{dialect.name} can't be asked for {name}")
    if isinstance(work, Messages) and work.via == "http" and dialect.paths is None:
        raise click.ClickException(f"{dialect.name} has no HTTP")
    if work.clients % work.bunch:
        raise click.BadParameter(f"has to be a multiple of {work.bunch}", param_hint="--clients")
    if work.clients < work.bunch * workers:
        raise click.BadParameter("leaves some workers without clients", param_hint="--clients")


def guarded(measured: Coroutine[Any, Any, T]) -> T:
    """What it returns; what it can't do, as a sentence. SIGTERM ends it as Ctrl-C does."""

    async def ended_by_either() -> T:
        measuring = asyncio.ensure_future(measured)
        # Not by raising SIGINT, which a program that a shell has put in the background ignores.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, measuring.cancel)
        return await measuring

    try:
        return asyncio.run(ended_by_either())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except (AccountsError, ProcessesError, RunError, StartError) as error:
        raise click.ClickException(str(error)) from error


def write(json_file: str | None, text: str, result: msgspec.Struct) -> None:
    """The text for people, on standard output unless the JSON goes there."""
    click.echo(text, err=json_file == "-")
    if json_file is not None:
        with click.open_file(json_file, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
