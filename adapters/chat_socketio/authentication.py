"""The port that verifies the token of a connection."""

from abc import abstractmethod
from typing import Protocol

from chat_core.ids import SessionId
from chat_core.sessions import Claims


class Authentication(Protocol):
    """Verifies tokens for connections: the service `Sessions`, or `ExternalSessions`."""

    @abstractmethod
    def verify(self, token: str) -> Claims:
        """Return the token's user, session and expiry.

        Raises `TokenInvalid`, `TokenExpired`, `SessionRevoked`. It does no I/O, so exchange a token
        that only a database can verify for a signed one first.
        """

    @abstractmethod
    async def require_own_password(self, claims: Claims) -> None:
        """Raise `PasswordChangeRequired` until the user has changed a generated password."""

    @abstractmethod
    async def relabel(self, session_id: SessionId, device: str) -> None:
        """Change the label of the session's device. Raises `Invalid`."""
