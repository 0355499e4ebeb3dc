"""`chat-server backup`, `restore` and `vacuum`: the file of an SQLite database as a whole."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from chat_server.commands.data_failures import data_told, parts
from chat_server.commands.failures import fail
from chat_server.settings import load_settings

DUMP = "mongodump --uri='{url}' --oplog --gzip --archive='{file}'"
LOAD = "mongorestore --uri='{url}' --drop --oplogReplay --gzip --archive='{file}'"


@click.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def backup(target: Path, force: bool, as_json: bool) -> None:  # noqa: FBT001
    """Copy the SQLite database, as it is at this moment, into the file TARGET.

    The server can go on running. The copy is checked, and only its owner can read it.

    \b
    Example:
      chat-server backup backups/chat-monday.db
    """  # noqa: D301
    # `--help` stays quick.
    from chat_server.databases import back_up  # noqa: PLC0415
    from chat_server.operating import mongo_address, sqlite_path  # noqa: PLC0415

    with data_told(f"Stopped. There is no new {target}."):
        settings = load_settings()
        dump = DUMP.format(url=mongo_address(settings), file=target)
        source = sqlite_path(settings, instead=dump)
        if target.exists() and (target.samefile(source) if source.exists() else False):
            fail(f"{target} is the database itself.")
        if target.exists() and not force:
            fail(f"{target} is there already; --force replaces it.")
        if not target.parent.is_dir():
            fail(f"There is no folder {target.parent}.")
        with parts("Pages") as told:
            copied = back_up(source, target, told)
    if as_json:
        click.echo(json.dumps({"file": str(target), "bytes": copied.size}, indent=2))
        return
    click.echo(f"{target} holds the whole database, {_size(copied.size)}.")


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def restore(source: Path, as_json: bool) -> None:  # noqa: FBT001
    """Make the SQLite database what the backup SOURCE holds; stop the server first.

    What was in the database is kept beside it, in a file that is named at the end.

    \b
    Example:
      chat-server restore backups/chat-monday.db
    """  # noqa: D301
    # `--help` stays quick.
    from chat_server.databases import restore as restore_file  # noqa: PLC0415
    from chat_server.operating import mongo_address, sqlite_path  # noqa: PLC0415

    with data_told("Stopped. The database is as it was, or all restored; run it again."):
        settings = load_settings()
        load = LOAD.format(url=mongo_address(settings), file=source)
        target = sqlite_path(settings, instead=load)
        existed = target.exists()
        aside = target.with_name(f"{target.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        if existed and source.exists() and target.samefile(source):
            fail(f"{source} is the database itself.")
        if not target.parent.is_dir():
            fail(f"There is no folder {target.parent}.")
        with parts("Pages") as told:
            copied = restore_file(source, target, aside, told)
    if as_json:
        kept = str(aside) if existed else None
        found = {"file": str(target), "bytes": copied.size, "before": kept}
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{target} is what {source} holds, {_size(copied.size)}.")
    if existed:
        click.echo(f"What it was before is in {aside}; delete that once all is well.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def vacuum(as_json: bool) -> None:  # noqa: FBT001
    """Write the SQLite file anew, so that nothing that was deleted is left in it.

    The server can go on running, but nobody can write meanwhile: it takes about as long as
    copying the file a few times, and as much room on the disk once more.

    \b
    Example:
      chat-server vacuum
    """  # noqa: D301
    # `--help` stays quick.
    from chat_server.databases import vacuum as vacuum_file  # noqa: PLC0415
    from chat_server.operating import sqlite_path  # noqa: PLC0415

    with data_told("Stopped. The file is as it was."):
        path = sqlite_path(load_settings(), instead="it reuses the room of what was deleted")
        before, after = vacuum_file(path)
    if as_json:
        found = {"file": str(path), "bytesBefore": before, "bytes": after}
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{path} is written anew: {_size(before)} before, {_size(after)} now.")


def _size(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
