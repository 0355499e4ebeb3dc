import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from chat_core import Actor, Limit, Login, LoginLimits, ProfileChange, SessionId, User, UserId
from chat_core.errors import (
    Invalid,
    InvalidCredentials,
    NotFound,
    RateLimited,
    RefreshReused,
    SessionRevoked,
    TokenExpired,
    TokenInvalid,
    WrongPassword,
)
from chat_core.memory import PlainHasher
from chat_core.sessions import LOST_ANSWER
from chat_core.testing.strategies import HOSTILE
from tests.support.engine import ADDRESS, LASTING, PASSWORD, Engine

WINDOW = LOST_ANSWER.total_seconds()
NEW = "battery staple"


@pytest.fixture
async def phone(chat: Engine, ann: User) -> Login:
    assert ann.username == "ann"
    return await chat.sessions.log_in("ann", PASSWORD, "phone", ADDRESS)


@pytest.fixture
async def laptop(chat: Engine, phone: Login) -> Login:
    chat.clock.advance(1)
    assert phone.session.device == "phone"
    return await chat.sessions.log_in("ann", PASSWORD, "laptop", ADDRESS)


def acting(login: Login) -> Actor:
    return Actor(login.user.id, login.session.id)


def is_good(chat: Engine, login: Login) -> bool:
    try:
        chat.sessions.verify(login.access.text)
    except SessionRevoked:
        return False
    return True


# refresh


async def test_a_refresh_brings_new_tokens_of_the_same_session(chat: Engine, phone: Login) -> None:
    chat.clock.advance(100)
    fresh = await chat.sessions.refresh(phone.refresh_token)

    assert fresh.session == replace(phone.session, last_seen_at=chat.clock.now())
    assert fresh.user == phone.user
    assert len({fresh.access.text, phone.access.text}) == 2
    assert len({fresh.refresh_token, phone.refresh_token}) == 2
    assert fresh.access.expires_at > phone.access.expires_at
    assert chat.sessions.verify(fresh.access.text).session_id == phone.session.id
    assert fresh.refresh_token not in repr(chat.stores.sessions)
    await chat.sessions.refresh(fresh.refresh_token)


async def test_an_answer_that_got_lost_can_be_asked_for_again(chat: Engine, phone: Login) -> None:
    lost = await chat.sessions.refresh(phone.refresh_token)
    chat.clock.advance(WINDOW)
    found = await chat.sessions.refresh(phone.refresh_token)
    chat.clock.advance(60)
    await chat.sessions.refresh(found.refresh_token)

    with pytest.raises(RefreshReused):
        await chat.sessions.refresh(lost.refresh_token)


async def test_a_token_that_is_used_again_later_ends_the_session_everywhere_at_once(
    chat: Engine, phone: Login, laptop: Login
) -> None:
    chat.connections.live = {phone.session.id, laptop.session.id}
    fresh = await chat.sessions.refresh(phone.refresh_token)
    chat.clock.advance(WINDOW + 0.001)
    with pytest.raises(RefreshReused):
        await chat.sessions.refresh(phone.refresh_token)

    assert chat.connections.ended == [(phone.session.id, SessionRevoked)]
    assert (is_good(chat, phone), is_good(chat, fresh), is_good(chat, laptop)) == (
        False,
        False,
        True,
    )
    with pytest.raises(SessionRevoked):
        await chat.sessions.refresh(fresh.refresh_token)


@pytest.mark.usefixtures("phone")
@pytest.mark.parametrize("token", [*HOSTILE, "x" * 43])
async def test_what_is_no_refresh_token_is_invalid(chat: Engine, token: str) -> None:
    with pytest.raises(TokenInvalid):
        await chat.sessions.refresh(token)


async def test_a_session_that_was_not_used_for_too_long_has_expired(
    chat: Engine, phone: Login
) -> None:
    chat.clock.advance(LASTING.idle.total_seconds() - 1)
    fresh = await chat.sessions.refresh(phone.refresh_token)
    chat.clock.advance(LASTING.idle.total_seconds())
    with pytest.raises(TokenExpired):
        await chat.sessions.refresh(fresh.refresh_token)


async def test_a_session_that_is_too_old_has_expired_however_much_it_was_used(
    chat: Engine, phone: Login
) -> None:
    fresh = phone
    while chat.clock.now() - phone.session.created_at < LASTING.total - timedelta(days=1):
        chat.clock.advance(86400)
        fresh = await chat.sessions.refresh(fresh.refresh_token)
    chat.clock.advance(86400)
    with pytest.raises(TokenExpired):
        await chat.sessions.refresh(fresh.refresh_token)


