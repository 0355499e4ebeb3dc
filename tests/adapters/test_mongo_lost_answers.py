"""A write whose answer got lost: was it carried out, and if not, it never will be."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from chat_core.errors import Unavailable
from chat_core.testing.log_fixtures import Followed
from chat_core.testing.makers import direct, draft, user
from chat_mongo import MongoDatabase, MongoLogReader, mongo_log
from tests.support.holding_proxy import HoldingProxy
from tests.support.mongod import fresh_database, mongodb_url
from tests.support.waiting import eventually

WORDS = "words that are looked for"
ANN, BOB = user("ann"), user("bob")


class Slow:
    """A log behind a proxy, with one message in it."""

    def __init__(self, proxy: HoldingProxy, database: MongoDatabase) -> None:
        self.proxy = proxy
        self.log = mongo_log(database)
        self.reader = MongoLogReader(database)
        self.followed = Followed()
        self.log.follow(self.followed)
        self.between = direct(ANN, BOB)

    async def stored(self) -> list[tuple[int, str | None]]:
        """Every message, with its place."""
        history = await self.reader.history(self.between.id, before=None, after=0, limit=100)
        return [(each.seq, each.text) for each in history.items]

    def told(self) -> list[tuple[int, str | None]]:
        """The same, as the follower was told."""
        return [(each.seq, each.text) for each in self.followed.messages()]

    async def settled(self) -> None:
        """Wait until nothing of what was begun is in doubt."""
        await eventually(lambda: self.log._task is None)


@pytest.fixture
async def slow() -> AsyncIterator[Slow]:
    mongod = urlsplit(mongodb_url()).netloc.split(",")[0]
    with fresh_database() as url:
        async with AsyncExitStack() as opened:
            proxy = await opened.enter_async_context(HoldingProxy(mongod))
            through = f"mongodb://{proxy.address}/?directConnection=true"
            database = await MongoDatabase.open(through, urlsplit(url).path.strip("/"))
            opened.push_async_callback(database.close)
            slow = Slow(proxy, database)
            opened.push_async_callback(slow.log.close)
            await slow.log.append(draft(slow.between, ANN, "first"))
            yield slow


async def test_a_write_that_arrives_late_is_not_carried_out(slow: Slow) -> None:
    slow.proxy.hold_request(WORDS.encode())
    with pytest.raises(Unavailable):
        await slow.log.append(draft(slow.between, ANN, WORDS))
    await slow.settled()
    await slow.proxy.release()

    assert (await slow.log.append(draft(slow.between, ANN, "next"))).message.seq == 2
    assert await slow.stored() == slow.told() == [(1, "first"), (2, "next")]


async def test_a_write_that_was_carried_out_is_told_though_its_caller_has_given_up(
    slow: Slow,
) -> None:
    slow.proxy.swallow_answer(WORDS.encode())
    sent = draft(slow.between, ANN, WORDS, client_id="c1")
    with pytest.raises(Unavailable):
        await slow.log.append(sent)
    await slow.settled()

    assert await slow.stored() == slow.told() == [(1, "first"), (2, WORDS)]
    assert (await slow.log.append(sent)).duplicate
    assert (await slow.log.append(draft(slow.between, ANN, "next"))).message.seq == 3
    assert len(slow.told()) == 3
