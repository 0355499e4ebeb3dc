"""What a request passes first: whose it is, whether there are too many, and what it sends."""

from collections.abc import Callable

from litestar.enums import HttpMethod, ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from chat_core.errors import ChatError, Unauthenticated
from chat_core.services.sessions import Sessions
from chat_core.sessions import Actor
from chat_server.http.bodies import check_content_type
from chat_server.http.request_rates import RequestRates

PUBLIC = "public"
"""A handler with this in its `opt` needs no token."""

BEFORE_OWN_PASSWORD = "before_own_password"  # noqa: S105 - a name
"""A handler with this in its `opt` may be called before a generated password was changed, too."""

HEADER = b"authorization"
SCHEME = "bearer"


class BearerAuthentication:
    """Sets `request.user` to the `Actor` of a verified token.

    It looks for its one header itself: the framework's own middleware for this makes a connection
    object and a dictionary of all headers for it, several times what verifying costs.
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
        """Raises `RateLimited`; `Unauthenticated` without a bearer token, and as `Sessions.verify`.

        Raises `UnsupportedMediaType` for a body that is not declared as JSON, and
        `PasswordChangeRequired` for most handlers while the password is a generated one. A token
        that is no good counts against the address: to find that out costs most of all.
        """
        # A browser asks by OPTIONS, without a token, whether it may send one.
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
