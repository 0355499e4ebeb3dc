"""Health checks: whether the process is alive, and whether it can serve requests."""

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.status_codes import HTTP_200_OK, HTTP_503_SERVICE_UNAVAILABLE

from chat_core.errors import Unavailable
from chat_core.services.revocation import Revocations
from chat_server.clock_jumps import ClockJumps
from chat_server.databases import Stores
from chat_server.http.authentication import PUBLIC
from chat_server.stopping import Stopping


@get("/live", summary="Is it alive?")
async def live() -> dict[str, str]:
    """Return 200 as long as the process answers."""
    return {"status": "ok"}


@get("/ready", summary="Can it serve?")
async def ready(
    stores: NamedDependency[Stores],
    revocations: NamedDependency[Revocations],
    stopping: NamedDependency[Stopping],
    clock_jumps: NamedDependency[ClockJumps],
) -> Response[dict[str, object]]:
    """Return 200 if the service is ready, and 503 with the names of the parts that are down if not.

    `warnings` lists problems that do not stop the service from working.
    """
    down = await what_is_down(stores, revocations)
    if stopping.has_begun:
        down.append("stopping")
    answer: dict[str, object] = {
        "status": "unavailable" if down else "ok",
        "down": down,
        "warnings": ["clock"] if clock_jumps.is_recent() else [],
    }
    status = HTTP_503_SERVICE_UNAVAILABLE if down else HTTP_200_OK
    return Response(answer, status_code=status)


async def what_is_down(stores: Stores, revocations: Revocations) -> list[str]:
    """Return the names of the parts that do not answer."""
    down = ["revocations"] if revocations.is_late() else []
    try:
        await stores.check()
    except Unavailable:
        down.append("database")
    return down


router = Router("/health", route_handlers=[live, ready], opt={PUBLIC: True}, tags=["health"])
