"""The result of an import: lines for people, one object for programs."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chat_core.users import User


class Skipped(StrEnum):
    """Reasons why a user or a message was not imported; the value is its name in JSON."""

    UNUSABLE_ID = "unusableId"
    UNKNOWN_SENDER = "unknownSender"
    UNKNOWN_RECEIVER = "unknownReceiver"
    TO_ONESELF = "toOneself"
    WITHOUT_TEXT = "withoutText"
    TOO_LONG = "tooLong"
    ACCOUNT_DELETED = "accountDeleted"
    CHANGED = "changed"

    @property
    def sentence(self) -> str:
        """The reason as a sentence for people."""
        return _SENTENCES[self]


_SENTENCES: Mapping[Skipped, str] = {
    Skipped.UNUSABLE_ID: "its id is neither an ObjectId nor usable in a URL",
    Skipped.UNKNOWN_SENDER: "its sender is not one of the users",
    Skipped.UNKNOWN_RECEIVER: "its recipient is not one of the users",
    Skipped.TO_ONESELF: "its sender is also its recipient",
    Skipped.WITHOUT_TEXT: "it has no text",
    Skipped.TOO_LONG: "it is too long to be stored",
    Skipped.ACCOUNT_DELETED: "one of the two users has since deleted their account here",
    Skipped.CHANGED: "it changed in the original after the import; the imported text stays",
}


@dataclass(frozen=True, slots=True)
class Renamed:
    """A user who got a new name because theirs was missing or taken; `was` is None if missing."""

    user: User
    was: str | None


@dataclass(frozen=True, slots=True)
class EmailLeftOut:
    """A user whose e-mail address another account already has, ignoring case."""

    user: User
    email: str


@dataclass(slots=True)
class Tally:
    """Numbers of users, or of messages, by what happened to them."""

    added: int = 0
    there_before: int = 0
    mended: int = 0
    """Number of added items with U+FFFD in place of characters that no database stores."""
    skipped: Counter[Skipped] = field(default_factory=Counter)

    def described(self) -> dict[str, Any]:
        """Return the numbers as an object for JSON."""
        return {
            "added": self.added,
            "thereBefore": self.there_before,
            "mended": self.mended,
            "skipped": {reason.value: number for reason, number in self.skipped.items()},
        }


@dataclass(slots=True)
class Summary:
    """The result of an import. Everything not listed here was imported unchanged."""

    database: str
    users: Tally = field(default_factory=Tally)
    messages: Tally = field(default_factory=Tally)
    renamed: list[Renamed] = field(default_factory=list)
    emails_left_out: list[EmailLeftOut] = field(default_factory=list)
    without_password: list[User] = field(default_factory=list)

    def described(self) -> dict[str, Any]:
        """Return the result as an object for JSON."""
        return {
            "database": self.database,
            "users": {
                **self.users.described(),
                "renamed": [
                    {"id": each.user.id, "was": each.was, "now": each.user.username}
                    for each in self.renamed
                ],
                "emailsLeftOut": [
                    {"id": each.user.id, "username": each.user.username, "email": each.email}
                    for each in self.emails_left_out
                ],
                "withoutPassword": [
                    {"id": each.id, "username": each.username} for each in self.without_password
                ],
            },
            "messages": self.messages.described(),
        }

    def lines(self) -> Iterator[str]:
        """Yield the result as lines for people."""
        yield f"Imported from the database {self.database}:"
        for what, tally in (("users", self.users), ("messages", self.messages)):
            yield f"  {what}: {tally.added} added, {tally.there_before} already there"
        for what, tally in (("users", self.users), ("messages", self.messages)):
            yield from _listed(
                f"Skipped {what}:",
                [f"{number}: {reason.sentence}" for reason, number in tally.skipped.most_common()],
            )
            if tally.mended:
                yield (
                    f"In {tally.mended} {what} U+FFFD stands for characters that can't be stored "
                    "(NUL, halves of surrogate pairs)."
                )
        yield from _listed(
            "Users with a new name, because theirs was missing or taken:",
            [f"{_shown(each.was)} is {_shown(each.user.username)}" for each in self.renamed],
        )
        yield from _listed(
            "Users who lost their e-mail address, because another account has it:",
            [
                f"{_shown(each.user.username)}: {_shown(each.email)}"
                for each in self.emails_left_out
            ],
        )
        yield from _listed(
            "Users who can't log in, because the original has no bcrypt hash for them:",
            [_shown(each.username) for each in self.without_password],
        )


def _listed(heading: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield heading
        yield from (f"  {item}" for item in items)


def _shown(name: str | None) -> str:
    if name is None:
        return "(no name)"
    # A name may contain characters that move a terminal's cursor.
    return name if name.isprintable() else ascii(name)
