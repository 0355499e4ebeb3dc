"""The first checks of a request: its token, its rate limit and its content type."""

from collections.abc import Callable

from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from chat_core.errors import ChatError, Unauthenticated
from chat_core.services.sessions import Sessions
from chat_core.sessions import Actor
from chat_server.http.bodies import check_content_type
from chat_server.http.request_rates import RequestRates

PUBLIC = "public"
"""Key in the `opt` of a handler that needs no token."""

BEFORE_OWN_PASSWORD = "before_own_password"  # noqa: S105 - not a password
"""Key in the `opt` of a handler that accepts users who still have a generated password."""

HEADER = b"authorization"
SCHEME = "bearer"


class BearerAuthentication:
    """Sets `request.user` to the `Actor` of a verified token.

    This class looks for the one header that it needs. The framework's own middleware builds a
    connection object and a dictionary of all headers, which takes several times as long as
    verifying the token.
    """

    def __init__(
        self,
        app: ASGIApp,
        sessions: Callable[[], Sessions],
        rates: Callable[[], RequestRates],
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the request, then call the application.

        Raises `RateLimited` if the user or the address sends too many requests, `Unauthenticated`
        if there is no bearer token, and the errors of `Sessions.verify`. Raises
        `UnsupportedMediaType` if the body is not declared as JSON, and `PasswordChangeRequired` for
        most handlers while the user has a generated password. An invalid token counts against the
        address, because detecting it costs the most.
        """
        # A browser sends OPTIONS without a token to ask whether it may send one.
        if scope["type"] == ScopeType.HTTP and scope["method"] != HttpMethod.OPTIONS:
            rates = self._rates()
            options = scope["route_handler"].opt
            if options.get(PUBLIC):
                await rates.count_address(scope)
            else:
                try:
                    sessions = self._sessions()
                    claims = sessions.verify(_token(scope))
                except ChatError:
                    await rates.count_address(scope)
                    raise
                await rates.count_user(claims.user_id)
                if claims.password_change_required and not options.get(BEFORE_OWN_PASSWORD):
                    await sessions.require_own_password(claims)
                scope["user"] = Actor(claims.user_id, claims.session_id)
            check_content_type(scope["headers"])
        await self._app(scope, receive, send)


def _token(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == HEADER:
            scheme, _, token = value.decode("latin-1").partition(" ")
            if scheme.lower() == SCHEME and token.strip():
                return token.strip()
            break
    raise Unauthenticated("Send Authorization: Bearer <token>")
