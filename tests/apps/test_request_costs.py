"""What a request makes the process do."""

import asyncio
from collections.abc import Coroutine, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar

from chat_server.asgi import create_app
from tests.support.http_client import http_client
from tests.support.server import PASSWORD, SECRET


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Litestar:
    """The service, to be run in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "memory://")
    monkeypatch.setenv("JWT_SECRET", SECRET)
    return create_app()


async def test_a_request_starts_no_task(app: Litestar) -> None:
    started: list[str] = []

    def counting(
        loop: asyncio.AbstractEventLoop,
        coroutine: Generator[Any, None, Any] | Coroutine[Any, Any, Any],
        **options: Any,
    ) -> "asyncio.Task[Any]":
        started.append(str(coroutine))
        return asyncio.Task(coroutine, loop=loop, **options)

    transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
    async with (
        app.lifespan(),
        http_client("http://chat/api/v1", transport=transport) as http,
    ):
        account = {"username": "alice", "password": PASSWORD}
        alice = (await http.post("/users", json=account)).json()
        other = (await http.post("/users", json=account | {"username": "bob"})).json()
        token = (await http.post("/users/login", json=account)).json()["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        message = {"recipientId": other["id"], "content": "hi"}
        asyncio.get_running_loop().set_task_factory(counting)
        try:
            answers = [
                await http.post("/messages", json=message),
                await http.get("/users/me"),
                await http.get("/users", params={"q": "bob"}),
                await http.get(f"/users/{alice['id']}"),
                await http.get("/blocks"),
                await http.get("/conversations"),
            ]
        finally:
            asyncio.get_running_loop().set_task_factory(None)
    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200, 200]
    # The log has a task of its own, which commits for all requests that wait.
    assert [each for each in started if "Log._work_off" not in each] == []
