"""`chat-server backup`, `restore` and `vacuum`, which work on a whole SQLite file."""

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from chat_server.commands.data_failures import parts, reporting_data_errors
from chat_server.commands.failures import fail
from chat_server.settings import load_settings

DUMP = "mongodump --uri='{url}' --oplog --gzip --archive='{file}'"
LOAD = "mongorestore --uri='{url}' --drop --oplogReplay --gzip --archive='{file}'"


@click.command()
@click.argument("target", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace TARGET if it exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def backup(target: Path, force: bool, as_json: bool) -> None:  # noqa: FBT001
    """Copy the SQLite database, as it is now, to the file TARGET.

    The server can keep running. The command checks the copy, which only its owner can read.

    \b
    Example:
      chat-server backup backups/chat-monday.db
    """  # noqa: D301
    # Imported here so that `--help` stays quick.
    from chat_server.databases import back_up  # noqa: PLC0415
    from chat_server.operating import mongo_address, sqlite_path  # noqa: PLC0415

    with reporting_data_errors(f"Stopped. {target} was not written."):
        settings = load_settings()
        dump = DUMP.format(url=mongo_address(settings), file=target)
        source = sqlite_path(settings, instead=dump)
        if target.exists() and (target.samefile(source) if source.exists() else False):
            fail(f"{target} is the database itself.")
        if target.exists() and not force:
            fail(f"{target} already exists; --force replaces it.")
        if not target.parent.is_dir():
            fail(f"The folder {target.parent} does not exist.")
        with parts("Pages") as progress:
            copied = back_up(source, target, progress)
    if as_json:
        click.echo(json.dumps({"file": str(target), "bytes": copied.size}, indent=2))
        return
    click.echo(f"{target} now holds the whole database, {_size(copied.size)}.")


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def restore(source: Path, as_json: bool) -> None:  # noqa: FBT001
    """Replace the SQLite database with the backup SOURCE; stop the server first.

    The old database stays next to it, in a file that the command names at the end.

    \b
    Example:
      chat-server restore backups/chat-monday.db
    """  # noqa: D301
    # Imported here so that `--help` stays quick.
    from chat_server.databases import restore as restore_file  # noqa: PLC0415
    from chat_server.operating import mongo_address, sqlite_path  # noqa: PLC0415

    with reporting_data_errors(
        "Stopped. The database is either unchanged or fully restored; run it again."
    ):
        settings = load_settings()
        load = LOAD.format(url=mongo_address(settings), file=source)
        target = sqlite_path(settings, instead=load)
        existed = target.exists()
        aside = target.with_name(f"{target.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        if existed and source.exists() and target.samefile(source):
            fail(f"{source} is the database itself.")
        if not target.parent.is_dir():
            fail(f"The folder {target.parent} does not exist.")
        with parts("Pages") as progress:
            copied = restore_file(source, target, aside, progress)
    if as_json:
        kept = str(aside) if existed else None
        found = {"file": str(target), "bytes": copied.size, "before": kept}
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{target} is restored from {source}, {_size(copied.size)}.")
    if existed:
        click.echo(f"The old database is in {aside}; delete it when you no longer need it.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def vacuum(as_json: bool) -> None:  # noqa: FBT001
    """Rewrite the SQLite file, so that it keeps no trace of deleted data.

    The server can keep running, but nobody can write in the meantime. It takes about as long as
    copying the file a few times, and as much free disk space as the file is large.

    \b
    Example:
      chat-server vacuum
    """  # noqa: D301
    # Imported here so that `--help` stays quick.
    from chat_server.databases import vacuum as vacuum_file  # noqa: PLC0415
    from chat_server.operating import sqlite_path  # noqa: PLC0415

    with reporting_data_errors("Stopped. The file is unchanged."):
        path = sqlite_path(load_settings(), instead="it reuses the space of deleted data")
        before, after = vacuum_file(path)
    if as_json:
        found = {"file": str(path), "bytesBefore": before, "bytes": after}
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(f"{path} is rewritten: {_size(before)} before, {_size(after)} now.")


def _size(size: int) -> str:
    return f"{size / 1_000_000:,.1f} MB"
