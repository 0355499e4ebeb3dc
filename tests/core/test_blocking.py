import pytest

from chat_core import ToUser, User, UserId
from chat_core.bodies import Body
from chat_core.errors import Blocked, Invalid, NotFound
from tests.support.engine import Engine, actor


async def test_blocks_are_listed_page_by_page_the_gone_ones_too(
    chat: Engine, ann: User, bob: User, eve: User
) -> None:
    for other in (bob, eve, bob):
        await chat.blocking.block(ann.id, other.id)
    erased = await chat.stores.users.erase(bob.id, chat.clock.now())

    found: list[User] = []
    place: UserId | None = None
    while place is not None or not found:
        page = await chat.blocking.list(ann.id, after=place, limit=1)
        found += page.items
        place = page.next
    assert found == sorted([erased, eve], key=lambda each: each.id)
    assert (await chat.blocking.list(eve.id, after=None, limit=9)).items == []
    await chat.blocking.unblock(ann.id, bob.id)
    await chat.blocking.unblock(ann.id, bob.id)
    assert (await chat.blocking.list(ann.id, after=None, limit=9)).items == [eve]


async def test_oneself_and_nobody_are_not_blocked(chat: Engine, ann: User) -> None:
    with pytest.raises(Invalid) as caught:
        await chat.blocking.block(ann.id, ann.id)
    assert [each.field for each in caught.value.errors] == ["userId"]
    for work in (chat.blocking.block, chat.blocking.unblock):
        with pytest.raises(NotFound):
            await work(ann.id, UserId("unknown"))
    with pytest.raises(Invalid):
        await chat.blocking.list(ann.id, after=None, limit=0)


async def test_a_first_message_is_refused_as_well(chat: Engine, ann: User, bob: User) -> None:
    await chat.blocking.block(ann.id, bob.id)
    for sender, recipient in ((ann, bob), (bob, ann)):
        with pytest.raises(Blocked):
            await chat.messaging.send(actor(sender), ToUser(recipient.id), Body("hello"), "c1")

    assert await chat.stores.conversations.direct(ann.id, bob.id) is None
