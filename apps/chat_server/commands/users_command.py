# ruff: noqa: D301 FBT001 (Click reads \b as "do not wrap"; a flag is a parameter)
"""`chat-server users …`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import click

from chat_core.users import User
from chat_server.commands import listing
from chat_server.commands.erase_command import erase_user
from chat_server.commands.export_command import export_user
from chat_server.commands.failures import reporting_errors
from chat_server.commands.listing import counted, shown
from chat_server.commands.options import json_option, new_password, password_options
from chat_server.settings import load_settings

if TYPE_CHECKING:
    from chat_core.services.administration import Administration

Result = TypeVar("Result")


@click.group()
def users() -> None:
    """Add, list, disable, enable, export and erase accounts, and reset passwords.

    A NAME is a username or an e-mail address; case does not matter. The service can keep running.

    \b
    Example:
      chat-server users list --query ann
    """


@users.command()
@click.argument("username")
@click.option("--email", help="E-mail address; the user can log in with it too.")
@click.option("--display-name", help="Name that others see; USERNAME by default.")
@password_options
@json_option
def add(  # noqa: PLR0913  (Click passes options by name)
    username: str,
    email: str | None,
    display_name: str | None,
    *,
    password_stdin: bool,
    generate: bool,
    as_json: bool,
) -> None:
    """Create an account, even if CHAT_SIGNUPS is off.

    \b
    Example:
      chat-server users add ann --display-name 'Ann Smith' --generate
    """
    with reporting_errors(
        "Stopped. `chat-server users list` shows whether the account was created."
    ):
        settings = load_settings()
        # Imported here so that `settings` and `--help` stay quick.
        from chat_core.services.accounts import NewAccount  # noqa: PLC0415
        from chat_server.limits import password_rules  # noqa: PLC0415
        from chat_server.operating import administer  # noqa: PLC0415

        rules = password_rules(settings)
        new = NewAccount(username, "", email, display_name)
        new.check_names()  # checked before the prompt for a password
        password = new_password(
            lambda typed: replace(new, password=typed).checked_password(rules),
            password_stdin=password_stdin,
            generate=generate,
        )
        new = replace(new, password=password)
        user = asyncio.run(
            administer(settings, lambda admin: admin.add(new, change_required=generate), made=True)
        )
    _tell(
        listing.described_user(user) | ({"password": password} if generate else {}),
        f"{username} is added." + _told_once(password, generate=generate),
        as_json=as_json,
    )


@users.command("list")
@click.option(
    "--query", default="", help="Only users whose username or display name starts with this."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
def list_users(query: str, as_json: bool) -> None:
    """List accounts and their number of sessions, including disabled and deleted accounts.

    The oldest account comes first. With --query, the list is sorted by name and leaves out deleted
    accounts, which have no name.

    \b
    Example:
      chat-server users list | grep disabled
    """

    async def show(admin: "Administration") -> None:
        array = listing.JsonList() if as_json else None
        if array is None:
            click.echo(listing.USER_HEADING)
        async for part in admin.list(query):
            for each in part:
                if array is None:
                    click.echo(listing.user_line(each.user, each.sessions))
                else:
                    array.add(listing.described_user(each.user) | {"sessions": each.sessions})
        if array is not None:
            array.end()

    with reporting_errors("Stopped."):
        _administer(show)


@users.command()
@click.argument("name")
@json_option
def disable(name: str, as_json: bool) -> None:
    """Disable an account: end its sessions and refuse log-ins.

    Others still see the user and their messages, and can write to them. The user gets those
    messages once you enable the account.

    \b
    Example:
      chat-server users disable ann
    """

    async def do(admin: "Administration") -> tuple[User, int]:
        user = await admin.find(name)
        return user, await admin.disable(user.id)

    with reporting_errors(
        "Stopped. `chat-server users list` shows whether it was done; run it again if not."
    ):
        user, ended = _administer(do)
    _tell(
        {"id": user.id, "username": user.username, "sessionsEnded": ended},
        f"{shown(user.username)} is disabled; {counted(ended, 'session')} ended.",
        as_json=as_json,
    )


@users.command()
@click.argument("name")
@json_option
def enable(name: str, as_json: bool) -> None:
    """Let a disabled user log in again. Ended sessions stay ended.

    \b
    Example:
      chat-server users enable ann
    """

    async def do(admin: "Administration") -> User:
        return await admin.enable((await admin.find(name)).id)

    with reporting_errors(
        "Stopped. `chat-server users list` shows whether it was done; run it again if not."
    ):
        user = _administer(do)
    _tell(
        {"id": user.id, "username": user.username},
        f"{shown(user.username)} can log in.",
        as_json=as_json,
    )


@users.command("reset-password")
@click.argument("name")
@password_options
@json_option
def reset_password(name: str, *, password_stdin: bool, generate: bool, as_json: bool) -> None:
    """Set a new password, and end the user's sessions.

    The service sends no e-mail: tell the user the password. If you use --generate, the user must
    change the password at the next log-in, before anything else.

    \b
    Example:
      chat-server users reset-password ann --generate
    """
    with reporting_errors("Stopped. Run it again, because either password may be valid now."):
        from chat_server.limits import password_rules  # noqa: PLC0415  (`--help` stays quick)

        rules = password_rules(load_settings())
        user = _administer(lambda admin: admin.find(name))
        names = (user.username, user.display_name, user.email)
        password = new_password(
            lambda typed: rules.check(typed, names),
            password_stdin=password_stdin,
            generate=generate,
        )
        ended = _administer(
            lambda admin: admin.reset_password(user.id, password, change_required=generate)
        )
    _tell(
        {"id": user.id, "username": user.username, "sessionsEnded": ended}
        | ({"password": password} if generate else {}),
        f"{shown(user.username)} has a new password; {counted(ended, 'session')} ended."
        + _told_once(password, generate=generate),
        as_json=as_json,
    )


users.add_command(export_user)
users.add_command(erase_user)


def _administer(work: "Callable[[Administration], Awaitable[Result]]") -> Result:
    settings = load_settings()
    from chat_server.operating import administer  # noqa: PLC0415  (`--help` stays quick)

    return asyncio.run(administer(settings, work))


def _told_once(password: str, *, generate: bool) -> str:
    if not generate:
        return ""
    return (
        f" This password is shown only once; the user must change it at the first log-in:"
        f"\n{password}"
    )


def _tell(described: listing.Described, sentence: str, *, as_json: bool) -> None:
    click.echo(json.dumps(described, indent=2) if as_json else sentence)
