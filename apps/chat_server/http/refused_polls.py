"""Rate limit for refused socket requests, by address."""

from collections.abc import Callable

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from chat_core.errors import RateLimited
from chat_server.http.problems import send_problem
from chat_server.http.request_rates import RequestRates
from chat_wire.problems import problem

REFUSED, TOO_MANY, FAILED = 400, 429, 500


class RefusedPolls:
    """Counts the refused HTTP requests for sockets; an address with too many gets 429.

    Accepted requests are not counted, because many people may poll from one address.
    """

    def __init__(self, app: ASGIApp, rates: Callable[[], RequestRates]) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the request, but answer 429 if the address has too many refusals."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        limited: RateLimited | None = None

        async def send_counting(message: Message) -> None:
            nonlocal limited
            if message["type"] == "http.response.start" and _is_refusal(message["status"]):
                try:
                    self._rates().count_refused_poll(scope)
                except RateLimited as error:
                    limited = error
                    await send_problem(send, problem(error))
            if limited is None:
                await send(message)

        await self._app(scope, receive, send_counting)


def _is_refusal(status: int) -> bool:
    return REFUSED <= status < FAILED and status != TOO_MANY
