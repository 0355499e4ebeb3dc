import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

import pytest

from chat_core import (
    Actor,
    ConversationId,
    Login,
    Role,
    ToConversation,
    ToUser,
    User,
    UserId,
    UserUpdated,
)
from chat_core.bodies import Body
from chat_core.conversations import MemberAdded, RoleChanged
from chat_core.errors import (
    InvalidCredentials,
    NotFound,
    SessionRevoked,
    Unavailable,
    UsernameTaken,
    WrongPassword,
)
from chat_core.events import ChangeKind, ConversationUpdated
from chat_core.memory import MemoryUserStore
from chat_core.ports.log import Appended, ChangeDraft, Done, Draft
from chat_core.services import erasure
from chat_core.services.conversations import NewGroup
from tests.support.engine import ADDRESS, PASSWORD, Engine, actor, engine
from tests.support.stale import StaleLog
from tests.support.stores import memory_stores
from tests.support.waiting import until


@pytest.fixture
async def anns(chat: Engine, ann: User) -> Login:
    assert ann.username == "ann"
    return await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)


async def erase(chat: Engine, user: User) -> None:
    await chat.erasure.delete_own(actor(user), PASSWORD, ADDRESS)


async def erase_as_operator(chat: Engine, user: User) -> User:
    """Erase, and let the time go by in which other processes learn of it."""
    waiting = chat.clock.waiting
    erasing = asyncio.create_task(chat.erasure.erase(user.id))
    await until(lambda: chat.clock.waiting > waiting or erasing.done())
    chat.clock.advance(erasure.ELSEWHERE_SECONDS)
    return await erasing


async def group(chat: Engine, owner: User, *others: User) -> ConversationId:
    opened = await chat.conversations.create_group(
        actor(owner), NewGroup("Friends", [each.id for each in others])
    )
    return opened.overview.id


async def changes(chat: Engine, of: ConversationId) -> list[tuple[ChangeKind, UserId | None]]:
    entries = await chat.stores.reader.entries(of, after=0, until=99, limit=99)
    return [
        (each.change, each.user_id) for each in entries if isinstance(each, ConversationUpdated)
    ]


async def test_of_an_account_that_goes_nothing_is_left_but_its_place(
    chat: Engine, ann: User, bob: User, anns: Login
) -> None:
    sent = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
    kept = await chat.messaging.send(actor(bob), ToUser(ann.id), Body("hi"), None)
    chat.clock.advance(5)
    await chat.erasure.delete_own(Actor(ann.id, anns.session.id), PASSWORD, ADDRESS)

    erased = await chat.accounts.get(ann.id)
    assert erased == User(ann.id, None, None, None, ann.created_at, deleted_at=chat.clock.now())
    history = await chat.conversations.history(
        bob.id, sent.message.conversation_id, before=None, after=None, limit=9
    )
    emptied, other = history.items
    assert (emptied.text, emptied.deleted_at) == (None, chat.clock.now())
    assert other == kept.message
    assert await changes(chat, sent.message.conversation_id) == [
        (ChangeKind.MEMBER_DELETED, ann.id)
    ]
    with pytest.raises(SessionRevoked):
        chat.sessions.verify(anns.access.text)
    with pytest.raises(SessionRevoked):
        await chat.sessions.refresh(anns.refresh_token)
    with pytest.raises(InvalidCredentials):
        await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)
    last = chat.notifier.notifications[-1]
    assert last.event == UserUpdated(erased, chat.presence.of(erased))
    assert last.audience == {bob.id}


async def test_the_name_is_free_again(chat: Engine, ann: User) -> None:
    with pytest.raises(UsernameTaken):
        await chat.user("Ann")
    await erase(chat, ann)

    again = await chat.user("Ann")
    assert again.id != ann.id


async def test_it_needs_the_password(chat: Engine, ann: User, anns: Login) -> None:
    with pytest.raises(WrongPassword):
        await chat.erasure.delete_own(actor(ann), "wrong horse", ADDRESS)

    assert await chat.accounts.get(ann.id) == ann
    chat.sessions.verify(anns.access.text)


async def test_where_the_last_owner_goes_another_becomes_owner_first(
    chat: Engine, ann: User, bob: User, eve: User
) -> None:
    of_three = await group(chat, ann, bob, eve)
    await chat.conversations.change_role(actor(ann), of_three, RoleChanged(eve.id, Role.ADMIN))
    owned_by_bob = await group(chat, bob, ann)
    alone = await group(chat, ann)
    chat.notifier.notifications.clear()
    await erase(chat, ann)

    assert (await changes(chat, of_three))[-2:] == [
        (ChangeKind.ROLE_CHANGED, eve.id),
        (ChangeKind.MEMBER_DELETED, ann.id),
    ]
    assert (await changes(chat, owned_by_bob))[-1:] == [(ChangeKind.MEMBER_DELETED, ann.id)]
    assert (await changes(chat, alone))[-1:] == [(ChangeKind.MEMBER_DELETED, ann.id)]
    stored = await chat.stores.conversations.get(of_three)
    assert stored is not None
    assert {each: member.role for each, member in stored.members.items()} == {
        bob.id: Role.MEMBER,
        eve.id: Role.OWNER,
    }
    told = [each.event for each in chat.notifier.notifications]
    assert len(told) == 5


