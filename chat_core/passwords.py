"""Passwords: the form to compare, and rules against new ones that are easy to guess."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from chat_core.errors import Invalid
from chat_core.users import fold, is_text

MIN_PASSWORD, MAX_PASSWORD = 8, 256
MIN_DIFFERENT = 5
"""The least number of different characters in a new password."""
MAX_TYPED = 4 * MAX_PASSWORD
"""The most characters that a keyboard may send for a valid password: 4 for each one in NFC."""
COMMENT = "#"
"""A line of the list that is this, or starts with this and a space, is a comment."""


def normalized(password: str) -> str:
    """Return the form of a password to hash and compare: Unicode's NFC.

    Keyboards compose an é in different ways. A text longer than any password stays unchanged,
    because normalizing takes time that grows with the square of the length, up to a second for 64
    KiB.
    """
    return password if len(password) > MAX_TYPED else unicodedata.normalize("NFC", password)


def forms(password: str) -> tuple[str, ...]:
    """Return the forms of a typed password that a stored hash may have been made from.

    Earlier versions hashed the password as typed. If that differs, it is the second form.
    """
    form = normalized(password)
    return (form,) if form == password else (form, password)


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """The rules for new passwords; `hosts` are the names by which clients call the service."""

    hosts: frozenset[str] = frozenset()

    def check(self, password: str, names: Iterable[str | None], field: str = "password") -> str:
        """Return a new password in the form to hash. Raises `Invalid` for the field.

        In NFC it must have 8 to 256 characters, with at least 5 different ones. It must not be one
        of the most common passwords, a name of its owner, or a host of the service. `names` are the
        user name, the display name and the e-mail address, each possibly None. The part of the
        address before the @ counts as well. Case makes no difference.

        These are the requirements of NIST SP 800-63B, section 5.1.1.2. It requires no particular
        kinds of characters, since that makes people choose worse passwords.
        """
        form = normalized(password)
        if not MIN_PASSWORD <= len(form) <= MAX_PASSWORD or not is_text(form):
            raise Invalid.field(field, f"must be {MIN_PASSWORD} to {MAX_PASSWORD} characters")
        folded = fold(form)
        if folded in _owners(names):
            raise Invalid.field(field, "must not be your own name or e-mail address")
        if folded in _spelled(self.hosts):
            raise Invalid.field(field, "must not be the name of this service")
        if folded in common_passwords():
            raise Invalid.field(field, "is too common, so it is easy to guess")
        if len(set(form)) < MIN_DIFFERENT:
            raise Invalid.field(field, f"must have at least {MIN_DIFFERENT} different characters")
        return form


@cache
def common_passwords() -> frozenset[str]:
    """Return some thousand common passwords, folded: about 1 MB, read at the first new password."""
    text = (files("chat_core") / "common_passwords.txt").read_text(encoding="ascii")
    lines = text.splitlines()
    return frozenset(line for line in lines if line.partition(" ")[0] != COMMENT)


def _owners(names: Iterable[str | None]) -> set[str]:
    known = {fold(name) for name in names if name is not None}
    return known | {name.partition("@")[0] for name in known}


def _spelled(hosts: Iterable[str]) -> set[str]:
    """Return the hosts folded, and IPv6 addresses also without their brackets."""
    known = {fold(host) for host in hosts}
    return known | {host.strip("[]") for host in known}
