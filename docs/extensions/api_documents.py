"""What the service says of itself: its OpenAPI and its AsyncAPI document."""

import logging
import secrets
from collections.abc import Mapping
from functools import cache
from typing import Any

import structlog
from litestar.testing import TestClient

from chat_server.asgi import create_app
from chat_server.settings import load_settings

OPENAPI, ASYNCAPI = "/schema", "/asyncapi.json"


@cache
def documents() -> Mapping[str, Mapping[str, Any]]:
    """The documents by their paths, as a service with the default settings serves them."""
    settings = load_settings(
        CHAT_ENV="development",
        DATABASE_URL="memory://",
        JWT_SECRET=secrets.token_urlsafe(48),
        PORT=5000,
    )
    # A line for each request is of no use here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with TestClient(create_app(settings)) as client:
        return {path: client.get(path).raise_for_status().json() for path in (OPENAPI, ASYNCAPI)}
