import asyncio
from dataclasses import replace

import pytest

from chat_core import ConversationId, Role, ToConversation, ToUser, User, UserId
from chat_core.bodies import Body
from chat_core.conversations import MemberAdded, MemberPlace, RoleChanged
from chat_core.errors import (
    AlreadyMember,
    ClientIdConflict,
    Forbidden,
    Invalid,
    LastOwner,
    NotFound,
    Overloaded,
    RecipientNotFound,
)
from chat_core.events import ChangeKind, ConversationUpdated
from chat_core.services.conversations import ATTEMPTS, NewGroup
from tests.support.engine import GROUP_MEMBERS, Engine, actor
from tests.support.stale import StaleLog

UNKNOWN = UserId("unknown")


@pytest.fixture
async def friends(chat: Engine, ann: User, bob: User, eve: User) -> ConversationId:
    """A group that Ann made, with Bob and Eve."""
    opened = await chat.conversations.create_group(
        actor(ann), NewGroup("Friends", [bob.id, eve.id])
    )
    return opened.overview.id


async def entries(chat: Engine, of: ConversationId) -> list[object]:
    return list(await chat.stores.reader.entries(of, after=0, until=99, limit=99))


# making conversations


async def test_whoever_makes_a_group_owns_it(chat: Engine, ann: User, bob: User, eve: User) -> None:
    opened = await chat.conversations.create_group(
        actor(ann, "phone"), NewGroup("Friends", [bob.id, eve.id, bob.id, ann.id])
    )

    made = opened.overview
    assert not opened.existed
    assert {each.user_id: each.role for each in made.members} == {
        ann.id: Role.OWNER,
        bob.id: Role.MEMBER,
        eve.id: Role.MEMBER,
    }
    assert (made.title, made.standing.last_seq) == ("Friends", 1)
    (told,) = chat.notifier.notifications
    assert isinstance(told.event, ConversationUpdated)
    assert (told.event.change, told.event.seq) == (ChangeKind.CREATED, 1)
    assert (set(told.audience), str(told.cause)) == ({ann.id, bob.id, eve.id}, "phone")


async def test_a_group_that_is_made_again_exists_and_is_shown_as_it_is_now(
    chat: Engine, ann: User, bob: User
) -> None:
    new = NewGroup("Friends", [bob.id], "g1")
    first = await chat.conversations.create_group(actor(ann), new)
    made = first.overview.id
    await chat.conversations.change_title(actor(ann), made, "Others")
    again = await chat.conversations.create_group(actor(ann), new)

    assert again.existed
    assert again.overview.id == made
    assert again.overview.title == "Others"
    assert chat.sent() == 2
    for other in (NewGroup("friends", [bob.id], "g1"), NewGroup("Friends", [], "g1")):
        with pytest.raises(ClientIdConflict):
            await chat.conversations.create_group(actor(ann), other)


@pytest.mark.parametrize(
    ("title", "client_id", "field"),
    [("", None, "title"), ("x", "", "clientConversationId"), ("x", "\0", "clientConversationId")],
)
async def test_a_group_that_is_not_valid_is_not_made(
    chat: Engine, ann: User, title: str, client_id: str | None, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await chat.conversations.create_group(actor(ann), NewGroup(title, [], client_id))
    assert [each.field for each in caught.value.errors] == [field]


async def test_a_group_has_so_many_members_and_no_more(chat: Engine, ann: User) -> None:
    others = [(await chat.user(f"user{n}")).id for n in range(GROUP_MEMBERS)]
    with pytest.raises(Invalid) as caught:
        await chat.conversations.create_group(actor(ann), NewGroup("Many", others))
    assert [each.field for each in caught.value.errors] == ["memberIds"]

    opened = await chat.conversations.create_group(actor(ann), NewGroup("Many", others[1:]))
    with pytest.raises(Invalid) as full:
        await chat.conversations.add_member(
            actor(ann), opened.overview.id, MemberAdded(others[0], Role.MEMBER)
        )
    assert [each.field for each in full.value.errors] == ["userId"]


async def test_a_direct_conversation_is_opened_once(chat: Engine, ann: User, bob: User) -> None:
    first = await chat.conversations.open_direct(actor(ann), bob.id)
    again = await chat.conversations.open_direct(actor(bob), ann.id)
    sent = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)

    assert (first.existed, again.existed) == (False, True)
    assert first.overview.standing.last_seq == 0
    assert again.overview.members == first.overview.members[::-1]
    assert (sent.message.conversation_id, sent.message.seq) == (
        first.overview.id,
        1,
    )


