"""`chat-server import-original`."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack

import click

from chat_server.commands.failures import fail, reporting_errors
from chat_server.settings import load_settings


@click.command("import-original")
@click.option(
    "--from",
    "url",
    required=True,
    metavar="URL",
    envvar="ORIGINAL_DATABASE_URL",
    show_envvar=True,
    help="The original's database, mongodb://HOST/NAME. If it has a password, use the environment"
    " variable: other users can see a command's arguments.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def import_original(url: str, as_json: bool) -> None:  # noqa: FBT001
    """Import the users and messages of the original system into DATABASE_URL.

    The command only reads the original. Run it again to import what is new there.

    \b
    Example:
      chat-server import-original --from mongodb://localhost/test
    """  # noqa: D301
    # Imported here so that `settings` and `--help` stay quick.
    from chat_server.importing import ImportStopped, Progress, import_original  # noqa: PLC0415

    with (
        reporting_errors(
            "Stopped. Everything imported so far is stored; run it again to continue."
        ),
        ExitStack() as stack,
    ):
        settings = load_settings()
        bars = stack if sys.stdout.isatty() and not as_json else None
        progress = Progress(_steps("Users", bars), _steps("Messages", bars))
        try:
            summary = asyncio.run(import_original(settings, url, progress))
        except ImportStopped as error:
            fail(str(error))
    if as_json:
        click.echo(json.dumps(summary.described(), indent=2))
        return
    for line in summary.lines():
        click.echo(line)


def _steps(label: str, bars: ExitStack | None) -> Callable[[int], Callable[[int], None]]:
    """Return a function that begins a bar of a known length and ends the previous one.

    Without `bars`, the function shows nothing.
    """

    def begin(length: int) -> Callable[[int], None]:
        if bars is None:
            return lambda _: None
        bars.close()
        bar = bars.enter_context(click.progressbar(length=length, label=label))
        return bar.update

    return begin
