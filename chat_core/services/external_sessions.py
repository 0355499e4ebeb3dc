"""Sessions that a product keeps itself, with tokens of its own."""

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
    """Know who asks by the product's tokens. Takes the place of `Sessions`."""

    verifier: TokenVerifier
    connections: Connections
    clock: Clock

    def verify(self, token: str) -> Claims:
        """Who holds this token. Raises what the verifier does: `TokenInvalid`, `TokenExpired`."""
        return self.verifier.verify(token, self.clock.now())

    async def require_own_password(self, claims: Claims) -> None:
        """Passwords are the product's business: it raises nothing."""

    async def relabel(self, session_id: SessionId, device: str) -> None:  # noqa: ARG002
        """How devices are called is the product's business. Raises `Invalid`, as `Sessions`."""
        clean_device(device)

    def end(self, session_ids: Collection[SessionId]) -> None:
        """Close the live connections of sessions that the product has ended.

        Its verifier has to refuse their tokens from then on, or they can connect again.
        """
        self.connections.end(session_ids, SessionRevoked())
