"""`chat-server demo`."""

import asyncio

import click

from chat_server.commands.failures import reporting_errors
from chat_server.settings import load_settings


@click.command()
def demo() -> None:
    """Fill the database with example people and conversations.

    Run it again to add what is missing. Production refuses it: everyone knows the passwords.

    \b
    Example:
      chat-server demo
    """  # noqa: D301
    # Imported here so that `settings` and `--help` stay quick.
    from chat_server.demo import fill_with_demo  # noqa: PLC0415
    from chat_server.demo_content import PASSWORD, PEOPLE  # noqa: PLC0415

    with reporting_errors("Stopped. Run it again to continue."):
        asyncio.run(fill_with_demo(load_settings()))
    *others, last = PEOPLE
    click.echo(
        "The demo data is ready. Start the service, and log in on its page as one of these users:"
    )
    click.echo(f"  username  {', '.join(others)} or {last} (mira knows them all)")
    click.echo(f"  password  {PASSWORD}")
    click.echo("To be two people at once, use a second browser or a private window.")
