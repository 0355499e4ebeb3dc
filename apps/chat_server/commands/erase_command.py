"""`chat-server users erase`."""

import asyncio
import json

import click

from chat_core.services.erasure import ToErase
from chat_server.commands.data_failures import data_told, steps
from chat_server.commands.failures import fail
from chat_server.settings import Settings, load_settings


@click.command("erase")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; needs --yes.")
@click.option("--no-vacuum", is_flag=True, help="Leave the SQLite file for `chat-server vacuum`.")
def erase_user(name: str, dry_run: bool, yes: bool, as_json: bool, no_vacuum: bool) -> None:  # noqa: FBT001
    """Forget who NAME is and what they said, for good; others see a deleted account.

    NAME is a user name, an e-mail address or an id. The server can go on running. Stopped and run
    again with the id, this goes on where it was. An SQLite file is written anew at the end, so
    that no trace is left in it; meanwhile nobody can write.

    \b
    Example:
      chat-server users erase mira --dry-run
    """  # noqa: D301
    with data_told("Stopped; nothing is changed."):
        settings = load_settings()
        found = asyncio.run(_look_up(settings, name))
    user_id = found.user.id
    if not dry_run:
        if as_json and not yes:
            fail("--json needs --yes: there would be nobody to ask.", 2)
        if not as_json:
            _describe(found)
        if not yes and not click.confirm("Erase all of it, for good?"):
            fail("Nothing is changed.")
        stopped = f"Stopped. Run `chat-server users erase {user_id}` to finish it."
        with data_told(stopped):
            asyncio.run(_erase(settings, found))
        is_vacuumed = False
        if not no_vacuum:
            with data_told(
                f"{user_id} is erased; stopped while the file was written anew, so traces may be"
                " left in it: run `chat-server vacuum`."
            ):
                is_vacuumed = _vacuum(settings)
    if as_json:
        told = {
            "id": user_id,
            "username": found.user.username,
            "conversations": len(found.member_of),
            "groupsLeftBefore": len(found.left_behind),
            "sessions": found.sessions,
            "blocks": found.blocks,
            "dryRun": dry_run,
        }
        click.echo(json.dumps(told, indent=2))
    elif dry_run:
        _describe(found)
        click.echo("Nothing is changed.")
    else:
        click.echo(f"{user_id} is erased.")
        if is_vacuumed:
            click.echo("The file is written anew. Backups still hold what was in them.")
        elif no_vacuum:
            click.echo("Traces are left in an SQLite file until `chat-server vacuum`.")


def _describe(found: ToErase) -> None:
    user = found.user
    who = "erased before, not to the end" if user.deleted_at else f"{user.username}"
    if found.is_done:
        who = "erased before"
    click.echo(f"{user.id} ({who}):")
    click.echo(f"  {len(found.member_of):,} conversations to leave, with all that they said")
    click.echo(f"  {len(found.left_behind):,} groups left before, with all that they said")
    click.echo(f"  {found.sessions:,} sessions, {found.blocks:,} blocks")


async def _look_up(settings: Settings, name: str) -> ToErase:
    from chat_server.operating import operated, user_named  # noqa: PLC0415

    async with operated(settings) as container:
        user = await user_named(container.stores().users, name)
        return await container.erasure().to_erase(user.id)


async def _erase(settings: Settings, found: ToErase) -> None:
    from chat_server.operating import operated  # noqa: PLC0415

    async with operated(settings) as container:
        length = len(found.member_of) + len(found.left_behind)
        with steps("Conversations", length) as step:
            await container.erasure().erase(found.user.id, step)


def _vacuum(settings: Settings) -> bool:
    """Write an SQLite file anew: whether there is one."""
    from chat_server.databases import vacuum  # noqa: PLC0415
    from chat_server.operating import is_sqlite, sqlite_path  # noqa: PLC0415

    if not is_sqlite(settings):
        return False
    vacuum(sqlite_path(settings, instead=""))
    return True
