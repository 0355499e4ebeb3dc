import asyncio
from typing import Any

import pytest

from chat_core import ConversationId, MessageSent, User, UserId
from chat_core.conversations import TitleChanged
from chat_core.errors import Unavailable
from chat_core.events import ConversationUpdated, MessageUpdated
from chat_core.ports.log import Appended, resolve, tell
from chat_core.testing.makers import direct, say
from tests.support.engine import Engine

RENAMED = ConversationUpdated.of(ConversationId("c"), 2, UserId("ann"), TitleChanged("New"))


def awaited() -> "asyncio.Future[Appended]":
    return asyncio.get_running_loop().create_future()


async def test_whoever_waits_gets_what_was_appended_or_why_nothing_was() -> None:
    appended, refused = awaited(), awaited()
    resolve(appended, Appended(RENAMED))
    resolve(refused, Unavailable())

    assert await appended == Appended(RENAMED)
    with pytest.raises(Unavailable):
        await refused


async def test_whoever_waits_no_longer_is_not_told() -> None:
    gone = awaited()
    gone.cancel()
    resolve(gone, Appended(RENAMED))
    resolve(gone, Unavailable())

    assert gone.cancelled()


async def test_what_was_appended_is_about_a_message_or_about_none(
    chat: Engine, ann: User, bob: User
) -> None:
    (message,) = await say(chat.stores.log, direct(ann, bob), ann, "hello")

    for event in (MessageSent(message), MessageUpdated(2, message)):
        assert Appended(event).message == message
    with pytest.raises(TypeError):
        _ = Appended(RENAMED).message


async def test_a_listener_that_raises_is_reported_and_keeps_nothing_from_the_others() -> None:
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    mistake, told = ZeroDivisionError(), []

    def broken(what: str) -> None:
        told.append(what)
        raise mistake

    for listener in (broken, told.append):
        tell(listener, "news")
    assert told == ["news", "news"]
    assert [each["exception"] for each in reported] == [mistake]
    assert "raised" in reported[0]["message"]
