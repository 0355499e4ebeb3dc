"""An HTTP client that waits for an answer as long as a busy machine may need."""

from typing import Any

import httpx

from tests.support.waiting import PATIENCE_SECONDS


def http_client(url: str = "", **options: Any) -> httpx.AsyncClient:
    """A client of the server at that URL. The library's own gives up after five seconds."""
    return httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS, **options)
