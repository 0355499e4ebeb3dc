"""What is recorded of accounts and sessions, by whom it was caused, and never what was typed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from chat_core import Limit, Login, NewAccount, ProfileChange, SessionId, User, UserId
from chat_core.errors import (
    AccountDisabled,
    InvalidCredentials,
    RateLimited,
    RefreshReused,
    WrongPassword,
)
from chat_core.memory import RecordingSecurityEvents
from chat_core.testing.security_contracts import SecurityEventsContract
from tests.support.engine import ADDRESS, PASSWORD, Engine, actor
from tests.support.waiting import until

ELSEWHERE = "198.51.100.7"
TYPED = "hunter2 by mistake"
Recorded = tuple[str, UserId | None, SessionId | None, str | None]


class TestRecordingSecurityEvents(SecurityEventsContract):
    @pytest.fixture
    def security_events(self) -> RecordingSecurityEvents:
        return RecordingSecurityEvents()

    @pytest.fixture
    def kept(self, security_events: RecordingSecurityEvents) -> Callable[[], list[str]]:
        return lambda: [each.kind.value for each in security_events.events]


def recorded(chat: Engine) -> list[Recorded]:
    """What was recorded since the last call."""
    events = [
        (each.kind.value, each.user_id, each.session_id, each.address)
        for each in chat.security_events.events
    ]
    chat.security_events.events.clear()
    return events


@pytest.fixture
async def phone(chat: Engine, ann: User) -> Login:
    """Ann's session, from elsewhere; all that was recorded before is gone."""
    phone = await chat.sessions.log_in("ann", PASSWORD, None, ELSEWHERE)
    recorded(chat)
    return phone


def acting(login: Login) -> tuple[UserId, SessionId]:
    return login.user.id, login.session.id


async def test_a_sign_up_and_a_log_in_are_recorded(chat: Engine) -> None:
    ann = await chat.user("ann")
    login = await chat.sessions.log_in("ann", PASSWORD, None, ELSEWHERE)

    assert recorded(chat) == [
        ("signed_up", ann.id, None, ADDRESS),
        ("login_succeeded", ann.id, login.session.id, ELSEWHERE),
    ]


@pytest.mark.usefixtures("phone")
async def test_log_ins_that_fail_are_recorded_without_what_was_typed(
    chat: Engine, ann: User
) -> None:
    for name in ("ann", TYPED, TYPED * 50, "ann\0", ""):
        with pytest.raises(InvalidCredentials):
            await chat.sessions.log_in(name, TYPED, None, ELSEWHERE)

    assert recorded(chat) == [("login_failed", ann.id, None, ELSEWHERE)] + 4 * [
        ("login_failed", None, None, ELSEWHERE)
    ]


async def test_log_ins_that_are_refused_are_recorded(chat: Engine, ann: User) -> None:
    few = replace(chat.sessions.limits, per_account=Limit("logins per account", 1, 900))
    limited = replace(chat.sessions, limits=few)
    for error in (InvalidCredentials, RateLimited):
        with pytest.raises(error):
            await limited.log_in("ann", TYPED, None, ELSEWHERE)
    await chat.administration.disable(ann.id)
    with pytest.raises(AccountDisabled):
        await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)

    assert recorded(chat)[1:] == [
        ("login_failed", ann.id, None, ELSEWHERE),
        ("login_refused", ann.id, None, ELSEWHERE),
        ("account_disabled", ann.id, None, None),
        ("login_refused", ann.id, None, ADDRESS),
    ]


async def test_a_wrong_password_of_whoever_holds_a_token_is_a_failed_log_in(
    chat: Engine, ann: User, phone: Login
) -> None:
    change = ProfileChange(email="ann@example.org")
    calls: list[Awaitable[object]] = [
        chat.sessions.change_password(actor(ann), TYPED, "battery staple", ADDRESS),
        chat.erasure.delete_own(actor(ann), TYPED, ADDRESS),
        chat.accounts.change_profile(actor(ann), change, address=ADDRESS, current_password=TYPED),
    ]
    for call in calls:
        with pytest.raises(WrongPassword):
            await call

    assert phone.user == ann
    assert recorded(chat) == 3 * [("login_failed", ann.id, None, ADDRESS)]


