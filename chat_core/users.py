"""Users: what an account is, and the rules of its names."""

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
"""Characters; the longest address that a mail path can carry (RFC 5321, errata 1690)."""
MAX_DISPLAY_NAME = 64
MAX_IDS = 100
NO_PASSWORD = ""
"""In place of a hash, of an account without a password: no password fits it."""


class Unchanged(Enum):
    """The type of `UNCHANGED`."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED
"""In a change, leaves a field as it is, where None removes it."""


@dataclass(frozen=True, slots=True)
class User:
    """An account. Names and address are None once it is deleted."""

    id: UserId
    username: str | None
    display_name: str | None
    email: str | None
    created_at: datetime
    deleted_at: datetime | None = None
    last_seen_at: datetime | None = None
    disabled_at: datetime | None = None
    """Since when the operator keeps the user from logging in."""
    password_change_required: bool = False
    """Whether the password was generated, and the user has to replace it before anything else."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a log-in is judged by."""

    user: User
    password_hash: str


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What to change in a profile: `UNCHANGED` leaves as it is, None removes."""

    display_name: str | Literal[Unchanged.UNCHANGED] | None = UNCHANGED
    email: str | Literal[Unchanged.UNCHANGED] | None = UNCHANGED

    def given(self) -> Mapping[str, str | None]:
        """The fields that change, by their names in `User`."""
        both = {"display_name": self.display_name, "email": self.email}
        return {name: value for name, value in both.items() if value is not UNCHANGED}

    def applied(self, user: User) -> User:
        """The user after the change."""
        given = self.given()
        return replace(
            user,
            display_name=given.get("display_name", user.display_name),
            email=given.get("email", user.email),
        )


@dataclass(frozen=True, slots=True)
class NamePlace:
    """A place in the list of users by name: the folded name that was matched, then the id."""

    key: str
    user_id: UserId


def fold(name: str) -> str:
    """The form in which names are compared: compatibility characters and case folded."""
    # Case folding takes some letters apart (U+0390), so what it gives is composed once more.
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def name_place(user: User, key: str) -> NamePlace | None:
    """Where a user is in the list of those whose names begin with that folded text, or None."""
    for name in (user.username, user.display_name):
        if name is not None and fold(name).startswith(key):
            return NamePlace(fold(name), user.id)
    return None


def check_username(name: str) -> str:
    """3 to 32 of the letters A to Z, digits, dot, underscore and hyphen; raises `Invalid`."""
    if not USERNAME.fullmatch(name):
        raise Invalid.field(
            "username", "must be 3 to 32 letters (a to z), digits, dots, underscores or hyphens"
        )
    return name


def check_email(address: str) -> str:
    """At most 254 characters with one @ inside; only a mail can tell more. Raises `Invalid`."""
    if len(address) > MAX_EMAIL or not EMAIL.fullmatch(address) or not is_text(address):
        raise Invalid.field("email", "must be an e-mail address")
    return address


def clean_display_name(name: str) -> str:
    """The display name as it is stored, 1 to 64 characters: see `shown_name`. Raises `Invalid`."""
    return shown_name(name, "displayName", MAX_DISPLAY_NAME)


def is_text(text: str) -> bool:
    """Whether every store can keep it: no NUL, no lone surrogate."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
