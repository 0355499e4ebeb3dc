"""Who asks: the user of the bearer token, and nobody else."""

from collections.abc import Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.enums import ScopeType
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.types import ASGIApp

from chat_core.errors import Unauthenticated
from chat_core.services.sessions import Sessions
from chat_core.sessions import Actor

PUBLIC = "public"
"""A handler with this in its `opt` needs no token."""


SCHEME = "bearer"


class BearerAuthentication(AbstractAuthenticationMiddleware):
    """Sets `request.user` to the `Actor` of a verified token."""

    def __init__(self, app: ASGIApp, sessions: Callable[[], Sessions]) -> None:
        super().__init__(app, exclude_from_auth_key=PUBLIC, scopes={ScopeType.HTTP})
        self._sessions = sessions

    async def authenticate_request(
        self, connection: ASGIConnection[Any, Any, Any, Any]
    ) -> AuthenticationResult:
        """Raises `Unauthenticated` without a bearer token, and what `Sessions.verify` raises."""
        scheme, _, token = connection.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME or not token.strip():
            raise Unauthenticated("Send Authorization: Bearer <token>")
        claims = self._sessions().verify(token.strip())
        return AuthenticationResult(Actor(claims.user_id, claims.session_id), claims)