async def test_no_one_opens_a_conversation_with_themselves_or_with_nobody(
    chat: Engine, ann: User, bob: User
) -> None:
    await chat.stores.users.erase(bob.id, chat.clock.now())
    with pytest.raises(Invalid) as caught:
        await chat.conversations.open_direct(actor(ann), ann.id)
    assert [each.field for each in caught.value.errors] == ["userId"]
    for nobody in (UNKNOWN, bob.id):
        with pytest.raises(RecipientNotFound, match=nobody):
            await chat.conversations.open_direct(actor(ann), nobody)
        with pytest.raises(RecipientNotFound):
            await chat.conversations.create_group(actor(ann), NewGroup("Us", [nobody]))
    assert (await chat.conversations.list(ann.id, after=None, limit=9)).items == []


async def test_one_conversation_is_shown_to_its_members_only(
    chat: Engine, ann: User, friends: ConversationId
) -> None:
    joe = await chat.user("joe")

    assert (await chat.conversations.get(ann.id, friends)).id == friends
    for user_id, conversation_id in ((joe.id, friends), (ann.id, ConversationId("unknown"))):
        with pytest.raises(NotFound):
            await chat.conversations.get(user_id, conversation_id)


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
async def test_members_are_listed_page_by_page_in_the_order_of_joining_then_of_ids(
    chat: Engine, ann: User, bob: User, eve: User, friends: ConversationId, limit: int
) -> None:
    chat.clock.advance(1)
    joe = await chat.user("joe")
    await chat.conversations.add_member(actor(ann), friends, MemberAdded(joe.id, Role.MEMBER))

    found: list[UserId] = []
    place: MemberPlace | None = None
    while place is not None or not found:
        page = await chat.conversations.members(bob.id, friends, after=place, limit=limit)
        assert len(page.items) == limit or page.next is None
        found += [each.user_id for each in page.items]
        place = page.next
    assert found == [*sorted([ann.id, bob.id, eve.id]), joe.id]


async def test_members_are_listed_for_members_only(
    chat: Engine, ann: User, friends: ConversationId
) -> None:
    joe = await chat.user("joe")
    for user_id, conversation_id in ((joe.id, friends), (ann.id, ConversationId("unknown"))):
        with pytest.raises(NotFound):
            await chat.conversations.members(user_id, conversation_id)
    for limit in (0, 201):
        with pytest.raises(Invalid):
            await chat.conversations.members(ann.id, friends, limit=limit)


# changing groups


async def test_each_change_is_an_entry_and_told_to_the_members_before_and_after(
    chat: Engine, ann: User, bob: User, eve: User, friends: ConversationId
) -> None:
    joe = await chat.user("joe")
    of_ann = actor(ann)
    added = await chat.conversations.add_member(of_ann, friends, MemberAdded(joe.id, Role.MEMBER))
    promoted = await chat.conversations.change_role(
        of_ann, friends, RoleChanged(bob.id, Role.ADMIN)
    )
    renamed = await chat.conversations.change_title(actor(bob), friends, "Others")
    await chat.conversations.remove_member(actor(bob), friends, eve.id)
    await chat.conversations.remove_member(actor(joe), friends, joe.id)

    assert joe.id in [each.user_id for each in added.members]
    assert (bob.id, Role.ADMIN) in [(each.user_id, each.role) for each in promoted.members]
    assert renamed.title == "Others"
    stored = await chat.stores.conversations.get(friends)
    assert stored is not None
    assert stored.members.keys() == {ann.id, bob.id}
    everyone = {ann.id, bob.id, eve.id, joe.id}
    assert [set(each.audience) for each in chat.notifier.notifications] == [
        {ann.id, bob.id, eve.id},
        everyone,
        everyone,
        everyone,
        everyone,
        {ann.id, bob.id, joe.id},
    ]
    assert chat.notifier.events() == await entries(chat, friends)


