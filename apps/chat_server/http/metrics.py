"""Metrics for Prometheus."""

from litestar import Response, get
from litestar.di import NamedDependency

from chat_core.services.revocation import Revocations
from chat_server.databases import Stores
from chat_server.http.health import what_is_down
from chat_server.metrics import CONTENT_TYPE, Metrics


@get("/metrics", include_in_schema=False)
async def metrics(
    metrics: NamedDependency[Metrics],
    stores: NamedDependency[Stores],
    revocations: NamedDependency[Revocations],
) -> Response[bytes]:
    """Return all metrics; whether the service is ready is checked for each request."""
    text = await metrics.exposition(await what_is_down(stores, revocations))
    return Response(text, media_type=CONTENT_TYPE)
