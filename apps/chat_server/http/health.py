"""Whether the service lives, and whether it can serve."""

from litestar import Response, Router, get
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from chat_core.errors import Unavailable
from chat_server.container import Stores
from chat_server.http.authentication import NO_TOKEN, PUBLIC


@get("/live", summary="Is it alive?")
async def live() -> dict[str, str]:
    """200 as long as the process answers."""
    return {"status": "ok"}


@get("/ready", summary="Can it serve?")
async def ready(stores: Stores) -> Response[dict[str, object]]:
    """200, or 503 with the names of what is down."""
    try:
        await stores.check()
    except Unavailable as error:
        down: dict[str, object] = {
            "status": "unavailable",
            "down": ["database"],
            "detail": error.detail,
        }
        return Response(down, status_code=HTTP_503_SERVICE_UNAVAILABLE)
    return Response({"status": "ok", "down": []}, status_code=HTTP_200_OK)


router = Router(
    "/health",
    route_handlers=[live, ready],
    opt={PUBLIC: True},
    security=NO_TOKEN,
    tags=["health"],
)
