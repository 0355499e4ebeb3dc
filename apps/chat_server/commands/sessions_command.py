# ruff: noqa: D301 FBT001 (Click reads \b as "do not wrap"; a flag is a parameter)
"""`chat-server sessions …`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import click

from chat_core.ids import SessionId
from chat_server.commands import listing
from chat_server.commands.failures import reporting_errors
from chat_server.commands.listing import counted, shown
from chat_server.commands.options import confirm, dry_run_option, json_option, yes_option
from chat_server.settings import load_settings

if TYPE_CHECKING:
    from chat_core.services.administration import Administration

Result = TypeVar("Result")
Done = tuple[int, str]
"""Number of sessions, and a description of their users for the printed sentence."""


@click.group()
def sessions() -> None:
    """List and end sessions.

    \b
    Example:
      chat-server sessions end --user ann
    """


@sessions.command("list")
@click.option("--user", "name", required=True, help="Username or e-mail address.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_sessions(name: str, as_json: bool) -> None:
    """List a user's live sessions, most recently used first.

    \b
    Example:
      chat-server sessions list --user ann
    """

    async def show(admin: "Administration") -> None:
        found = await admin.sessions_of((await admin.find(name)).id)
        if as_json:
            click.echo(json.dumps([listing.described_session(each) for each in found], indent=2))
            return
        click.echo(listing.SESSION_HEADING)
        for each in found:
            click.echo(listing.session_line(each))

    with reporting_errors("Stopped."):
        _administer(show)


@sessions.command()
@click.option("--user", "name", help="End all sessions of this user (username or e-mail address).")
@click.option("--session", "session_id", help="End the session with this id.")
@click.option("--all", "everyone", is_flag=True, help="End the sessions of all users.")
@yes_option
@dry_run_option
@json_option
def end(  # noqa: PLR0913  (Click passes options by name)
    name: str | None,
    session_id: str | None,
    *,
    everyone: bool,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """End sessions.

    Within two seconds, the service refuses their tokens and closes their connections. With --all,
    every user has to log in again; the command asks for confirmation first.

    \b
    Example:
      chat-server sessions end --all --dry-run
    """
    if (name is not None) + (session_id is not None) + everyone != 1:
        raise click.UsageError("Use exactly one of --user, --session and --all.")
    with reporting_errors("Stopped. Some sessions have ended already; run it again to continue."):
        if everyone and not (yes or dry_run):
            confirm("End the sessions of all users?")
        number, whose = _administer(_work(name, session_id, dry_run=dry_run))
    if as_json:
        click.echo(json.dumps({"sessions": number, "dryRun": dry_run}, indent=2))
    else:
        verb = "would end" if dry_run else "ended"
        click.echo(f"{counted(number, 'session')} of {whose} {verb}.")


def _work(
    name: str | None, session_id: str | None, *, dry_run: bool
) -> "Callable[[Administration], Awaitable[Done]]":
    async def of_user(admin: "Administration", name: str) -> Done:
        user = await admin.find(name)
        if dry_run:
            return len(await admin.sessions_of(user.id)), shown(user.username)
        return await admin.end_sessions(user.id), shown(user.username)

    async def one(admin: "Administration", session_id: SessionId) -> Done:
        session = await admin.session(session_id)
        if not dry_run:
            await admin.end_session(session_id)
        return 1, f"the user {session.user_id}"

    async def all_there_are(admin: "Administration") -> Done:
        if dry_run:
            parts = [sum(each.sessions for each in part) async for part in admin.list()]
        else:
            parts = [number async for number in admin.end_all_sessions()]
        return sum(parts), "all users"

    async def work(admin: "Administration") -> Done:
        if name is not None:
            return await of_user(admin, name)
        if session_id is not None:
            return await one(admin, SessionId(session_id))
        return await all_there_are(admin)

    return work


def _administer(work: "Callable[[Administration], Awaitable[Result]]") -> Result:
    settings = load_settings()
    from chat_server.operating import administer  # noqa: PLC0415  (`--help` stays quick)

    return asyncio.run(administer(settings, work))
