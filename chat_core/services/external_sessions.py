"""Verification of a product's own sessions and tokens."""

from collections.abc import Collection
from dataclasses import dataclass

from chat_core.errors import SessionRevoked
from chat_core.ids import SessionId
from chat_core.ports.notifications import Connections
from chat_core.ports.security import TokenVerifier
from chat_core.ports.system import Clock
from chat_core.sessions import Claims, clean_device


@dataclass(frozen=True, slots=True)
class ExternalSessions:
    """Verify the product's own tokens. It takes the place of `Sessions`."""

    verifier: TokenVerifier
    connections: Connections
    clock: Clock

    def verify(self, token: str) -> Claims:
        """Return the token's claims. Raises `TokenInvalid` or `TokenExpired`."""
        return self.verifier.verify(token, self.clock.now())

    async def require_own_password(self, claims: Claims) -> None:
        """Do nothing: the product handles passwords."""

    async def relabel(self, session_id: SessionId, device: str) -> None:  # noqa: ARG002
        """Check the label but store nothing: the product names devices. Raises `Invalid`."""
        clean_device(device)

    def end(self, session_ids: Collection[SessionId]) -> None:
        """Close the live connections of sessions that the product has ended.

        Its verifier has to reject their tokens from then on, or they can connect again.
        """
        self.connections.end(session_ids, SessionRevoked())
