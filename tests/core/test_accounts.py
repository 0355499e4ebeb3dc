from dataclasses import replace

import pytest

from chat_core import (
    Actor,
    ConnectionId,
    Limit,
    NewAccount,
    ProfileChange,
    SessionId,
    SignupPolicy,
    ToUser,
    User,
    UserId,
    UserPresence,
    UserUpdated,
)
from chat_core.bodies import Body
from chat_core.errors import (
    EmailTaken,
    Invalid,
    NotFound,
    RateLimited,
    SignupsClosed,
    UsernameTaken,
)
from chat_core.memory.notifications import Notification
from chat_core.services.presence import PAUSE_SECONDS
from chat_core.testing.makers import at
from chat_core.users import MAX_IDS
from tests.support.engine import ADDRESS, PASSWORD, Engine, actor

ANN = NewAccount("Ann", PASSWORD, "ann@example.org", "Ann \U0001f600")


async def test_whoever_signs_up_gets_an_account(chat: Engine) -> None:
    chat.clock.advance(5)
    ann = await chat.accounts.sign_up(ANN, ADDRESS)

    assert ann == User(ann.id, "Ann", "Ann \U0001f600", "ann@example.org", created_at=at(5))
    assert await chat.accounts.get(ann.id) == ann


async def test_the_password_is_stored_hashed(chat: Engine) -> None:
    await chat.accounts.sign_up(ANN, ADDRESS)
    credentials = await chat.stores.users.credentials("ann")

    assert credentials is not None
    assert credentials.password_hash != PASSWORD
    assert await chat.accounts.hasher.verify(PASSWORD, credentials.password_hash)


