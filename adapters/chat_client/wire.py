"""The port for a client's connection, and its exceptions."""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

Json = dict[str, Any]
"""A JSON object received from the wire, decoded."""


class Disconnected(Exception):
    """The connection is down or broke before the answer, so the outcome of the call is unknown."""


class Refused(Exception):
    """The server answered with an error. `problem` is its document, `code` is for programs."""

    def __init__(self, problem: Json) -> None:
        super().__init__(problem.get("detail") or problem.get("title") or problem.get("code"))
        self.problem = problem

    @property
    def code(self) -> str:
        """The stable name of the error."""
        return str(self.problem.get("code"))

    @classmethod
    def of(cls, problem: Json) -> "Refused":
        """Return the exception for that error."""
        if problem.get("code") == PasswordChangeRequired.CODE:
            return PasswordChangeRequired(problem)
        return cls(problem)


class PasswordChangeRequired(Refused):
    """The operator generated the account's password, and the user has not changed it yet.

    Until then, the server accepts the token only for the change of the password; a retry does not
    help.
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
    """Callbacks for incoming events and for the end of the connection."""

    heard: Callable[[str, Json], None]
    ended: Callable[[], None]

    def pushed(self, event: str, *arguments: object) -> None:
        """Pass a push on. A push whose argument is not an object is unknown, and ignored."""
        if arguments and isinstance(arguments[0], dict):
            self.heard(event, arguments[0])


class Wire(Protocol):
    """One connection at a time to a server. A wire belongs to one event loop."""

    @abstractmethod
    async def connect(self, auth: Json, listener: Listener) -> None:
        """Connect, and send `auth` along. Raises `Disconnected`."""

    @abstractmethod
    async def call(self, event: str, payload: Json) -> Json:
        """Send an event, in the order of the calls, and wait for its ack. Raises `Disconnected`."""

    @abstractmethod
    async def close(self) -> None:
        """End the connection. Calling it again is a no-op. The listener receives nothing more."""
