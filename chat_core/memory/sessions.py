"""Sessions in a dictionary."""

from dataclasses import dataclass, field, replace

from chat_core.ids import SessionId
from chat_core.ports.storage import SessionStore
from chat_core.sessions import Session


@dataclass(slots=True)
class MemorySessionStore(SessionStore):
    """Sessions that are gone when the process is."""

    _sessions: dict[SessionId, Session] = field(default_factory=dict)
    _digests: dict[SessionId, bytes] = field(default_factory=dict)

    async def add(self, session: Session, refresh_digest: bytes) -> None:
        """See `SessionStore.add`."""
        self._sessions[session.id] = session
        self._digests[session.id] = refresh_digest

    async def get(self, session_id: SessionId) -> Session | None:
        """See `SessionStore.get`."""
        return self._sessions.get(session_id)

    async def relabel(self, session_id: SessionId, device: str) -> None:
        """See `SessionStore.relabel`."""
        session = self._sessions.get(session_id)
        if session is not None:
            self._sessions[session_id] = replace(session, device=device)
