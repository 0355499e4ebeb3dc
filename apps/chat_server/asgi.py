"""The ASGI application: `create_app`, which `litestar run` also finds."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from importlib.metadata import version
from itertools import chain
from typing import Any, cast

from litestar import Litestar, Router, asgi
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import ASGIRouteHandler
from litestar.middleware import AbstractMiddleware, DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute
from litestar.types import Receive, Scope, Send

from chat_core.errors import Unavailable
from chat_core.services.sessions import Sessions
from chat_server.container import SOCKET_PATH, Container
from chat_server.databases import open_stores
from chat_server.http import (
    blocks,
    conversations,
    groups,
    health,
    messages,
    metrics,
    sessions,
    users,
)
from chat_server.http.answers import Answer
from chat_server.http.asyncapi import asyncapi_route
from chat_server.http.authentication import PUBLIC, BearerAuthentication
from chat_server.http.host_and_origin import HostAndOrigin
from chat_server.http.problems import exception_handlers
from chat_server.http.refused_polls import RefusedPolls
from chat_server.http.request_log import RequestLog
from chat_server.http.request_rates import RequestRates
from chat_server.http.schema import SchemaDocument
from chat_server.http.web_client import built_client, web_client
from chat_server.settings import Settings, load_settings

ANY_LOCALHOST = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"
RESTART_SECONDS = 1.0
CANCELLATIONS, CANCEL_AGAIN_SECONDS = 10, 0.1
"""How often, and how many seconds apart, background tasks are cancelled at shutdown."""

logger = logging.getLogger(__name__)


def create_app(settings: Settings | None = None) -> Litestar:
    """Create the service as an ASGI application.

    Without `settings`, reads them from the environment. Raises `SettingsError`.
    """
    settings = settings or load_settings()
    container = Container(settings=settings)

    # These are functions because the framework makes deep copies of its arguments.
    def verifying() -> Sessions:
        return container.sessions()

    def counting() -> RequestRates:
        return container.request_rates()

    def count_unmatched(scope: Scope) -> None:
        container.request_rates().count_unmatched(scope)

    judged = DefineMiddleware(BearerAuthentication, sessions=verifying, rates=counting)
    api = Router(
        "/api/v1",
        route_handlers=[
            users.router,
            sessions.router,
            blocks.router,
            messages.router,
            conversations.router,
            groups.router,
        ],
        middleware=[judged],
    )
    open_to_all = Router(
        "/",
        route_handlers=[
            metrics.metrics,
            asyncapi_route(settings.port),
            web_client(built_client()),
        ],
        middleware=[judged],
        opt={PUBLIC: True},
    )
    services = (
        "accounts",
        "blocking",
        "clock_jumps",
        "conversations",
        "erasure",
        "messaging",
        "metrics",
        "presence",
        "receipts",
        "revocations",
        "sessions",
        "stopping",
        "stores",
    )
    app = Litestar(
        [
            api,
            health.router,
            open_to_all,
            _socket_mount(container, counting),
        ],
        dependencies={
            **{name: _provided(getattr(container, name)) for name in services},
            "settings": _provided(container.settings),
        },
        exception_handlers=exception_handlers(container.problems(), count_unmatched),
        cors_config=_cors(settings),
        openapi_config=_openapi(judged),
        request_max_body_size=settings.frame_bytes,
        lifespan=[lambda _: _running(container, settings)],
        response_class=Answer,
        debug=False,
        logging_config=None,
        state=State({"container": container}),
    )
    _resolve_in_turn(app)
    inner = HostAndOrigin(
        cast("AbstractMiddleware", app.asgi_handler),
        container.hosts(),
        container.origins(),
        container.problems(),
    )
    app.asgi_handler = RequestLog(
        inner, container.http_requests(), trusted_proxies=settings.trusted_proxies
    )
    return app


def _provided(provider: Callable[[], Any]) -> Provide:
    # Litestar inspects a provider's signature, and the injection library's providers have none.
    def provide() -> object:
        return provider()

    return Provide(provide, sync_to_thread=False)


def _resolve_in_turn(app: Litestar) -> None:
    """Make the framework resolve a handler's services one after the other.

    If there are several, the framework starts a task for each, which takes as long as the rest of a
    small request. These services already exist, and none depends on another.
    """
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for _, arguments in route.route_handler_map.values():
                found_together = chain.from_iterable(arguments.dependency_batches)
                arguments.dependency_batches = [{each} for each in found_together]


def _socket_mount(container: Container, rates: Callable[[], RequestRates]) -> ASGIRouteHandler:
    async def sockets(scope: Scope, receive: Receive, send: Send) -> None:
        await container.socket_app()(scope, receive, send)

    counted = RefusedPolls(sockets, rates)

    @asgi(SOCKET_PATH, is_mount=True, copy_scope=True, opt={PUBLIC: True})
    async def socket_io(scope: Scope, receive: Receive, send: Send) -> None:
        await counted(scope, receive, send)

    return socket_io


@asynccontextmanager
async def _running(container: Container, settings: Settings) -> AsyncIterator[None]:
    """Open the database, and run the background tasks until the application stops."""
    async with open_stores(settings) as stores:
        container.stores.override(stores)
        container.delivery()
        await container.revocations().load()
        loops = [
            asyncio.create_task(_keep_running(container, container.presence().run)),
            asyncio.create_task(_keep_running(container, container.revocations().run)),
            asyncio.create_task(_keep_running(container, container.loop_lag().run)),
            asyncio.create_task(_keep_running(container, container.session_purge().run)),
            asyncio.create_task(_keep_running(container, container.clock_jumps().run)),
        ]
        try:
            yield
        finally:
            await container.socket_server().close()
            await _ended(loops)
            container.hasher().close()
            await _flush_last_seen(container)


async def _ended(loops: Iterable[asyncio.Task[None]]) -> None:
    """Cancel the background tasks until they end, for about a second at most.

    One cancellation may not be enough: during an outage the MongoDB driver may swallow it, because
    `asyncio.wait_for` in Python 3.11 does so if its timeout expires at the same moment.
    """
    running = set(loops)
    for _ in range(CANCELLATIONS):
        for each in running:
            each.cancel()
        _, running = await asyncio.wait(running, timeout=CANCEL_AGAIN_SECONDS)
        if not running:
            return
    logger.warning("background tasks did not end; stopped anyway")


async def _flush_last_seen(container: Container) -> None:
    try:
        # Do not wait again for a database that has not answered for some seconds.
        is_there = not container.revocations().is_late()
        if is_there:
            await container.presence().farewell()
    except Unavailable:
        is_there = False
    if not is_there:
        logger.warning(
            "the database does not answer: stopped without it; some last-seen times are a minute"
            " too early, but nothing that was acknowledged is lost"
        )


async def _keep_running(container: Container, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - a boundary, which logs the incident
            container.problems().report(error)
            await container.clock().sleep(RESTART_SECONDS)


def _cors(settings: Settings) -> CORSConfig:
    any_localhost = not settings.production and not settings.cors_origins
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_origin_regex=ANY_LOCALHOST if any_localhost else None,
        allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
        allow_headers=["Authorization", "Content-Type", "X-Request-Id"],
        expose_headers=["Retry-After", "X-Request-Id"],
        allow_credentials=True,
    )


def _openapi(judged: DefineMiddleware) -> OpenAPIConfig:
    bearer = SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
    return OpenAPIConfig(
        title="chat-core",
        version=version("chat-core"),
        openapi_router=Router(
            "/schema",
            route_handlers=[],
            middleware=[judged],
            opt={PUBLIC: True},
            include_in_schema=False,
        ),
        render_plugins=[SchemaDocument(path="/")],
        components=Components(security_schemes={"bearer": bearer}),
        security=[{"bearer": []}],
    )
