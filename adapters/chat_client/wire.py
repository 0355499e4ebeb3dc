"""What carries a client's events, and what it says of itself."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

Json = dict[str, Any]
"""A decoded JSON object, as it came over the wire."""


class Disconnected(Exception):
    """The wire is down, or went down before the answer came: whether it was done is unknown."""


class Refused(Exception):
    """The server answered with an error: `problem` is its document, `code` is for a program."""

    def __init__(self, problem: Json) -> None:
        super().__init__(problem.get("detail") or problem.get("title") or problem.get("code"))
        self.problem = problem

    @property
    def code(self) -> str:
        """The stable name of the error."""
        return str(self.problem.get("code"))

    @classmethod
    def of(cls, problem: Json) -> "Refused":
        """The exception for that error."""
        if problem.get("code") == PasswordChangeRequired.CODE:
            return PasswordChangeRequired(problem)
        return cls(problem)


class PasswordChangeRequired(Refused):
    """The operator generated the account's password, and the user has not changed it yet.

    Until the user does, the server accepts the token for nothing else: a retry does not help.
    """

    CODE = "password_change_required"

    def __init__(self, problem: Json) -> None:
        super().__init__(problem)
        what_to_do = (
            "This account has a generated password; change it first. Call"
            " PUT /api/v1/users/me/password with the token, or set a password with"
            " `chat-server users reset-password NAME --password-stdin`."
        )
        self.args = (what_to_do,)


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of what comes in: events by name, and the end of the connection."""

    heard: Callable[[str, Json], None]
    ended: Callable[[], None]

    def pushed(self, event: str, *arguments: object) -> None:
        """A push came in. Each carries one object; one that does not is unknown, and ignored."""
        if arguments and isinstance(arguments[0], dict):
            self.heard(event, arguments[0])


class Wire(Protocol):
    """One connection at a time to a server. Wires are for one event loop."""

    @abstractmethod
    async def connect(self, auth: Json, listener: Listener) -> None:
        """Connect; `auth` travels along. Raises `Disconnected`."""

    @abstractmethod
    async def call(self, event: str, payload: Json) -> Json:
        """Send an event and wait for its ack, in the order of the calls. Raises `Disconnected`."""

    @abstractmethod
    async def close(self) -> None:
        """End the connection; again is a no-op. The listener hears no more."""
