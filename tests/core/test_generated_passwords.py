"""A password that the operator generated has to be changed before anything else."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest

from chat_core import Login, NewAccount, User, UserId
from chat_core.errors import (
    Invalid,
    InvalidCredentials,
    PasswordChangeRequired,
    SessionRevoked,
    WrongPassword,
)
from chat_core.memory import MemoryUserStore
from tests.support.engine import ADDRESS, PASSWORD, Engine

GENERATED = "xK3_pQ9-generated"
COMPOSED, DECOMPOSED = "caf\u00e9 au lait", "cafe\u0301 au lait"


@pytest.fixture
async def ann(chat: Engine) -> User:
    return await chat.administration.add(NewAccount("ann", GENERATED), change_required=True)


async def log_in(chat: Engine, password: str = GENERATED) -> Login:
    return await chat.sessions.log_in("ann", password, None, ADDRESS)


async def check(chat: Engine, login: Login) -> None:
    """What every call with the token begins with."""
    await chat.sessions.require_own_password(chat.sessions.verify(login.access.text))


async def change(chat: Engine, login: Login, new: str, current: str = GENERATED) -> None:
    actor = chat.sessions.verify(login.access.text).actor()
    await chat.sessions.change_password(actor, current, new, ADDRESS)


@pytest.mark.usefixtures("ann")
async def test_a_generated_password_has_to_be_changed_and_then_the_same_token_is_good(
    chat: Engine,
) -> None:
    phone = await log_in(chat)
    again = await chat.sessions.refresh(phone.refresh_token)
    for login in (phone, again):
        with pytest.raises(PasswordChangeRequired):
            await check(chat, login)

    await change(chat, phone, PASSWORD)
    for login in (phone, again, await log_in(chat, PASSWORD)):
        await check(chat, login)
    with pytest.raises(InvalidCredentials):
        await log_in(chat)


@pytest.mark.usefixtures("ann")
async def test_the_generated_password_is_no_new_one_and_a_wrong_one_changes_nothing(
    chat: Engine,
) -> None:
    phone = await log_in(chat)
    with pytest.raises(Invalid) as caught:
        await change(chat, phone, GENERATED)
    assert [each.field for each in caught.value.errors] == ["newPassword"]
    with pytest.raises(WrongPassword):
        await change(chat, phone, PASSWORD, current="another one")

    with pytest.raises(PasswordChangeRequired):
        await check(chat, phone)


async def test_another_form_of_the_generated_password_is_no_new_one(chat: Engine) -> None:
    await chat.administration.add(NewAccount("ann", COMPOSED), change_required=True)
    phone = await log_in(chat, DECOMPOSED)
    for new, current in ((COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)):
        with pytest.raises(Invalid):
            await change(chat, phone, new, current)


async def test_a_password_of_ones_own_may_stay(chat: Engine) -> None:
    await chat.user("ann")
    phone = await log_in(chat, PASSWORD)
    await change(chat, phone, PASSWORD, PASSWORD)

    await check(chat, phone)


async def test_a_reset_to_a_generated_password_counts_from_the_next_log_in(chat: Engine) -> None:
    ann = await chat.user("ann")
    before = await log_in(chat, PASSWORD)
    await chat.administration.reset_password(ann.id, GENERATED, change_required=True)
    with pytest.raises(SessionRevoked):
        await check(chat, before)
    with pytest.raises(PasswordChangeRequired):
        await check(chat, await log_in(chat))

    await chat.administration.reset_password(ann.id, PASSWORD)
    await check(chat, await log_in(chat, PASSWORD))


async def test_whoever_has_no_generated_password_costs_no_read(chat: Engine, ann: User) -> None:
    read: list[UserId] = []

    class CountedUsers(MemoryUserStore):
        async def get(self, ids: Collection[UserId]) -> Mapping[UserId, User]:
            read.extend(ids)
            return await chat.stores.users.get(ids)

    sessions = replace(chat.sessions, users=CountedUsers())
    await chat.user("bob")
    bob = await chat.sessions.log_in("bob", PASSWORD, None, ADDRESS)
    await sessions.require_own_password(sessions.verify(bob.access.text))
    assert read == []
    with pytest.raises(PasswordChangeRequired):
        await sessions.require_own_password(sessions.verify((await log_in(chat)).access.text))
    assert read == [ann.id]
