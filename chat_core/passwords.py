"""New passwords: which ones are too easily guessed to be taken."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from chat_core.errors import Invalid
from chat_core.users import fold, is_text

MIN_PASSWORD, MAX_PASSWORD = 8, 256
COMMENT = "#"
"""A line of the list that is this, or begins with this and a space, is none of its passwords."""


def check_new_password(password: str, names: Iterable[str | None], field: str = "password") -> str:
    """8 to 256 characters, none of the most common passwords, and no name of its owner.

    `names` are the user name, the shown name and the e-mail address, None where there is none; of
    an address the part before the @ counts as well. Case makes no difference. Raises `Invalid`.

    It is what NIST SP 800-63B, section 5.1.1.2, asks of new passwords; no characters of certain
    kinds are demanded, since that makes people choose worse ones.
    """
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD or not is_text(password):
        raise Invalid.field(field, f"must be {MIN_PASSWORD} to {MAX_PASSWORD} characters")
    folded = fold(password)
    if folded in _owners(names):
        raise Invalid.field(field, "must not be your own name or e-mail address")
    if folded in common_passwords():
        raise Invalid.field(field, "is one that many people use, so it is easily guessed")
    return password


@cache
def common_passwords() -> frozenset[str]:
    """Some thousand of them, folded; about 1 MB that is read once, at the first new password."""
    text = (files("chat_core") / "common_passwords.txt").read_text(encoding="ascii")
    lines = text.splitlines()
    return frozenset(line for line in lines if line.partition(" ")[0] != COMMENT)


def _owners(names: Iterable[str | None]) -> set[str]:
    known = {fold(name) for name in names if name is not None}
    return known | {name.partition("@")[0] for name in known}
