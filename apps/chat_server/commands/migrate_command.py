# ruff: noqa: D301 FBT001 (Click reads \b as "do not wrap"; a flag is a parameter)
"""`chat-server migrate`."""

import asyncio
import json

import click

from chat_server.commands.failures import reporting_errors
from chat_server.commands.options import dry_run_option, json_option
from chat_server.settings import load_settings


@click.command()
@dry_run_option
@json_option
def migrate(dry_run: bool, as_json: bool) -> None:
    """Bring the database's schema and indexes up to date, and print each step.

    The service does the same when it starts. Make a backup first: an older version of the service
    can't open a database that a newer one has migrated.

    \b
    Example:
      chat-server migrate --dry-run
    """
    with reporting_errors(
        "Stopped. Each step runs completely or not at all; run it again to continue."
    ):
        settings = load_settings()
        from chat_server.migrating import migrate  # noqa: PLC0415  (`--help` stays quick)

        steps = asyncio.run(migrate(settings, dry_run=dry_run))
    if as_json:
        click.echo(json.dumps({"dryRun": dry_run, "steps": list(steps)}, indent=2))
        return
    if not steps:
        click.echo("The database is up to date.")
        return
    click.echo("Steps to run:" if dry_run else "Steps done:")
    for step in steps:
        click.echo(f"  {step}")
