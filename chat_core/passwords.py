"""Passwords: the form in which they are compared, and which new ones are too easily guessed."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from chat_core.errors import Invalid
from chat_core.users import fold, is_text

MIN_PASSWORD, MAX_PASSWORD = 8, 256
MIN_DIFFERENT = 5
"""Characters of a new password that differ from each other."""
MAX_TYPED = 4 * MAX_PASSWORD
"""Characters that a password in NFC can be typed as: no character decomposes into more than 4."""
COMMENT = "#"
"""A line of the list that is this, or begins with this and a space, is none of its passwords."""


def normalized(password: str) -> str:
    """The form in which passwords are hashed and compared: Unicode's NFC.

    Keyboards differ in how they compose an é. What is longer than any password stays as it is:
    the time that normalizing takes grows with the square of the length, to a second for 64 KiB.
    """
    return password if len(password) > MAX_TYPED else unicodedata.normalize("NFC", password)


def forms(password: str) -> tuple[str, ...]:
    """The forms of a typed password that a stored hash may be of.

    Hashes were once made of what was typed, so that form follows where it differs.
    """
    form = normalized(password)
    return (form,) if form == password else (form, password)


@dataclass(frozen=True, slots=True)
class PasswordRules:
    """Which new passwords are taken; `hosts` are the names by which clients call the service."""

    hosts: frozenset[str] = frozenset()

    def check(self, password: str, names: Iterable[str | None], field: str = "password") -> str:
        """A new password in the form to hash; raises `Invalid`, which names the field.

        In NFC it has 8 to 256 characters, at least 5 different ones among them, and is neither one
        of the most common passwords, nor a name of its owner, nor a host of the service. `names`
        are the user name, the shown name and the e-mail address, None where there is none; of an
        address the part before the @ counts as well. Case makes no difference.

        It is what NIST SP 800-63B, section 5.1.1.2, asks of new passwords; no characters of certain
        kinds are demanded, since that makes people choose worse ones.
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
    """Some thousand of them, folded; about 1 MB that is read once, at the first new password."""
    text = (files("chat_core") / "common_passwords.txt").read_text(encoding="ascii")
    lines = text.splitlines()
    return frozenset(line for line in lines if line.partition(" ")[0] != COMMENT)


def _owners(names: Iterable[str | None]) -> set[str]:
    known = {fold(name) for name in names if name is not None}
    return known | {name.partition("@")[0] for name in known}


def _spelled(hosts: Iterable[str]) -> set[str]:
    """Hosts folded; an IPv6 address without its brackets, too."""
    known = {fold(host) for host in hosts}
    return known | {host.strip("[]") for host in known}
