"""`chat-server users`: what a user has, and its end."""

import click

from chat_server.commands.erase_command import erase_user
from chat_server.commands.export_command import export_user


@click.group()
def users() -> None:
    """Hand out and erase what users have.

    \b
    Example:
      chat-server users export mira
    """  # noqa: D301


users.add_command(export_user)
users.add_command(erase_user)
