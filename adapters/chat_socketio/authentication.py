"""Whose connection it is."""

from abc import abstractmethod
from typing import Protocol

from chat_core.ids import SessionId
from chat_core.sessions import Claims


class Authentication(Protocol):
    """What a connection registers by: the service `Sessions`, or `ExternalSessions`."""

    @abstractmethod
    def verify(self, token: str) -> Claims:
        """Who holds the token, by which session, and until when.

        Raises `TokenInvalid`, `TokenExpired`, `SessionRevoked`. It never waits: a token that only
        a database knows has to be exchanged for a signed one before.
        """

    @abstractmethod
    async def require_own_password(self, claims: Claims) -> None:
        """Raises `PasswordChangeRequired` until the user has changed a generated password."""

    @abstractmethod
    async def relabel(self, session_id: SessionId, device: str) -> None:
        """Give the session's device another label. Raises `Invalid`."""
