"""`chat-server users erase`."""

import asyncio
import json

import click

from chat_core.services.erasure import ToErase
from chat_server.commands.data_failures import reporting_data_errors, steps
from chat_server.commands.failures import fail
from chat_server.settings import Settings, load_settings


@click.command("erase")
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Only print what would be deleted.")
@click.option("--yes", is_flag=True, help="Skip the confirmation prompt.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; needs --yes.")
@click.option(
    "--no-vacuum",
    is_flag=True,
    help="Do not rewrite the SQLite file; run `chat-server vacuum` later.",
)
def erase_user(name: str, dry_run: bool, yes: bool, as_json: bool, no_vacuum: bool) -> None:  # noqa: FBT001
    """Erase an account and everything its user said, for good; others see a deleted account.

    NAME is a username, an e-mail address or an id. The server can keep running. If you stop the
    command, run it again with the id to continue. At the end it rewrites an SQLite file, so that
    no trace stays in it; nobody can write in the meantime.

    \b
    Example:
      chat-server users erase mira --dry-run
    """  # noqa: D301
    with reporting_data_errors("Stopped. Nothing has changed."):
        settings = load_settings()
        found = asyncio.run(_look_up(settings, name))
    user_id = found.user.id
    if not dry_run:
        if as_json and not yes:
            fail("--json needs --yes, because it can't prompt for confirmation.", 2)
        if not as_json:
            _describe(found)
        if not yes and not click.confirm("Erase all of this for good?"):
            fail("Nothing has changed.")
        stopped = f"Stopped. Run `chat-server users erase {user_id}` to finish."
        with reporting_data_errors(stopped):
            asyncio.run(_erase(settings, found))
        is_vacuumed = False
        if not no_vacuum:
            with reporting_data_errors(
                f"{user_id} is erased, but the file was not rewritten and may contain traces:"
                " run `chat-server vacuum`."
            ):
                is_vacuumed = _vacuum(settings)
    if as_json:
        summary = {
            "id": user_id,
            "username": found.user.username,
            "conversations": len(found.member_of),
            "groupsLeftBefore": len(found.left_behind),
            "sessions": found.sessions,
            "blocks": found.blocks,
            "dryRun": dry_run,
        }
        click.echo(json.dumps(summary, indent=2))
    elif dry_run:
        _describe(found)
        click.echo("Nothing has changed.")
    else:
        click.echo(f"{user_id} is erased.")
        if is_vacuumed:
            click.echo("The file is rewritten. Backups still contain the erased data.")
        elif no_vacuum:
            click.echo("An SQLite file contains traces until you run `chat-server vacuum`.")


def _describe(found: ToErase) -> None:
    user = found.user
    who = "partly erased before" if user.deleted_at else f"{user.username}"
    if found.is_done:
        who = "erased before"
    click.echo(f"{user.id} ({who}):")
    click.echo(
        f"  {len(found.member_of):,} conversations to leave, with everything they said there"
    )
    click.echo(f"  {len(found.left_behind):,} groups left earlier, with everything they said there")
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
    """Rewrite the SQLite file, and return whether there is one."""
    from chat_server.databases import vacuum  # noqa: PLC0415
    from chat_server.operating import is_sqlite, sqlite_path  # noqa: PLC0415

    if not is_sqlite(settings):
        return False
    vacuum(sqlite_path(settings, instead=""))
    return True
