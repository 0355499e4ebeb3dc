"""Accounts and sessions as commands print them: lines for people, objects for programs."""

import json
from datetime import datetime
from typing import Any

import click

from chat_core.sessions import Session
from chat_core.users import User

Described = dict[str, Any]


class JsonList:
    """A JSON array that is printed piece by piece, however long it gets."""

    def __init__(self) -> None:
        self._is_empty = True

    def add(self, item: Described) -> None:
        """Print one more."""
        click.echo(("[" if self._is_empty else ",") + "\n  " + json.dumps(item), nl=False)
        self._is_empty = False

    def end(self) -> None:
        """Print its end."""
        click.echo("[]" if self._is_empty else "\n]")


def described_user(user: User) -> Described:
    """For JSON."""
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
    """For JSON."""
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
    """For people."""
    state = "deleted" if user.deleted_at else "disabled" if user.disabled_at else "active"
    return (
        f"{shown(user.username):<24}  {state:<8}  {sessions:>8}  {_minute(user.created_at):<16}  "
        f"{_minute(user.last_seen_at):<16}  {user.id:<36}  {shown(user.display_name)}"
    )


def session_line(session: Session) -> str:
    """For people."""
    return (
        f"{session.id:<36}  {_minute(session.created_at):<16}  "
        f"{_minute(session.last_seen_at):<16}  {shown(session.address):<39}  "
        f"{shown(session.device)}"
    )


def shown(name: str | None) -> str:
    """A name that may hold what would move a terminal's cursor, or None."""
    if name is None:
        return "-"
    return name if name.isprintable() else ascii(name)


def counted(number: int, what: str) -> str:
    """As in "1 session", "2 sessions"."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="milliseconds")[:-6] + "Z"


def _minute(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"
