"""`chat-server run`."""

import click

from chat_server.commands.failures import InvalidSettings, fail
from chat_server.settings import SettingsError, load_settings
from chat_server.settings_errors import DatabaseMissingError


@click.command()
@click.option("--host", help="Address to listen on, instead of HOST.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on, instead of PORT.")
def run(host: str | None, port: int | None) -> None:
    """Run the service until Ctrl-C or SIGTERM stops it.

    \b
    Example:
      chat-server run --host 0.0.0.0 --port 8080
    """  # noqa: D301
    try:
        settings = load_settings(HOST=host, PORT=port)
        from chat_server.serving import serve  # noqa: PLC0415  (`settings` and `--help` stay quick)

        serve(settings)
    except SettingsError as error:
        raise InvalidSettings(error) from error
    except DatabaseMissingError as error:
        fail(str(error))
