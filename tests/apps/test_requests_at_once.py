"""`CHAT_REQUESTS_AT_ONCE`: one gate for all that reads lists, whether rates are on or off."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chat_server.container import Container
from chat_server.databases import open_stores
from chat_server.settings import load_settings
from tests.support.server import SECRET, Api, ServerProcess


@pytest.fixture(params=["on", "off"])
async def container(request: pytest.FixtureRequest) -> AsyncIterator[Container]:
    settings = load_settings(
        JWT_SECRET=SECRET,
        DATABASE_URL="memory://",
        CHAT_REQUESTS_AT_ONCE=3,
        CHAT_RATE_LIMITS=request.param,
    )
    async with open_stores(settings) as stores:
        container = Container(settings=settings)
        container.stores.override(stores)
        yield container
        container.hasher().close()


async def test_all_services_that_read_lists_share_one_gate(container: Container) -> None:
    reads = container.reads()
    assert reads.calls_at_once == 3
    for service in (
        container.conversations(),
        container.synchronising(),
        container.accounts(),
        container.blocking(),
        container.sessions(),
    ):
        assert service.reads is reads


async def test_what_waited_in_vain_is_counted(container: Container) -> None:
    container.reads().refused = 5
    text = (await container.metrics().exposition(())).decode()
    assert 'chat_rate_limited_total{limit="requests at once"} 5.0' in text.splitlines()


async def test_all_who_wait_for_the_metrics_share_them(container: Container) -> None:
    metrics = container.metrics()
    first, *others = await asyncio.gather(*(metrics.exposition(()) for _ in range(5)))
    assert all(each is first for each in others)

    container.reads().refused += 1
    asked_later = await metrics.exposition(())
    assert asked_later != first


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder: Path = tmp_path_factory.mktemp("narrow")
    server = ServerProcess(folder, CHAT_REQUESTS_AT_ONCE=1)
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())


async def test_requests_that_come_all_at_once_are_all_answered(narrow: ServerProcess) -> None:
    async with Api(narrow.url) as api:
        ann, bob = await api.people("ann", "bob")
        conversation = (await api.send(ann, bob, "hello"))["conversationId"]
        paths = [
            "/conversations",
            f"/conversations/{conversation}",
            f"/conversations/{conversation}/members",
            f"/conversations/{conversation}/messages",
            "/users?q=a",
            f"/users?ids={bob.id}",
            "/blocks",
        ]
        answers = await asyncio.gather(
            *(api.http.get(path, headers=ann.bearer) for path in paths * 5)
        )
        assert {answer.status_code for answer in answers} == {200}
