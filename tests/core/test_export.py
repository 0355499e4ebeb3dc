from collections.abc import AsyncIterator
from typing import TypeVar

import pytest

from chat_core import ConversationId, Message, ToConversation, ToUser, User, UserId
from chat_core.bodies import Body
from chat_core.errors import NotFound
from chat_core.services.conversations import NewGroup
from chat_core.services.export import Export
from tests.support.engine import ADDRESS, PASSWORD, Engine, actor

PAGE = 2
Item = TypeVar("Item")


@pytest.fixture
def export(chat: Engine, monkeypatch: pytest.MonkeyPatch) -> Export:
    """One that reads a little at a time."""
    monkeypatch.setattr("chat_core.services.export.MAX_LIMIT", PAGE)
    stores = chat.stores
    return Export(stores.users, stores.sessions, stores.blocks, stores.conversations, stores.reader)


async def everything(found: AsyncIterator[Item]) -> list[Item]:
    return [each async for each in found]


async def group(chat: Engine, owner: User, *others: User) -> ConversationId:
    new = NewGroup("Friends", [each.id for each in others])
    opened = await chat.conversations.create_group(actor(owner), new)
    return opened.overview.id


async def say(chat: Engine, user: User, to: ConversationId, *contents: str) -> list[Message]:
    said = []
    for content in contents:
        sent = await chat.messaging.send(actor(user), ToConversation(to), Body(content), None)
        said.append(sent.message)
    return said


async def test_the_account_is_told_until_it_is_erased(
    chat: Engine, export: Export, ann: User, bob: User
) -> None:
    await chat.erasure.delete_own(actor(bob), PASSWORD, ADDRESS)

    assert await export.profile(ann.id) == ann
    for user_id in (bob.id, UserId("nobody")):
        with pytest.raises(NotFound):
            await export.profile(user_id)


async def test_the_sessions_that_last_are_told(chat: Engine, export: Export, ann: User) -> None:
    logins = [await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS) for _ in range(3)]
    await chat.revocations.end({logins[1].session.id: ann.id})

    told = await export.sessions_of(ann.id)
    assert {each.id for each in told} == {logins[0].session.id, logins[2].session.id}


@pytest.mark.parametrize("count", [0, PAGE, 2 * PAGE + 1])
async def test_all_who_are_blocked_are_told(
    chat: Engine, export: Export, ann: User, count: int
) -> None:
    others = [await chat.user(f"other{number}") for number in range(count)]
    for other in others:
        await chat.blocking.block(ann.id, other.id)

    told = await everything(export.blocked_by(ann.id))
    assert sorted(each.id for each in told) == sorted(each.id for each in others)
    assert all(each in others for each in told)


async def test_every_conversation_is_told_with_its_members(
    chat: Engine, export: Export, ann: User, bob: User, eve: User
) -> None:
    made = []
    for others in ([bob], [eve], [bob, eve], [], [bob]):
        made.append(await group(chat, ann, *others))
        chat.clock.advance(1)
    await group(chat, bob, eve)

    told = await everything(export.conversations_of(ann.id))
    assert [each.id for each in told] == made[::-1]
    assert await export.members_of(told[2]) == {each.id: each for each in (ann, bob, eve)}


@pytest.mark.parametrize("count", [1, PAGE, 2 * PAGE + 1])
async def test_every_message_is_told_in_its_order(
    chat: Engine, export: Export, ann: User, bob: User, count: int
) -> None:
    said = []
    for number in range(count):
        sent = await chat.messaging.send(actor(bob), ToUser(ann.id), Body(f"{number}"), None)
        said.append(sent.message)

    assert await everything(export.messages_in(said[0].conversation_id)) == said


async def test_of_groups_that_were_left_only_what_the_user_said_is_told(
    chat: Engine, export: Export, ann: User, bob: User
) -> None:
    left, other_left, stayed = [await group(chat, bob, ann) for _ in range(3)]
    said = await say(chat, ann, left, "one", "two", "three")
    await say(chat, bob, left, "of bob")
    said += await say(chat, ann, other_left, "four")
    await say(chat, ann, stayed, "told with the group")
    for each in (left, other_left):
        await chat.conversations.remove_member(actor(ann), each, ann.id)

    told = await everything(export.said_before_leaving(ann.id))
    assert sorted(told, key=lambda message: message.id) == sorted(
        said, key=lambda message: message.id
    )
    of_left = [each for each in told if each.conversation_id == left]
    assert of_left == said[:3]
