"""`chat-server users export`."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from chat_server.commands.data_failures import reporting_data_errors
from chat_server.commands.failures import fail
from chat_server.settings import Settings, load_settings

if TYPE_CHECKING:
    from chat_server.export_archive import Exported


@click.command("export")
@click.argument("name")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Archive to write; NAME.zip by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def export_user(name: str, output: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Export a user's account, devices, blocks, conversations and messages to a zip file.

    NAME is a username, an e-mail address or an id. The archive contains every conversation that
    the user is in, as the user sees it, and the user's own messages in groups that they left. Only
    the file's owner can read it.

    \b
    Example:
      chat-server users export mira --output mira.zip
    """  # noqa: D301
    path = output or Path(f"{Path(name).name}.zip")
    with reporting_data_errors(f"Stopped. {path} was not written."):
        settings = load_settings()
        if path.exists():
            fail(f"{path} already exists; choose another file with --output.")
        if not path.parent.is_dir():
            fail(f"The folder {path.parent} does not exist.")
        written = asyncio.run(_export(settings, name, path))
    if as_json:
        found = {
            "file": str(path),
            "conversations": written.conversations,
            "messages": written.messages,
            "ownMessages": written.own,
        }
        click.echo(json.dumps(found, indent=2))
        return
    click.echo(
        f"{path} contains {written.conversations:,} conversations with {written.messages:,}"
        f" messages, {written.own:,} of them {name}'s own."
    )


async def _export(settings: Settings, name: str, path: Path) -> "Exported":
    # Imported here so that `--help` stays quick.
    from chat_server.export_archive import write_archive  # noqa: PLC0415
    from chat_server.operating import operated, user_named  # noqa: PLC0415
    from chat_wire.shapes import time  # noqa: PLC0415

    async with operated(settings) as container:
        user = await user_named(container.stores().users, name)
        at = time(container.clock().now())
        return await write_archive(container.export(), user.id, at, path)
