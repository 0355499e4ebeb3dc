"""What `chat-server` can do."""

import json

import click

from chat_server.settings import SettingsError, load_settings


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
