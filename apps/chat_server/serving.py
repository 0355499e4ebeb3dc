"""Serving the application with uvicorn for `chat-server run`."""

import asyncio
import gc
import logging
import socket
import sys
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from litestar import Litestar

from chat_server import open_files
from chat_server.asgi import create_app
from chat_server.bounded_http import BoundedHttpProtocol, end_late, speaking_http
from chat_server.database_wait import wait_for_database
from chat_server.limits import request_pace
from chat_server.logs import configure_logging
from chat_server.settings import Settings, SettingsError
from chat_server.stopping import end_at_once

TICKS_A_SECOND = 10
"""How often uvicorn calls `on_tick` per second."""

GRACE_SECONDS = 3
"""How long running requests may take to end when the service stops."""

SWITCH_SECONDS = 0.0002
"""How long a database thread waits for a busy event loop to give up the interpreter lock.

A thread waits several times in each read and commit. With Python's default of 5 ms, a flood of
cheap requests made other requests take 60 ms.
"""
BUSY_SWITCH_SECONDS = 0.005
"""The switch interval while many messages are sent.

Such messages share commits. A shorter interval would cost each message over `POST` a tenth more CPU
time without a benefit.
"""
MANY_MESSAGES = 1_000
"""Messages per second from which the longer interval is used."""

logger = logging.getLogger("chat_server")


def serve(settings: Settings) -> None:
    """Serve until a signal stops the service.

    Raises `SettingsError` if the database can't be used, and `DatabaseMissingError` if it does not
    answer in time.
    """
    configure_logging(production=settings.production)
    for warning in settings.warnings():
        logger.warning(warning)
    too_few = open_files.ask_for(settings.connections)
    if too_few is not None:
        logger.warning(
            "this system allows only %d open files, too few for CHAT_CONNECTIONS=%d;"
            " raise the limit (ulimit -n, or LimitNOFILE of systemd), or lower the setting",
            too_few,
            settings.connections,
        )
    asyncio.run(wait_for_database(settings))
    app = create_app(settings)

    def websocket_protocol(**of_uvicorn: Any) -> asyncio.BaseProtocol:  # noqa: ANN401
        # Called only for a websocket, when the database is already open.
        protocol: asyncio.BaseProtocol = app.state.container.websocket_protocol()(**of_uvicorn)
        return protocol

    container = app.state.container
    http_protocol = partial(
        BoundedHttpProtocol,
        bound=container.connection_bound(),
        pace=request_pace(settings),
        outbound=container.outbound(),
    )
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=http_protocol,  # type: ignore[arg-type]
        ws=websocket_protocol,  # type: ignore[arg-type]  # (it is only called)
        ws_max_size=settings.frame_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    _tune_garbage_collection()
    with _listening(settings) as listening:
        server = Server(config, app, settings)
        container.outbound().watch(lambda: speaking_http(server.server_state.connections))
        server.run([listening])
    if not server.started:
        raise SystemExit(1)


def _tune_garbage_collection() -> None:
    """Make garbage collection cheaper for a long-running process.

    Objects that exist at the start stay as long as the process, so the collector skips them. It
    checks the others less often, because a message's objects are freed without it. The young
    generation stays small, because nothing else runs meanwhile: 20,000 objects take 10 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 20)


def _listening(settings: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        where = f"can't listen on {settings.host} port {settings.port} ({error.strerror})"
        raise SettingsError(
            [f"PORT: {where}; stop the program that uses it, or choose another PORT"]
        ) from error


class Server(uvicorn.Server):
    """Logs its URL, and closes the live connections before it waits for requests to end."""

    def __init__(self, config: uvicorn.Config, app: Litestar, settings: Settings) -> None:
        super().__init__(config)
        self._app = app
        self._settings = settings
        self._messages = 0
        """Number of messages stored until the latest tick."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        if self.started:
            _, port = self.servers[0].sockets[0].getsockname()[:2]
            logger.info("chat-core serves at %s", _url(self._settings.host, port))
            if not self._settings.production:
                logger.info("next: open that page, or follow the README's curl example")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's signature
        """Begin to stop, so that the exit code is 0; uvicorn would raise the signal again.

        A second signal ends the process at once.
        """
        if self.should_exit:
            end_at_once(sig)
        self.should_exit = True
        self._app.state.container.stopping().begin()

    async def on_tick(self, counter: int) -> bool:
        """See uvicorn."""
        self._choose_switch_interval()
        if counter % TICKS_A_SECOND == 0:
            end_late(self.server_state.connections, asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    def _choose_switch_interval(self) -> None:
        stored = self._app.state.container.messaging().sent.stored
        are_many = (stored - self._messages) * TICKS_A_SECOND > MANY_MESSAGES
        self._messages = stored
        sys.setswitchinterval(BUSY_SWITCH_SECONDS if are_many else SWITCH_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await self._app.state.container.socket_server().close()
        await super().shutdown(sockets)


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)  # noqa: S104
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