# ends


async def test_ones_sessions_are_listed_the_latest_seen_first_and_who_is_online(
    chat: Engine, phone: Login, laptop: Login, bob: User
) -> None:
    await chat.sessions.log_in("bob", PASSWORD, None, ADDRESS)
    chat.connections.live = {phone.session.id}
    listed = (await chat.sessions.list(phone.user.id)).items
    assert [(each.session, each.online) for each in listed] == [
        (laptop.session, False),
        (phone.session, True),
    ]

    chat.clock.advance(1)
    await chat.sessions.refresh(phone.refresh_token)
    await chat.sessions.end(phone.user.id, laptop.session.id)
    (left,) = (await chat.sessions.list(phone.user.id)).items
    assert left.session.id == phone.session.id
    assert len((await chat.sessions.list(bob.id)).items) == 1


async def test_ones_sessions_are_listed_page_by_page_also_while_one_of_them_is_used(
    chat: Engine, phone: Login, laptop: Login
) -> None:
    more = [await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS) for _ in range(5)]
    all_of_them = [each.session for each in (await chat.sessions.list(phone.user.id)).items]
    assert {each.id for each in all_of_them} == {e.session.id for e in (phone, laptop, *more)}

    first = await chat.sessions.list(phone.user.id, limit=3)
    chat.clock.advance(1)
    await chat.sessions.refresh(phone.refresh_token)  # it comes first now
    await chat.sessions.end(phone.user.id, all_of_them[4].id)
    second = await chat.sessions.list(phone.user.id, after=first.next, limit=3)
    listed = [each.session for page in (first, second) for each in page.items]
    assert listed == [*all_of_them[:4], all_of_them[5]]
    assert second.next is None
    for limit in (0, 201):
        with pytest.raises(Invalid):
            await chat.sessions.list(phone.user.id, limit=limit)


async def test_a_log_in_past_the_bound_ends_the_session_that_was_seen_longest_ago(
    chat: Engine, phone: Login, laptop: Login, bob: User
) -> None:
    sessions = replace(chat.sessions, per_user=3)
    bobs = await sessions.log_in(str(bob.username), PASSWORD, None, ADDRESS)
    tablet = await sessions.log_in("ann", PASSWORD, "tablet", ADDRESS)
    chat.clock.advance(1)
    await sessions.refresh(phone.refresh_token)
    chat.connections.live = {each.session.id for each in (phone, laptop, tablet, bobs)}
    with pytest.raises(InvalidCredentials):
        await sessions.log_in("ann", "wrong horse", None, ADDRESS)
    assert chat.connections.ended == []

    watch = await sessions.log_in("ann", PASSWORD, "watch", ADDRESS)
    assert chat.connections.ended == [(laptop.session.id, SessionRevoked)]
    assert [is_good(chat, each) for each in (phone, laptop, tablet, watch, bobs)] == [
        True,
        False,
        True,
        True,
        True,
    ]
    with pytest.raises(SessionRevoked):
        await sessions.refresh(laptop.refresh_token)
    assert sessions.displaced.total() == 1


async def test_log_ins_at_one_time_leave_as_many_sessions_as_a_user_may_have(
    chat: Engine, ann: User
) -> None:
    sessions = replace(chat.sessions, per_user=5)
    logins = await asyncio.gather(
        *(sessions.log_in("ann", PASSWORD, None, ADDRESS) for _ in range(20))
    )
    left = (await sessions.list(ann.id)).items
    assert len(left) == 5
    assert sum(is_good(chat, each) for each in logins) == 5


async def test_sessions_from_before_the_bound_end_with_the_next_log_in(
    chat: Engine, ann: User
) -> None:
    for _ in range(9):
        chat.clock.advance(1)
        await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)
    chat.clock.advance(-100)  # a clock that was put back makes the new one the oldest
    newest = await replace(chat.sessions, per_user=2).log_in("ann", PASSWORD, None, ADDRESS)

    left = (await chat.sessions.list(ann.id)).items
    assert len(left) == 2
    assert newest.session.id in {each.session.id for each in left}


async def test_a_session_that_ends_takes_its_tokens_and_connections_along(
    chat: Engine, phone: Login, laptop: Login
) -> None:
    await chat.sessions.end(phone.user.id, laptop.session.id)

    assert (is_good(chat, phone), is_good(chat, laptop)) == (True, False)
    assert chat.connections.ended == [(laptop.session.id, SessionRevoked)]
    with pytest.raises(SessionRevoked):
        await chat.sessions.refresh(laptop.refresh_token)


