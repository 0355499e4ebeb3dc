"""The AsyncAPI document, which describes the socket events."""

from importlib.metadata import version

from litestar import Response, get
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler

from chat_server.container import SOCKET_PATH
from chat_wire import encode
from chat_wire.asyncapi import document


def asyncapi_route(port: int) -> HTTPRouteHandler:
    """Return the route `GET /asyncapi.json`, which serves a document that is built once."""
    text = encode(
        document(version=version("chat-core"), host=f"localhost:{port}", path=SOCKET_PATH)
    )

    @get("/asyncapi.json", include_in_schema=False, sync_to_thread=False)
    def asyncapi() -> Response[bytes]:
        return Response(text, media_type=MediaType.JSON)

    return asyncapi
