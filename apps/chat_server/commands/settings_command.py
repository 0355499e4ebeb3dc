"""`chat-server settings`."""

import json

import click

from chat_server.commands.failures import InvalidSettings
from chat_server.settings import SettingsError, load_settings


@click.command("settings")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show_settings(as_json: bool) -> None:  # noqa: FBT001  (Click passes flags)
    """Print every setting as NAME=value, with secrets masked.

    \b
    Example:
      chat-server settings | grep BYTES
    """  # noqa: D301
    try:
        values = load_settings().describe()
    except SettingsError as error:
        raise InvalidSettings(error) from error
    if as_json:
        click.echo(json.dumps(values, indent=2))
        return
    for name, value in values.items():
        click.echo(f"{name}={'' if value is None else value}")