async def test_the_user_name_is_shown_where_no_other_name_is_given(chat: Engine) -> None:
    ann = await chat.accounts.sign_up(NewAccount("Ann", PASSWORD), ADDRESS)

    assert (ann.display_name, ann.email) == ("Ann", None)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (replace(ANN, username="a b"), "username"),
        (replace(ANN, password="short"), "password"),
        (replace(ANN, password="Password1"), "password"),
        (replace(ANN, username="ann.smith", password="Ann.Smith"), "password"),
        (replace(ANN, password="ANN@example.org"), "password"),
        (replace(ANN, display_name="Ann Smith", password="ann smith"), "password"),
        (replace(ANN, email="nowhere"), "email"),
        (replace(ANN, display_name=""), "displayName"),
    ],
)
async def test_a_wrong_field_is_named_and_no_account_is_made(
    chat: Engine, wrong: NewAccount, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await chat.accounts.sign_up(wrong, ADDRESS)

    assert [each.field for each in caught.value.errors] == [field]
    found = await chat.accounts.search("", asker_id=UserId("x"), after=None, limit=1)
    assert found.items == []


async def test_names_and_addresses_that_are_taken_are_refused(chat: Engine) -> None:
    await chat.accounts.sign_up(ANN, ADDRESS)

    with pytest.raises(UsernameTaken):
        await chat.accounts.sign_up(replace(ANN, username="aNN", email=None), ADDRESS)
    with pytest.raises(EmailTaken):
        await chat.accounts.sign_up(
            replace(ANN, username="annie", email="ANN@example.org"), ADDRESS
        )


async def test_where_sign_up_is_closed_no_one_signs_up(chat: Engine) -> None:
    closed = replace(chat.accounts, signups=SignupPolicy(None))

    with pytest.raises(SignupsClosed):
        await closed.sign_up(replace(ANN, username=""), ADDRESS)


async def test_sign_ups_are_counted_by_address_and_mistakes_are_not(chat: Engine) -> None:
    accounts = replace(chat.accounts, signups=SignupPolicy(Limit("two an hour", 2, 3600)))
    for _ in range(5):
        with pytest.raises(Invalid):
            await accounts.sign_up(NewAccount("ann", "short"), ADDRESS)
    for name in ("ann", "bob"):
        await accounts.sign_up(NewAccount(name, PASSWORD), ADDRESS)

    with pytest.raises(RateLimited) as caught:
        await accounts.sign_up(NewAccount("eve", PASSWORD), ADDRESS)
    assert caught.value.retry_after == pytest.approx(1800)
    await accounts.sign_up(NewAccount("eve", PASSWORD), "192.0.2.2")
    chat.clock.advance(1800)
    await accounts.sign_up(NewAccount("joe", PASSWORD), ADDRESS)


async def test_sign_ups_of_an_ipv6_network_count_as_those_of_one_address(chat: Engine) -> None:
    accounts = replace(chat.accounts, signups=SignupPolicy(Limit("one an hour", 1, 3600)))
    await accounts.sign_up(NewAccount("user0", PASSWORD), "2001:db8:1::1")
    with pytest.raises(RateLimited):
        await accounts.sign_up(NewAccount("eve", PASSWORD), "2001:db8:1::2")
    for number in range(1, 10):
        await accounts.sign_up(NewAccount(f"user{number}", PASSWORD), f"2001:db8:1:{number}::1")

    with pytest.raises(RateLimited):
        await accounts.sign_up(NewAccount("eve", PASSWORD), "2001:db8:1:99::1")
    await accounts.sign_up(NewAccount("eve", PASSWORD), "2001:db8:2::1")


async def test_an_unknown_user_is_not_found(chat: Engine, ann: User) -> None:
    assert await chat.accounts.get(ann.id) == ann
    with pytest.raises(NotFound):
        await chat.accounts.get(UserId("unknown"))


async def test_many_users_are_looked_up_at_once_unknown_ones_left_out(
    chat: Engine, ann: User, bob: User
) -> None:
    unknown = [UserId(f"unknown {number}") for number in range(MAX_IDS - 2)]

    found = await chat.accounts.get_many([ann.id, *unknown, bob.id], asker_id=ann.id)
    assert found == {ann.id: ann, bob.id: bob}
    with pytest.raises(Invalid) as caught:
        await chat.accounts.get_many(
            [ann.id, *unknown, bob.id, UserId("one too many")], asker_id=ann.id
        )
    assert [each.field for each in caught.value.errors] == ["ids"]


async def test_users_are_searched_page_by_page_without_oneself(
    chat: Engine, ann: User, bob: User, eve: User
) -> None:
    first = await chat.accounts.search("", asker_id=bob.id, after=None, limit=1)
    assert (list(first.items), first.next is None) == ([ann], False)

    second = await chat.accounts.search("", asker_id=bob.id, after=first.next, limit=1)
    assert (list(second.items), second.next) == ([eve], None)


@pytest.mark.parametrize(
    ("prefix", "limit", "field"),
    [
        ("a\0", 1, "q"),
        ("\ud800", 1, "q"),
        ("a" * 257, 1, "q"),
        ("a", 0, "limit"),
        ("a", 201, "limit"),
    ],
)
async def test_a_search_for_what_no_name_begins_with_is_invalid(
    chat: Engine, prefix: str, limit: int, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await chat.accounts.search(prefix, asker_id=UserId("x"), after=None, limit=limit)
    assert [each.field for each in caught.value.errors] == [field]


async def test_a_new_display_name_is_told_to_those_who_share_a_conversation(
    chat: Engine, ann: User, bob: User, eve: User
) -> None:
    await chat.messaging.send(actor(ann), ToUser(bob.id), Body("hello"), None)
    chat.presence.connected(ann.id, ConnectionId("phone"))
    await chat.presence.announce()
    chat.clock.advance(PAUSE_SECONDS)
    changed = await chat.accounts.change_profile(
        actor(ann), ProfileChange(display_name="Annie"), address=ADDRESS
    )
    await chat.presence.announce()

    assert changed == replace(ann, display_name="Annie") == await chat.accounts.get(ann.id)
    presence = UserPresence(online=True, devices=1, last_seen_at=at(PAUSE_SECONDS))
    assert chat.notifier.notifications[2:] == [
        Notification(UserUpdated(changed, presence), frozenset({ann.id, bob.id}), None)
    ]
    assert eve.id not in chat.notifier.notifications[-1].audience


@pytest.mark.parametrize(
    "change", [ProfileChange(), ProfileChange(email="a@b"), ProfileChange(display_name="ann")]
)
async def test_what_others_do_not_see_is_told_to_no_one(
    chat: Engine, ann: User, change: ProfileChange
) -> None:
    changed = await chat.accounts.change_profile(
        actor(ann), change, address=ADDRESS, current_password=PASSWORD
    )

    assert changed.email == change.given().get("email")
    assert chat.notifier.notifications == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (ProfileChange(display_name="", email="a@b"), "displayName"),
        (ProfileChange(display_name="Annie", email=""), "email"),
    ],
)
async def test_a_wrong_field_of_a_profile_changes_nothing(
    chat: Engine, ann: User, change: ProfileChange, field: str
) -> None:
    with pytest.raises(Invalid) as caught:
        await chat.accounts.change_profile(
            actor(ann), change, address=ADDRESS, current_password=PASSWORD
        )

    assert [each.field for each in caught.value.errors] == [field]
    assert await chat.accounts.get(ann.id) == ann


async def test_a_profile_cannot_get_the_address_of_another(chat: Engine, ann: User) -> None:
    await chat.accounts.sign_up(NewAccount("bob", PASSWORD, "bob@example.org"), ADDRESS)

    with pytest.raises(EmailTaken):
        await chat.accounts.change_profile(
            actor(ann),
            ProfileChange("Annie", "BOB@example.org"),
            address=ADDRESS,
            current_password=PASSWORD,
        )
    assert await chat.accounts.get(ann.id) == ann
    assert chat.notifier.notifications == []


async def test_the_profile_of_an_unknown_user_is_not_found(chat: Engine) -> None:
    with pytest.raises(NotFound):
        await chat.accounts.change_profile(
            Actor(UserId("unknown"), SessionId("s")), ProfileChange("No one"), address=ADDRESS
        )
