"""`chat-server demo`."""

import asyncio

import click

from chat_server.commands.failures import told
from chat_server.settings import load_settings


@click.command()
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

    with told("Stopped. Run it again to go on."):
        asyncio.run(fill_with_demo(load_settings()))
    *others, last = PEOPLE
    click.echo("The demonstration is there. Start the service, and log in at its page:")
    click.echo(f"  user name  {', '.join(others)} or {last} (mira knows them all)")
    click.echo(f"  password   {PASSWORD}")
    click.echo("For two people at once take a second browser, or a private window.")
