"""Where shown names come in, they are stored cleaned, or refused by the name of their field."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from chat_core import ConversationId, NewAccount, Role, SessionId, ToUser, User, UserUpdated
from chat_core.bodies import Body
from chat_core.conversations import Conversation
from chat_core.errors import ClientIdConflict, Invalid
from chat_core.ids import ClientConversationId
from chat_core.ports.log import CreationDraft
from chat_core.services.conversations import NewGroup
from chat_core.users import ProfileChange
from tests.support.engine import ADDRESS, PASSWORD, Engine, actor

HIDING, SHOWN = " A\u200bnn\u00ad e\u0301 ", "Ann \u00e9"
TURNING = "Ann\u202e"


async def signed_up(chat: Engine, ann: User, name: str) -> str | None:
    new = NewAccount("other", PASSWORD, display_name=name)
    return (await chat.accounts.sign_up(new, ADDRESS)).display_name


async def added(chat: Engine, ann: User, name: str) -> str | None:
    new = NewAccount("other", PASSWORD, display_name=name)
    return (await chat.administration.add(new)).display_name


async def renamed(chat: Engine, ann: User, name: str) -> str | None:
    change = ProfileChange(display_name=name)
    changed = await chat.accounts.change_profile(actor(ann), change, address=ADDRESS)
    assert await chat.accounts.get(ann.id) == changed
    return changed.display_name


async def created(chat: Engine, ann: User, name: str) -> str | None:
    opened = await chat.conversations.create_group(actor(ann), NewGroup(name, []))
    return opened.overview.title


async def retitled(chat: Engine, ann: User, name: str) -> str | None:
    opened = await chat.conversations.create_group(actor(ann), NewGroup("Friends", []))
    made = opened.overview.id
    return (await chat.conversations.change_title(actor(ann), made, name)).title


async def logged_in(chat: Engine, ann: User, name: str) -> str | None:
    return (await chat.sessions.log_in("ann", PASSWORD, name, ADDRESS)).session.device


async def relabelled(chat: Engine, ann: User, name: str) -> str | None:
    login = await chat.sessions.log_in("ann", PASSWORD, "phone", ADDRESS)
    await chat.sessions.relabel(login.session.id, name)
    session = await chat.stores.sessions.get(login.session.id)
    return None if session is None else session.device


Way = Callable[[Engine, User, str], Awaitable[str | None]]
WAYS: list[tuple[Way, str]] = [
    (signed_up, "displayName"),
    (added, "displayName"),
    (renamed, "displayName"),
    (created, "title"),
    (retitled, "title"),
    (logged_in, "device"),
    (relabelled, "device"),
]


@pytest.mark.parametrize(("way", "field"), WAYS)
async def test_a_name_is_stored_as_it_will_be_shown(
    chat: Engine, ann: User, way: Way, field: str
) -> None:
    assert await way(chat, ann, HIDING) == SHOWN


@pytest.mark.parametrize(("way", "field"), WAYS)
async def test_a_name_that_turns_the_text_around_is_refused_by_its_field(
    chat: Engine, ann: User, way: Way, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await way(chat, ann, TURNING)
    assert [each.field for each in caught.value.errors] == [field]


async def test_the_same_name_after_cleaning_is_no_change(
    chat: Engine, ann: User, bob: User
) -> None:
    await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
    opened = await chat.conversations.create_group(actor(ann), NewGroup("Friends", []))
    made = opened.overview
    for name in ("Ann", " A\u200bnn "):
        await renamed(chat, ann, name)
    title = " Fri\u200bends "
    again = await chat.conversations.change_title(actor(ann), made.id, title)
    await chat.presence.announce()

    assert again.standing.last_seq == made.standing.last_seq
    assert len([event for event in chat.notifier.events() if isinstance(event, UserUpdated)]) == 1


async def test_a_password_must_not_be_the_cleaned_name(chat: Engine) -> None:
    with pytest.raises(Invalid) as caught:
        await chat.accounts.sign_up(
            NewAccount("ann", "Ann Smithson", display_name=" Ann\u200b Smithson"), ADDRESS
        )
    assert [each.field for each in caught.value.errors] == ["password"]


async def test_a_repeat_of_a_creation_compares_the_cleaned_title(chat: Engine, ann: User) -> None:
    groups = chat.conversations
    first = await groups.create_group(actor(ann), NewGroup(HIDING, [], "g1"))
    for title in (HIDING, SHOWN, f"{SHOWN}\ufeff"):
        again = await groups.create_group(actor(ann), NewGroup(title, [], "g1"))
        assert again.existed
        assert again.overview.id == first.overview.id
    with pytest.raises(ClientIdConflict):
        await groups.create_group(actor(ann), NewGroup("Ann", [], "g1"))


async def test_a_group_from_before_is_found_under_its_title_as_it_came_and_keeps_it(
    chat: Engine, ann: User
) -> None:
    for client_id, title in (("g1", HIDING), ("g2", TURNING)):
        at = chat.clock.now()
        before = Conversation.group(ConversationId(client_id), title, {ann.id: Role.OWNER}, at)
        draft = CreationDraft(before, actor(ann), ClientConversationId(client_id), at)
        await chat.stores.log.append(draft)
        again = await chat.conversations.create_group(actor(ann), NewGroup(title, [], client_id))

        assert again.existed
        assert again.overview.id == client_id
        assert again.overview.title == title


async def test_a_name_from_before_stays_until_it_is_changed(chat: Engine, ann: User) -> None:
    await chat.stores.users.update(ann.id, ProfileChange(display_name=TURNING))
    login = await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)
    assert login.user.display_name == TURNING
    await chat.accounts.change_profile(
        replace(actor(ann), session_id=SessionId("x")), ProfileChange(), address=ADDRESS
    )
    assert (await chat.accounts.get(ann.id)).display_name == TURNING

    assert await renamed(chat, ann, "Ann") == "Ann"
