"""Options that several commands share, and the functions that use their values."""

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
    """Options of every measurement."""

    seconds: float
    warmup: float
    grace: float
    workers: int
    json_file: str | None


class AtTarget(Measuring):
    """Options of a measurement of a running server."""

    target: str
    dialect: str
    server_pid: tuple[int, ...]
    database_pid: tuple[int, ...]
    accounts_file: Path | None


def _all(options: Sequence[Option]) -> Option:
    """Combine several options into one decorator, in the order of the help text."""

    def with_options(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return with_options


def _number(name: str, default: float, least: float, text: str) -> Option:
    kind = click.IntRange(int(least)) if isinstance(default, int) else click.FloatRange(least)
    return click.option(name, type=kind, default=default, show_default=True, help=text)


clients = _number("--clients", 100, 1, "Number of clients.")
in_flight = _number("--in-flight", 4, 1, "Number of pending messages per sender.")
content_bytes = _number("--content-bytes", 100, 40, "Size of a message.")
members = _number("--members", 10, 2, "Members of each group, for fanout.")
entries = _number("--entries", 200, 1, "Entries that each client missed, for sync.")
rate = click.option(
    "--rate", type=click.FloatRange(0.1), help="Messages per second, instead of --in-flight."
)
measuring = _all(
    [
        _number("--seconds", 10.0, 0.1, "Seconds to measure."),
        _number("--warmup", 1.0, 0, "Seconds before the measurement."),
        _number(
            "--grace",
            10.0,
            0,
            "Seconds to wait at the end before pending messages count as lost.",
        ),
        _number("--workers", 1, 1, "Number of client processes."),
        click.option(
            "--json",
            "json_file",
            type=click.Path(dir_okay=False, allow_dash=True),
            help="Write the result to this file as JSON; - is standard output.",
        ),
    ]
)
at_target = _all(
    [
        click.option("--target", required=True, help="URL of the server.", metavar="URL"),
        click.option(
            "--dialect",
            type=click.Choice(list(DIALECTS)),
            default="chat",
            show_default=True,
            help="Protocol of the server.",
        ),
        clients,
        measuring,
        click.option("--server-pid", type=int, multiple=True, help="Measure this server process."),
        click.option(
            "--database-pid", type=int, multiple=True, help="Measure this database process."
        ),
        click.option(
            "--accounts",
            "accounts_file",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Read accounts from this file, and store new ones in it.",
        ),
    ]
)


def times_of(common: Measuring) -> Times:
    """Return the times of a run."""
    return Times(warmup=common["warmup"], seconds=common["seconds"], grace=common["grace"])


def check(work: AnyWork, dialect: Dialect, workers: int) -> None:
    """Raise `ClickException` if the dialect or the number of clients does not fit the work."""
    name = type(work).__name__.lower()
    if name not in dialect.scenarios:
        raise click.ClickException(f"{dialect.name} does not support {name}")
    if isinstance(work, Messages) and work.via == "http" and dialect.paths is None:
        raise click.ClickException(f"{dialect.name} has no HTTP")
    if work.clients % work.bunch:
        raise click.BadParameter(f"must be a multiple of {work.bunch}", param_hint="--clients")
    if work.clients < work.bunch * workers:
        raise click.BadParameter("must give every worker some clients", param_hint="--clients")


def guarded(measured: Coroutine[Any, Any, T]) -> T:
    """Run the measurement, and report its errors as sentences. SIGTERM has the effect of Ctrl-C."""

    async def ended_by_either() -> T:
        measuring = asyncio.ensure_future(measured)
        # SIGTERM cancels the task. Raising SIGINT would not work, because a program that a shell
        # starts in the background ignores it.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, measuring.cancel)
        return await measuring

    try:
        return asyncio.run(ended_by_either())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except (AccountsError, ProcessesError, RunError, StartError) as error:
        raise click.ClickException(str(error)) from error


def write(json_file: str | None, text: str, result: msgspec.Struct) -> None:
    """Print the text, and write the JSON to its file.

    If the JSON goes to standard output, prints the text on standard error.
    """
    click.echo(text, err=json_file == "-")
    if json_file is not None:
        with click.open_file(json_file, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(result)) + b"\n")
