"""Who asks: the user of the bearer token, and nobody else."""

from collections.abc import Callable

from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from chat_core.errors import Unauthenticated
from chat_core.services.sessions import Sessions
from chat_core.sessions import Actor

PUBLIC = "public"
"""A handler with this in its `opt` needs no token."""

HEADER = b"authorization"
SCHEME = "bearer"


class BearerAuthentication:
    """Sets `request.user` to the `Actor` of a verified token.

    It looks for its one header itself: the framework's own middleware for this makes a connection
    object and a dictionary of all headers for it, several times what verifying costs.
    """

    def __init__(self, app: ASGIApp, sessions: Callable[[], Sessions]) -> None:
        self._app = app
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises `Unauthenticated` without a bearer token, and what `Sessions.verify` raises."""
        if _needs_token(scope):
            claims = self._sessions().verify(_token(scope))
            scope["user"] = Actor(claims.user_id, claims.session_id)
        await self._app(scope, receive, send)


def _needs_token(scope: Scope) -> bool:
    # A browser asks by OPTIONS, without a token, whether it may send one.
    return (
        scope["type"] == ScopeType.HTTP
        and scope["method"] != HttpMethod.OPTIONS
        and not scope["route_handler"].opt.get(PUBLIC)
    )


def _token(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == HEADER:
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() == SCHEME and token.strip():
                return token.strip()
            break
    raise Unauthenticated("Send Authorization: Bearer <token>")