async def test_every_conversation_is_left_however_many_there_are(chat: Engine, ann: User) -> None:
    made = [await group(chat, ann) for _ in range(205)]
    await erase(chat, ann)

    for each in made:
        assert len(await changes(chat, each)) == 2


async def test_when_both_of_two_go_both_leave_no_content(
    chat: Engine, ann: User, bob: User
) -> None:
    for sender, recipient in ((ann, bob), (bob, ann)):
        await chat.messaging.send(actor(sender), ToUser(recipient.id), Body("hello"), None)
    between = await chat.stores.conversations.direct(ann.id, bob.id)
    assert between is not None
    await erase(chat, ann)
    await erase(chat, bob)

    assert await changes(chat, between.id) == [
        (ChangeKind.MEMBER_DELETED, ann.id),
        (ChangeKind.MEMBER_DELETED, bob.id),
    ]
    history = await chat.stores.reader.history(between.id, before=None, after=None, limit=9)
    assert [each.text for each in history.items] == [None, None]


@dataclass
class UsersThatFail(MemoryUserStore):
    """Out of reach at the last step."""

    is_down: bool = True

    async def erase(self, user_id: UserId, at: datetime) -> User:
        if self.is_down:
            raise Unavailable
        return await super().erase(user_id, at)


async def test_what_was_interrupted_can_be_asked_for_again_and_goes_on() -> None:
    async with memory_stores() as stores:
        users = UsersThatFail()
        chat = engine(replace(stores, users=users))
        ann, bob = [await chat.user(name) for name in ("ann", "bob")]
        friends = await group(chat, ann, bob)
        sent = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
        places = friends, sent.message.conversation_id
        with pytest.raises(Unavailable):
            await erase(chat, ann)
        before = [await changes(chat, each) for each in places]
        assert [each[-1] for each in before] == [(ChangeKind.MEMBER_DELETED, ann.id)] * 2

        users.is_down = False
        again = await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)
        await chat.erasure.delete_own(Actor(ann.id, again.session.id), PASSWORD, ADDRESS)
        assert [await changes(chat, each) for each in places] == before
        assert (await chat.accounts.get(ann.id)).username is None
        with pytest.raises(SessionRevoked):
            chat.sessions.verify(again.access.text)


async def test_a_group_that_changes_meanwhile_is_left_all_the_same(
    chat: Engine, ann: User, bob: User, eve: User
) -> None:
    friends = await group(chat, ann, bob, eve)
    slow = replace(chat.erasure, log=StaleLog(chat.stores.log, 5))
    await slow.delete_own(actor(ann), PASSWORD, ADDRESS)

    stored = await chat.stores.conversations.get(friends)
    assert stored is not None
    assert ann.id not in stored.members
    assert Role.OWNER in {each.role for each in stored.members.values()}


async def test_what_was_said_in_a_group_goes_however_often_that_changes(
    chat: Engine, ann: User, bob: User
) -> None:
    left = await group(chat, bob, ann)
    sent = await chat.messaging.send(actor(ann), ToConversation(left), Body("hello"), None)
    await chat.conversations.remove_member(actor(ann), left, ann.id)
    slow = replace(chat.erasure, log=StaleLog(chat.stores.log, 5))
    await slow.delete_own(actor(ann), PASSWORD, ADDRESS)

    message = await chat.stores.reader.message(sent.message.id)
    assert message is not None
    assert message.text is None


async def test_all_are_unblocked_however_many_there_are(
    chat: Engine, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "MAX_LIMIT", 2)
    for number in range(5):
        other = await chat.user(f"other{number}")
        await chat.blocking.block(ann.id, other.id)
    assert (await chat.erasure.to_erase(ann.id)).blocks == 5
    await erase(chat, ann)

    assert not (await chat.stores.blocks.blocked_by(ann.id, after=None, limit=9)).items


async def test_each_conversation_that_is_done_is_told_once(
    chat: Engine, ann: User, bob: User
) -> None:
    await group(chat, ann, bob)
    left = await group(chat, bob, ann)
    await chat.messaging.send(actor(ann), ToConversation(left), Body("hello"), None)
    await chat.conversations.remove_member(actor(ann), left, ann.id)
    steps: list[int] = []
    erasing = asyncio.create_task(chat.erasure.erase(ann.id, steps.append))
    await until(lambda: bool(chat.clock.waiting) or erasing.done())
    chat.clock.advance(erasure.ELSEWHERE_SECONDS)
    await erasing

    assert steps == [1, 1]


