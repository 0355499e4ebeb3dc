"""Live connections that are only remembered."""

from collections.abc import Collection
from dataclasses import dataclass, field

from chat_core import ChatError, SessionId
from chat_core.ports.notifications import Connections


@dataclass(slots=True)
class RecordingConnections(Connections):
    """Keeps which sessions were ended and why; a test says which are live."""

    live: set[SessionId] = field(default_factory=set)
    ended: list[tuple[SessionId, type[ChatError]]] = field(default_factory=list)

    def end(self, session_ids: Collection[SessionId], reason: ChatError) -> None:
        self.ended += [(session_id, type(reason)) for session_id in session_ids]
        self.live.difference_update(session_ids)

    def online(self, session_ids: Collection[SessionId]) -> Collection[SessionId]:
        return self.live.intersection(session_ids)
