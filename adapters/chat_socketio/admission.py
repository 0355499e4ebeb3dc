"""Who may open a connection: asked before the library sees a request."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

ADDRESS = "chat.address"
"""Where a request that begins a connection says for which address it counts."""


class Admission(Protocol):
    """Judges each request for the socket's path: each poll, and the handshake of each websocket."""

    @abstractmethod
    def __call__(
        self,
        *,
        peer: str | None,
        host: str | None,
        origin: str | None,
        forwarded: Sequence[str],
        is_new: bool,
    ) -> str:
        """Let it in, or raise the `ChatError` to refuse it with.

        `peer` is the address at the other end of the wire, `forwarded` each `X-Forwarded-For`. One
        that `is_new` begins an Engine.IO session; others go on with theirs. Returns the address
        that the session counts for.
        """
