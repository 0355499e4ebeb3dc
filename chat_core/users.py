"""Users: accounts, and the rules for their names."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Final, Literal

from chat_core.errors import Invalid
from chat_core.ids import UserId
from chat_core.names import shown_name

USERNAME = re.compile(r"[A-Za-z0-9._-]{3,32}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
MAX_EMAIL = 254
"""In characters. It is the longest address that mail can carry (RFC 5321, errata 1690)."""
MAX_DISPLAY_NAME = 64
MAX_IDS = 100
NO_PASSWORD = ""
"""The stored hash of an account without a password. No password matches it."""


class Unchanged(Enum):
    """The type of `UNCHANGED`."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
"""Leaves a field of a change as it is. None removes the value."""


@dataclass(frozen=True, slots=True)
class User:
    """An account. Names and address are None if it is deleted."""

    id: UserId
    username: str | None
    display_name: str | None
    email: str | None
    created_at: datetime
    deleted_at: datetime | None = None
    last_seen_at: datetime | None = None
    disabled_at: datetime | None = None
    """When the operator disabled the user, who can't log in since then."""
    password_change_required: bool = False
    """Whether the user must replace a generated password before anything else."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The data that a log-in is checked against."""

    user: User
    password_hash: str


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """A change of a profile: `UNCHANGED` leaves a field as it is, and None removes the value."""

    display_name: str | Literal[Unchanged.UNCHANGED] | None = UNCHANGED
    email: str | Literal[Unchanged.UNCHANGED] | None = UNCHANGED

    def given(self) -> Mapping[str, str | None]:
        """Return the fields that change, by their names in `User`."""
        both = {"display_name": self.display_name, "email": self.email}
        return {name: value for name, value in both.items() if value is not UNCHANGED}

    def applied(self, user: User) -> User:
        """Return the user after the change."""
        given = self.given()
        return replace(
            user,
            display_name=given.get("display_name", user.display_name),
            email=given.get("email", user.email),
        )


@dataclass(frozen=True, slots=True)
class NamePlace:
    """A place in the list of users by name: the folded name that matched, and the id."""

    key: str
    user_id: UserId


def fold(name: str) -> str:
    """Return the form of a name to compare, with compatibility characters and case folded."""
    # Case folding decomposes some letters (U+0390), so the result is normalized again.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def name_place(user: User, key: str) -> NamePlace | None:
    """Return a user's place in the list of names that start with `key`, or None."""
    for name in (user.username, user.display_name):
        if name is not None and fold(name).startswith(key):
            return NamePlace(fold(name), user.id)
    return None


def check_username(name: str) -> str:
    """Check for 3 to 32 ASCII letters, digits, `.`, `_` or `-`. Raises `Invalid`."""
    if not USERNAME.fullmatch(name):
        raise Invalid.field(
            "username", "must be 3 to 32 letters (a to z), digits, dots, underscores or hyphens"
        )
    return name


def check_email(address: str) -> str:
    """Check for at most 254 characters with an @ inside. Raises `Invalid`.

    Only sending a mail can check more.
    """
    if len(address) > MAX_EMAIL or not EMAIL.fullmatch(address) or not is_text(address):
        raise Invalid.field("email", "must be an e-mail address")
    return address


def clean_display_name(name: str) -> str:
    """Return a display name of 1 to 64 characters as stored: see `shown_name`. Raises `Invalid`."""
    return shown_name(name, "displayName", MAX_DISPLAY_NAME)


def is_text(text: str) -> bool:
    """Return whether all stores accept the text: it has no NUL and no unpaired surrogate."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
