"""HTTP responses that contain the shapes of the wire."""

from typing import Any, TypeVar

import msgspec
from litestar import Litestar, Request, Response
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from chat_wire import encode

T = TypeVar("T")

JSON = (b"content-type", b"application/json")


class Answer(Response[T]):
    """The response class of every route; it encodes a shape as the sockets do.

    A shape needs neither the framework's choice of encoders nor its dictionary of headers.
    """

    def to_asgi_response(
        self,
        app: Litestar | None,
        request: Request[Any, Any, Any],
        **of_the_route: Any,  # noqa: ANN401 - the framework's signature
    ) -> ASGIResponse:
        """See Litestar."""
        if isinstance(self.content, msgspec.Struct) and not self.headers:
            status = self.status_code or of_the_route["status_code"]
            return _EncodedShape(status, encode(self.content))
        return super().to_asgi_response(app, request, **of_the_route)


class _EncodedShape(ASGIResponse):
    __slots__ = ()

    def __init__(self, status: int, body: bytes) -> None:
        # Skips the base class's constructor, which builds the headers again.
        self.status_code = status
        self.body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """See Litestar."""
        length = (b"content-length", str(len(self.body)).encode())
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": [JSON, length],
            }
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": False})
