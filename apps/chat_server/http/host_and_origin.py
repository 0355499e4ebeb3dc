"""Checks of a request's `Host` and `Origin` before anything else is done."""

from litestar.enums import ScopeType
from litestar.middleware import AbstractMiddleware
from litestar.types import HTTPScope, Receive, Scope, Send

from chat_core.errors import ChatError, OriginNotAllowed
from chat_server.hosts import HostPolicy
from chat_server.http.problems import send_problem
from chat_server.origins import OriginPolicy
from chat_wire.http_headers import check_numbers
from chat_wire.problems import ProblemReporter

HOST, ORIGIN = b"host", b"origin"
HEALTH = "/health/"
"""Path of the health checks, whose callers use an IP address; the answers contain no user data."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1); CORS hides their answers from pages."""


class HostAndOrigin:
    """Answers a request itself if its `Host` or `Origin` is not allowed.

    A page of another origin can send some kinds of POST without a preflight, as a form does, so
    CORS alone does not stop it from changing something.

    A request without an `Origin` (from an app, a bot or another service) skips the framework's
    CORS, which reads all headers of a request to look for one.
    """

    def __init__(
        self,
        cors: AbstractMiddleware,
        hosts: HostPolicy,
        origins: OriginPolicy,
        problems: ProblemReporter,
    ) -> None:
        self._cors = cors
        self._hosts = hosts
        self._origins = origins
        self._problems = problems

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request, or answer it with a problem.

        Websockets are checked when they are admitted.
        """
        if scope["type"] != ScopeType.HTTP:
            await self._cors.app(scope, receive, send)
            return
        try:
            comes_from_a_page = self._judge(scope)
        except ChatError as error:
            await send_problem(send, self._problems.report(error))
            return
        if comes_from_a_page:
            await self._cors(scope, receive, send)
        else:
            await self._cors.app(scope, receive, send)

    def _judge(self, scope: HTTPScope) -> bool:
        """Return whether the request comes from a page.

        Raises `Malformed`, `HostNotAllowed` or `OriginNotAllowed`.
        """
        host = origin = None
        hosts = origins = 0
        for name, value in scope["headers"]:
            if name == HOST:
                host, hosts = value.decode("latin-1"), hosts + 1
            elif name == ORIGIN:
                origin, origins = value.decode("latin-1"), origins + 1
        if hosts != 1 or origins:
            check_numbers(hosts=hosts, origins=origins, http_version=scope["http_version"])
        if self._hosts.listed and not scope["path"].startswith(HEALTH):
            self._hosts.check(host)
        if origin is None:
            return False
        if scope["method"] not in SAFE and not self._origins.allows(origin, host):
            raise OriginNotAllowed
        return True