async def test_changes_of_an_account_are_recorded_with_the_session_that_made_them(
    chat: Engine, ann: User, phone: Login
) -> None:
    laptop = await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)
    asking = chat.sessions.verify(laptop.access.text).actor()
    recorded(chat)
    for email in ("ann@example.org", "ann@example.org", None):
        change = ProfileChange("Annie", email)
        await chat.accounts.change_profile(
            asking, change, address=ADDRESS, current_password=PASSWORD
        )
    await chat.sessions.change_password(asking, PASSWORD, "battery staple", ADDRESS)
    await chat.sessions.log_out(asking, ADDRESS)

    user_id, session_id = acting(laptop)
    assert recorded(chat) == [
        ("email_changed", user_id, session_id, ADDRESS),
        ("email_changed", user_id, session_id, ADDRESS),
        ("password_changed", user_id, session_id, ADDRESS),
        ("session_ended", *acting(phone), ADDRESS),
        ("session_ended", user_id, session_id, ADDRESS),
    ]


async def test_an_end_from_another_device_is_recorded(chat: Engine, phone: Login) -> None:
    await chat.sessions.end(*acting(phone), ADDRESS)

    assert recorded(chat) == [("session_ended", *acting(phone), ADDRESS)]


async def test_a_refresh_token_that_is_used_twice_is_recorded(chat: Engine, phone: Login) -> None:
    first = await chat.sessions.refresh(phone.refresh_token, ADDRESS)
    await chat.sessions.refresh(first.refresh_token, ADDRESS)
    assert recorded(chat) == []
    with pytest.raises(RefreshReused):
        await chat.sessions.refresh(phone.refresh_token, ELSEWHERE)

    assert recorded(chat) == [
        ("refresh_reused", *acting(phone), ELSEWHERE),
        ("session_ended", *acting(phone), ELSEWHERE),
    ]


async def test_what_the_operator_does_is_recorded(chat: Engine, ann: User, phone: Login) -> None:
    administration = chat.administration
    bob = await administration.add(NewAccount("bob", PASSWORD))
    await administration.disable(ann.id)
    await administration.enable(ann.id)
    logins = [await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS) for _ in range(4)]
    await administration.end_session(logins[0].session.id)
    await administration.reset_password(ann.id, "battery staple")
    last = [await chat.sessions.log_in(name, password, None, ADDRESS)
            for name, password in (("ann", "battery staple"), ("bob", PASSWORD))]  # fmt: skip
    assert [ended async for ended in administration.end_all_sessions()] == [2]
    events = [each for each in recorded(chat) if each[0] != "login_succeeded"]

    assert events[:3] == [
        ("signed_up", bob.id, None, None),
        ("session_ended", *acting(phone), None),
        ("account_disabled", ann.id, None, None),
    ]
    assert events[3:6] == [
        ("account_enabled", ann.id, None, None),
        ("session_ended", *acting(logins[0]), None),
        ("password_changed", ann.id, None, None),
    ]
    assert sorted(events[6:]) == sorted(
        ("session_ended", *acting(each), None) for each in [*logins[1:], *last]
    )


async def test_the_end_of_an_account_is_recorded_with_its_sessions(
    chat: Engine, phone: Login
) -> None:
    await chat.erasure.delete_own(
        chat.sessions.verify(phone.access.text).actor(), PASSWORD, ADDRESS
    )

    assert recorded(chat) == [
        ("session_ended", *acting(phone), None),
        ("account_erased", *acting(phone), ADDRESS),
    ]


async def test_the_end_of_an_account_by_the_operator_names_no_session(
    chat: Engine, ann: User
) -> None:
    recorded(chat)
    erasing = asyncio.create_task(chat.erasure.erase(ann.id))
    await until(lambda: chat.clock.waiting)
    chat.clock.advance(60)
    await erasing

    assert recorded(chat) == [("account_erased", ann.id, None, None)]
