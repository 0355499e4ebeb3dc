"""CORS for the requests of pages, which carry an `Origin`."""

from litestar.middleware import AbstractMiddleware
from litestar.types import Receive, Scope, Send

HEADER = b"origin"


class CrossOrigin:
    """Goes around the framework's CORS, which reads all headers of a request to look for one.

    What comes from no page (an app, a bot, another service) is spared that.
    """

    def __init__(self, cors: AbstractMiddleware) -> None:
        self._cors = cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request, by way of CORS where a page sent it."""
        for name, _ in scope["headers"]:
            if name == HEADER:
                await self._cors(scope, receive, send)
                return
        await self._cors.app(scope, receive, send)
