"""Sessions in dictionaries."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from chat_core.addresses import networks
from chat_core.errors import RefreshReused, SessionRevoked, TokenInvalid
from chat_core.ids import SessionId, UserId
from chat_core.ports.storage import SessionStore
from chat_core.sessions import RefreshChain, RefreshUse, Session


@dataclass(slots=True)
class MemorySessionStore(SessionStore):
    """Sessions in memory, for as long as the process runs."""

    _sessions: dict[SessionId, Session] = field(default_factory=dict)
    _chains: dict[SessionId, RefreshChain] = field(default_factory=dict)
    _families: dict[bytes | None, SessionId] = field(default_factory=dict)

    async def add(self, session: Session, chain: RefreshChain) -> None:
        """See `SessionStore.add`."""
        self._sessions[session.id] = session
        self._chains[session.id] = chain
        self._families[chain.family] = session.id

    async def get(self, session_id: SessionId) -> Session | None:
        """See `SessionStore.get`."""
        return self._sessions.get(session_id)

    async def refresh(self, use: RefreshUse) -> Session:
        """See `SessionStore.refresh`."""
        session_id = self._families.get(use.family)
        if session_id is None:
            raise TokenInvalid
        session = self._sessions[session_id]
        if session.ended_at is not None:
            raise SessionRevoked.of(session_id)
        try:
            session, chain = use.judge(session, self._chains[session_id])
        except RefreshReused as error:
            error.session_id = session_id
            await self.end([session_id], use.at)
            raise
        self._sessions[session_id], self._chains[session_id] = session, chain
        return session

    async def of_user(self, user_id: UserId) -> Collection[Session]:
        """See `SessionStore.of_user`."""
        live = [
            session
            for session in self._sessions.values()
            if session.user_id == user_id and session.ended_at is None
        ]
        return sorted(live, key=lambda each: (each.last_seen_at, each.id), reverse=True)

    async def knows(self, user_id: UserId, address: str) -> bool:
        """See `SessionStore.knows`."""
        network = networks(address)[0]
        return any(
            session.user_id == user_id and session.network == network
            for session in self._sessions.values()
        )

    async def end(self, session_ids: Collection[SessionId], at: datetime) -> None:
        """See `SessionStore.end`."""
        for session_id in session_ids:
            session = self._sessions.get(session_id)
            if session is not None and session.ended_at is None:
                self._sessions[session_id] = replace(session, ended_at=at)

    async def ended_since(self, at: datetime) -> Mapping[SessionId, UserId]:
        """See `SessionStore.ended_since`."""
        return {
            session.id: session.user_id
            for session in self._sessions.values()
            if session.ended_at is not None and session.ended_at >= at
        }

    async def forget_devices(self, user_id: UserId) -> None:
        """See `SessionStore.forget_devices`."""
        for session in list(self._sessions.values()):
            if session.user_id == user_id:
                self._sessions[session.id] = replace(
                    session, device="", address=None, user_agent=None
                )

    async def purge(self, before: datetime, *, limit: int) -> int:
        """See `SessionStore.purge`."""
        old = [
            session.id
            for session in self._sessions.values()
            if session.last_seen_at < before
            and (session.ended_at is None or session.ended_at < before)
        ][:limit]
        for session_id in old:
            del self._families[self._chains.pop(session_id).family]
            del self._sessions[session_id]
        return len(old)

    async def relabel(self, session_id: SessionId, device: str) -> None:
        """See `SessionStore.relabel`."""
        session = self._sessions.get(session_id)
        if session is not None:
            self._sessions[session_id] = replace(session, device=device)
