"""`chat-server messages expire`."""

import asyncio
import json
import re
from datetime import datetime, timedelta

import click

from chat_server.commands.data_failures import reporting_data_errors, steps
from chat_server.settings import Settings, load_settings

_AGE = re.compile(r"([0-9]{1,6})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def _age(context: click.Context, parameter: click.Parameter, value: str) -> timedelta:
    """Convert a number of hours, days or weeks."""
    found = _AGE.fullmatch(value)
    if found is None or int(found[1]) == 0:
        raise click.BadParameter(
            f"{value!r} is not an age; write 12h, 90d or 52w, for example.", context, parameter
        )
    return int(found[1]) * _UNITS[found[2]]


@click.group()
def messages() -> None:
    """Delete old messages.

    \b
    Example:
      chat-server messages expire --older-than 90d --dry-run
    """  # noqa: D301


@messages.command()
@click.option(
    "--older-than",
    "age",
    callback=_age,
    required=True,
    metavar="AGE",
    help="Minimum age: 12h, 90d or 52w, for example.",
)
@click.option("--dry-run", is_flag=True, help="Only print what would be deleted.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def expire(age: timedelta, dry_run: bool, as_json: bool) -> None:  # noqa: FBT001
    """Delete everything older than AGE from every conversation, for good.

    The server can keep running. If you stop the command, run it again to continue.

    \b
    Example:
      chat-server messages expire --older-than 90d
    """  # noqa: D301
    with reporting_data_errors(
        "Stopped. Some entries are deleted already; run it again for the rest."
    ):
        before, entries, conversations = asyncio.run(_expire(load_settings(), age, dry_run=dry_run))
    if as_json:
        found = {
            "before": before.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "entries": entries,
            "conversations": conversations,
            "dryRun": dry_run,
        }
        click.echo(json.dumps(found, indent=2))
        return
    gone = "would be deleted" if dry_run else "are deleted"
    click.echo(
        f"{entries:,} entries of {conversations:,} conversations {gone}:"
        f" everything older than {before:%Y-%m-%d %H:%M} UTC."
    )
    if entries and not dry_run:
        click.echo("An SQLite file keeps its size and traces until you run `chat-server vacuum`.")


async def _expire(
    settings: Settings, age: timedelta, *, dry_run: bool
) -> tuple[datetime, int, int]:
    from chat_server.operating import operated  # noqa: PLC0415  (`--help` stays quick)

    async with operated(settings) as container:
        retention = container.retention()
        before = retention.before(age)
        old = await retention.old(before)
        if not dry_run:
            with steps("Entries", old.entries) as step:
                old = await retention.expire(before, step)
    return before, old.entries, old.conversations
