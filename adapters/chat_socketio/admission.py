"""The port that decides who may open a connection, before the library handles the request."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

ADDRESS = "chat.address"
"""The key in an ASGI scope of the address that the connection counts for."""


class Admission(Protocol):
    """Checks each request for the socket's path: every poll, and every websocket handshake."""

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
        """Accept the request and return the address that its session counts for.

        Raises the `ChatError` to refuse it with. `peer` is the address of the TCP peer, `forwarded`
        has the value of each `X-Forwarded-For` header. If `is_new`, the request begins an Engine.IO
        session; other requests belong to an existing one.
        """