async def test_an_operator_needs_no_password(chat: Engine, ann: User, bob: User) -> None:
    sent = await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
    at = chat.clock.now()
    erased = await erase_as_operator(chat, ann)

    assert (erased.username, erased.deleted_at) == (None, at)
    assert await chat.stores.reader.message(sent.message.id) == replace(
        sent.message, body=None, updated_seq=2, deleted_at=at
    )
    with pytest.raises(NotFound):
        await chat.erasure.erase(UserId("nobody"))


async def test_what_was_said_in_groups_left_earlier_goes_too(
    chat: Engine, ann: User, bob: User
) -> None:
    friends, silent = await group(chat, ann, bob), await group(chat, ann, bob)
    said = await chat.messaging.send(actor(bob), ToConversation(friends), Body("hello"), "c1")
    for each in (friends, silent):
        await chat.conversations.remove_member(actor(bob), each, bob.id)
    await erase_as_operator(chat, bob)

    emptied = await chat.stores.reader.message(said.message.id)
    assert emptied is not None
    assert emptied.text is None
    assert (await changes(chat, friends))[-1] == (ChangeKind.MEMBER_DELETED, bob.id)
    assert (await changes(chat, silent))[-1] == (ChangeKind.MEMBER_REMOVED, bob.id)


async def test_devices_and_blocks_of_the_account_are_forgotten(
    chat: Engine, ann: User, bob: User, anns: Login
) -> None:
    await chat.blocking.block(ann.id, bob.id)
    await chat.blocking.block(bob.id, ann.id)
    await erase_as_operator(chat, ann)

    session = await chat.stores.sessions.get(anns.session.id)
    assert session is not None
    assert (session.device, session.address, session.user_agent) == ("", None, None)
    assert (await chat.stores.blocks.blocked_by(ann.id, after=None, limit=9)).items == []
    assert (await chat.stores.blocks.blocked_by(bob.id, after=None, limit=9)).items == [ann.id]


async def test_what_another_process_lets_in_before_it_knows_goes_too(
    chat: Engine, ann: User, bob: User
) -> None:
    friends = await group(chat, bob)
    conversation = await chat.stores.conversations.get(friends)
    assert conversation is not None
    adding = MemberAdded(ann.id, Role.MEMBER)
    draft = ChangeDraft(conversation, actor(bob), adding, chat.clock.now())
    added: list[Appended | Exception] = []
    chat.clock.call_later(
        erasure.ELSEWHERE_SECONDS / 2, lambda: chat.stores.log.submit(draft, added.append)
    )
    await erase_as_operator(chat, ann)

    assert [type(each) for each in added] == [Appended]
    assert await changes(chat, friends) == [
        (ChangeKind.CREATED, None),
        (ChangeKind.MEMBER_ADDED, ann.id),
        (ChangeKind.MEMBER_DELETED, ann.id),
    ]


@dataclass
class AddedMeanwhile(MemoryUserStore):
    """Something happens right before the account is erased."""

    meanwhile: Callable[[], Awaitable[None]] | None = None
    made: ConversationId | None = None

    async def erase(self, user_id: UserId, at: datetime) -> User:
        if self.meanwhile is not None:
            await self.meanwhile()
        return await super().erase(user_id, at)


@dataclass(slots=True)
class BrokenLog(StaleLog):
    """Out of reach."""

    def submit(self, draft: Draft, done: Done) -> None:
        done(Unavailable())


async def test_what_stopped_after_the_account_was_erased_is_finished_by_the_next_run() -> None:
    async with memory_stores() as stores:
        users = AddedMeanwhile()
        chat = engine(replace(stores, users=users))
        ann, bob = [await chat.user(name) for name in ("ann", "bob")]
        await chat.blocking.block(ann.id, bob.id)

        async def add_to_a_group() -> None:
            users.made = await group(chat, bob, ann)
            await chat.messaging.send(actor(ann), ToConversation(users.made), Body("late"), None)

        users.meanwhile = add_to_a_group
        failing = replace(chat.erasure, log=BrokenLog(chat.stores.log, 0))
        with pytest.raises(Unavailable):
            await failing.erase(ann.id)
        assert users.made is not None
        assert (await changes(chat, users.made))[-1] == (ChangeKind.CREATED, None)
        left = await chat.erasure.to_erase(ann.id)
        assert (left.is_done, left.member_of, left.blocks) == (False, (users.made,), 1)

        await erase_as_operator(chat, ann)
        assert (await changes(chat, users.made))[-1] == (ChangeKind.MEMBER_DELETED, ann.id)
        assert (await chat.erasure.to_erase(ann.id)).is_done
        before = await changes(chat, users.made)
        await erase_as_operator(chat, ann)
        assert await changes(chat, users.made) == before


async def test_an_account_leaves_all_its_conversations_however_many_pages_they_are(
    chat: Engine, ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasure, "MAX_LIMIT", 2)
    groups = [await group(chat, ann, bob) for _ in range(5)]
    await erase(chat, ann)

    assert [await changes(chat, each) for each in groups] == [
        [
            (ChangeKind.CREATED, None),
            (ChangeKind.ROLE_CHANGED, bob.id),
            (ChangeKind.MEMBER_DELETED, ann.id),
        ]
    ] * 5
