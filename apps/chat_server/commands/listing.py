"""Accounts and sessions in the output of commands: lines for people, objects for programs."""

import json
from datetime import datetime
from typing import Any

import click

from chat_core.sessions import Session
from chat_core.users import User

Described = dict[str, Any]


class JsonList:
    """Prints a JSON array item by item, so that its length does not matter."""

    def __init__(self) -> None:
        self._is_empty = True

    def add(self, item: Described) -> None:
        """Print one more item."""
        click.echo(("[" if self._is_empty else ",") + "\n  " + json.dumps(item), nl=False)
        self._is_empty = False

    def end(self) -> None:
        """Print the end of the array."""
        click.echo("[]" if self._is_empty else "\n]")


def described_user(user: User) -> Described:
    """Return the user as an object for JSON."""
    return {
        "id": user.id,
        "username": user.username,
        "displayName": user.display_name,
        "email": user.email,
        "createdAt": _moment(user.created_at),
        "lastSeenAt": _moment(user.last_seen_at),
        "disabledAt": _moment(user.disabled_at),
        "deletedAt": _moment(user.deleted_at),
    }


def described_session(session: Session) -> Described:
    """Return the session as an object for JSON."""
    return {
        "id": session.id,
        "device": session.device,
        "createdAt": _moment(session.created_at),
        "lastSeenAt": _moment(session.last_seen_at),
        "address": session.address,
        "userAgent": session.user_agent,
    }


USER_HEADING = (
    f"{'USERNAME':<24}  {'STATE':<8}  {'SESSIONS':>8}  {'CREATED':<16}  {'LAST SEEN':<16}  "
    f"{'ID':<36}  SHOWN AS"
)
SESSION_HEADING = f"{'ID':<36}  {'CREATED':<16}  {'LAST SEEN':<16}  {'ADDRESS':<39}  DEVICE"


def user_line(user: User, sessions: int) -> str:
    """Return the user as a table row for people."""
    state = "deleted" if user.deleted_at else "disabled" if user.disabled_at else "active"
    return (
        f"{shown(user.username):<24}  {state:<8}  {sessions:>8}  {_minute(user.created_at):<16}  "
        f"{_minute(user.last_seen_at):<16}  {user.id:<36}  {shown(user.display_name)}"
    )


def session_line(session: Session) -> str:
    """Return the session as a table row for people."""
    return (
        f"{session.id:<36}  {_minute(session.created_at):<16}  "
        f"{_minute(session.last_seen_at):<16}  {shown(session.address):<39}  "
        f"{shown(session.device)}"
    )


def shown(name: str | None) -> str:
    """Return the name in a form that can't move a terminal's cursor, and "-" for None."""
    if name is None:
        return "-"
    return name if name.isprintable() else ascii(name)


def counted(number: int, what: str) -> str:
    """Return a count with its noun, such as "1 session" or "2 sessions"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds")[:-6] + "Z"


def _minute(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"