async def test_only_ones_own_sessions_that_have_not_ended_are_there_to_end(
    chat: Engine, phone: Login, bob: User
) -> None:
    for user_id, session_id in ((bob.id, phone.session.id), (bob.id, SessionId("unknown"))):
        with pytest.raises(NotFound):
            await chat.sessions.end(user_id, session_id)
    assert is_good(chat, phone)
    await chat.sessions.end(phone.user.id, phone.session.id)
    with pytest.raises(NotFound):
        await chat.sessions.end(phone.user.id, phone.session.id)


async def test_to_log_out_ends_the_session_that_asks_and_may_be_repeated(
    chat: Engine, phone: Login, laptop: Login
) -> None:
    for _ in range(2):
        await chat.sessions.log_out(acting(phone))

    assert (is_good(chat, phone), is_good(chat, laptop)) == (False, True)
    assert chat.connections.ended == [(phone.session.id, SessionRevoked)]


async def test_a_new_password_ends_every_other_session(
    chat: Engine, phone: Login, laptop: Login, bob: User
) -> None:
    bobs = await chat.sessions.log_in("bob", PASSWORD, None, ADDRESS)
    await chat.sessions.change_password(acting(phone), PASSWORD, NEW, ADDRESS)

    assert [is_good(chat, each) for each in (phone, laptop, bobs)] == [True, False, True]
    with pytest.raises(InvalidCredentials):
        await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)
    await chat.sessions.log_in("ann", NEW, None, ADDRESS)
    await chat.sessions.log_in("bob", PASSWORD, None, ADDRESS)
    assert bobs.user == bob


async def test_a_new_password_needs_the_old_one_and_is_none_that_is_easily_guessed(
    chat: Engine, phone: Login, laptop: Login
) -> None:
    with pytest.raises(WrongPassword):
        await chat.sessions.change_password(acting(phone), "wrong horse", NEW, ADDRESS)
    await chat.accounts.change_profile(acting(phone), ProfileChange("Ann Smith"), address=ADDRESS)
    for easy in ("short", "Password1", "ann smith"):
        with pytest.raises(Invalid) as caught:
            await chat.sessions.change_password(acting(phone), PASSWORD, easy, ADDRESS)
        assert [each.field for each in caught.value.errors] == ["newPassword"]

    assert is_good(chat, laptop)
    await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)


async def test_wrong_passwords_of_whoever_holds_a_token_count_as_failed_log_ins(
    chat: Engine, phone: Login
) -> None:
    limits = LoginLimits(Limit("account", 2, 900), Limit("address", 9, 60), Limit("total", 9, 3600))
    sessions = replace(chat.sessions, limits=limits)
    for _ in range(2):
        with pytest.raises(WrongPassword):
            await sessions.check_password(phone.user.id, "wrong horse", ADDRESS)
    with pytest.raises(RateLimited):
        await sessions.check_password(phone.user.id, PASSWORD, ADDRESS)
    with pytest.raises(RateLimited):
        await sessions.log_in("ann", PASSWORD, None, ADDRESS)


async def test_of_an_account_that_is_gone_or_never_was_no_password_is_right(
    chat: Engine, phone: Login
) -> None:
    await chat.stores.users.erase(phone.user.id, chat.clock.now())
    for each in (phone.user.id, UserId("unknown")):
        with pytest.raises(WrongPassword):
            await chat.sessions.check_password(each, PASSWORD, ADDRESS)


@pytest.mark.parametrize("what", ["a new password", "an erased account"])
async def test_a_log_in_that_was_overtaken_leaves_no_session(
    chat: Engine, ann: User, what: str
) -> None:
    users = chat.stores.users

    class Slow(PlainHasher):
        """While it works, the account changes."""

        async def verify(self, password: str, password_hash: str | None) -> bool:
            if what == "a new password":
                await users.set_password_hash(ann.id, "another")
            else:
                await users.erase(ann.id, chat.clock.now())
            return await PlainHasher.verify(self, password, password_hash)

    overtaken = replace(chat.sessions, hasher=Slow())
    with pytest.raises(InvalidCredentials):
        await overtaken.log_in("ann", PASSWORD, None, ADDRESS)
    (ended,) = await chat.stores.sessions.ended_since(chat.clock.now())
    with pytest.raises(SessionRevoked):
        chat.sessions.revocations.check(ended)
