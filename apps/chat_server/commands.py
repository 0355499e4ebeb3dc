"""What `chat-server` can do."""

import asyncio
import json
import sys
from collections.abc import Callable
from contextlib import ExitStack

import click

from chat_server.settings import SettingsError, load_settings
from chat_server.settings_errors import DatabaseMissingError

INTERRUPTED = 130
"""The exit code by which a shell tells of Ctrl-C."""


class Wrong(click.ClickException):
    """The settings are not as they should be; each line names the one to mend."""

    exit_code = 2

    def __init__(self, error: SettingsError) -> None:
        super().__init__("\n".join(error.problems))

    def show(self, file: object = None) -> None:  # noqa: ARG002  (its base's)
        """Only the lines, on standard error."""
        click.echo(self.message, err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="chat-core", prog_name="chat-server")
def chat_server() -> None:
    """A chat service over HTTP and Socket.IO.

    Settings come from the environment, or from a file .env in the working directory.

    \b
    Example:
      PORT=8080 chat-server run
    """  # noqa: D301  (to Click the character \b means: do not wrap)


@chat_server.command()
@click.option("--host", help="The address to listen at, instead of HOST.")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port, instead of PORT.")
def run(host: str | None, port: int | None) -> None:
    """Serve until stopped by Ctrl-C or SIGTERM.

    \b
    Example:
      chat-server run --host 0.0.0.0 --port 8080
    """  # noqa: D301
    try:
        settings = load_settings(HOST=host, PORT=port)
        from chat_server.serving import serve  # noqa: PLC0415  (`settings` and `--help` stay quick)

        serve(settings)
    except SettingsError as error:
        raise Wrong(error) from error
    except DatabaseMissingError as error:
        click.echo(str(error), err=True)
        sys.exit(1)


@chat_server.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show_settings(as_json: bool) -> None:  # noqa: FBT001  (how Click hands over a flag)
    """Print every setting as NAME=value, with secrets masked.

    \b
    Example:
      chat-server settings | grep BYTES
    """  # noqa: D301
    try:
        values = load_settings().describe()
    except SettingsError as error:
        raise Wrong(error) from error
    if as_json:
        click.echo(json.dumps(values, indent=2))
        return
    for name, value in values.items():
        click.echo(f"{name}={'' if value is None else value}")


@chat_server.command()
def demo() -> None:
    """Fill the database with people and conversations to play with.

    Run again, it adds what is missing. Not in production: everyone knows the passwords.

    \b
    Example:
      chat-server demo
    """  # noqa: D301
    # `settings` and `--help` stay quick.
    from chat_server.demo import fill_with_demo  # noqa: PLC0415
    from chat_server.demo_content import PASSWORD, PEOPLE  # noqa: PLC0415

    try:
        settings = load_settings()
        asyncio.run(fill_with_demo(settings))
    except SettingsError as error:
        raise Wrong(error) from error
    *others, last = PEOPLE
    click.echo("The demonstration is there. Start the service, and log in at its page:")
    click.echo(f"  user name  {', '.join(others)} or {last} (mira knows them all)")
    click.echo(f"  password   {PASSWORD}")
    click.echo("For two people at once take a second browser, or a private window.")


@chat_server.command("import-original")
@click.option(
    "--from",
    "url",
    required=True,
    metavar="URL",
    envvar="ORIGINAL_DATABASE_URL",
    show_envvar=True,
    help="The original's database, mongodb://HOST/NAME. Put a password into the variable: others"
    " can see the arguments of a process.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def import_original(url: str, as_json: bool) -> None:  # noqa: FBT001
    """Take over the users and messages of the original system into DATABASE_URL.

    The original is only read. Run again, it adds what is new there.

    \b
    Example:
      chat-server import-original --from mongodb://localhost/test
    """  # noqa: D301
    # `settings` and `--help` stay quick.
    from chat_server.importing import ImportStopped, Progress, import_original  # noqa: PLC0415

    try:
        settings = load_settings()
        with ExitStack() as stack:
            bars = stack if sys.stdout.isatty() and not as_json else None
            progress = Progress(_steps("Users", bars), _steps("Messages", bars))
            summary = asyncio.run(import_original(settings, url, progress))
    except SettingsError as error:
        raise Wrong(error) from error
    except ImportStopped as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        click.echo("Stopped. What has been imported stays; run it again to go on.", err=True)
        sys.exit(INTERRUPTED)
    if as_json:
        click.echo(json.dumps(summary.described(), indent=2))
        return
    for line in summary.lines():
        click.echo(line)


def _steps(label: str, bars: ExitStack | None) -> Callable[[int], Callable[[int], None]]:
    """Begins a bar of a known length, and ends the one before; shows none without `bars`."""

    def begin(length: int) -> Callable[[int], None]:
        if bars is None:
            return lambda _: None
        bars.close()
        bar = bars.enter_context(click.progressbar(length=length, label=label))
        return bar.update

    return begin