async def test_what_is_so_already_adds_no_entry(
    chat: Engine, ann: User, bob: User, friends: ConversationId
) -> None:
    same = await chat.conversations.change_title(actor(ann), friends, "Friends")
    role = await chat.conversations.change_role(
        actor(ann), friends, RoleChanged(bob.id, Role.MEMBER)
    )

    assert same == role
    assert (chat.sent(), len(await entries(chat, friends))) == (1, 1)


async def test_who_may_not_change_a_group_changes_nothing(
    chat: Engine, ann: User, bob: User, eve: User, friends: ConversationId
) -> None:
    groups = chat.conversations
    joe = await chat.user("joe")
    refused = [
        (groups.change_title(actor(bob), friends, "No"), Forbidden),
        (groups.change_title(actor(ann), friends, ""), Invalid),
        (groups.change_title(actor(joe), friends, "No"), NotFound),
        (groups.change_title(actor(ann), ConversationId("unknown"), "No"), NotFound),
        (groups.add_member(actor(bob), friends, MemberAdded(joe.id, Role.MEMBER)), Forbidden),
        (groups.add_member(actor(ann), friends, MemberAdded(bob.id, Role.MEMBER)), AlreadyMember),
        (
            groups.add_member(actor(ann), friends, MemberAdded(UNKNOWN, Role.MEMBER)),
            RecipientNotFound,
        ),
        (groups.add_member(actor(joe), friends, MemberAdded(joe.id, Role.OWNER)), NotFound),
        (groups.change_role(actor(bob), friends, RoleChanged(bob.id, Role.OWNER)), Forbidden),
        (groups.change_role(actor(ann), friends, RoleChanged(ann.id, Role.MEMBER)), LastOwner),
        (groups.change_role(actor(ann), friends, RoleChanged(joe.id, Role.ADMIN)), NotFound),
        (groups.remove_member(actor(ann), friends, ann.id), LastOwner),
        (groups.remove_member(actor(bob), friends, eve.id), Forbidden),
        (groups.remove_member(actor(ann), friends, joe.id), NotFound),
    ]
    for work, error in refused:
        with pytest.raises(error) as caught:
            await work
        assert caught.type is error

    assert (chat.sent(), len(await entries(chat, friends))) == (1, 1)


async def test_two_owners_who_leave_at_once_do_not_leave_the_group_without_one(
    chat: Engine, ann: User, bob: User, friends: ConversationId
) -> None:
    await chat.conversations.change_role(actor(ann), friends, RoleChanged(bob.id, Role.OWNER))
    results = await asyncio.gather(
        *(chat.conversations.remove_member(actor(each), friends, each.id) for each in (ann, bob)),
        return_exceptions=True,
    )

    assert [type(each) for each in results] == [type(None), LastOwner]


async def test_history_begins_with_the_first_message_for_a_new_member_too(
    chat: Engine, ann: User, friends: ConversationId
) -> None:
    sent = await chat.messaging.send(actor(ann), ToConversation(friends), Body("hello"), None)
    joe = await chat.user("joe")
    await chat.conversations.add_member(actor(ann), friends, MemberAdded(joe.id, Role.MEMBER))

    history = await chat.conversations.history(joe.id, friends, before=None, after=None, limit=9)
    assert list(history.items) == [sent.message]


async def test_a_group_that_changed_meanwhile_is_judged_again_and_given_up_in_the_end(
    chat: Engine, ann: User, friends: ConversationId
) -> None:
    slow = replace(chat.conversations, log=StaleLog(chat.stores.log, ATTEMPTS - 1))
    changed = await slow.change_title(actor(ann), friends, "New")
    assert changed.title == "New"

    never = replace(chat.conversations, log=StaleLog(chat.stores.log, ATTEMPTS))
    with pytest.raises(Overloaded):
        await never.change_title(actor(ann), friends, "Newer")
    assert len(await entries(chat, friends)) == 2
