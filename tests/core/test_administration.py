from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TypeVar

import pytest

from chat_core import (
    ChatError,
    Credentials,
    Login,
    NewAccount,
    Session,
    SessionId,
    SignupPolicy,
    User,
    UserId,
)
from chat_core.errors import (
    EmailTaken,
    Invalid,
    InvalidCredentials,
    NotFound,
    SessionRevoked,
    SignupsClosed,
    UsernameTaken,
)
from chat_core.memory import MemorySessionStore, MemoryUserStore
from chat_core.services.administration import AT_ONCE, ListedAccount
from chat_core.testing.makers import at, session, stored_users
from chat_core.testing.sessions_refresh_contract import chain
from chat_core.testing.strategies import HOSTILE
from tests.support.engine import ADDRESS, PASSWORD, Engine

NEW = "battery staple"
Item = TypeVar("Item")


async def parts(found: AsyncIterator[Item]) -> list[Item]:
    return [each async for each in found]


async def listed(chat: Engine, prefix: str = "") -> list[ListedAccount]:
    return [each for part in await parts(chat.administration.list(prefix)) for each in part]


async def log_in(chat: Engine, name: str, password: str = PASSWORD) -> Login:
    return await chat.sessions.log_in(name, password, None, ADDRESS)


# add


async def test_the_operator_adds_accounts_where_signing_up_is_closed(chat: Engine) -> None:
    closed = replace(chat.accounts, signups=SignupPolicy(None))
    new = NewAccount("ann", PASSWORD, "ann@example.org", "Ann Other")
    with pytest.raises(SignupsClosed):
        await closed.sign_up(new, ADDRESS)
    added = await chat.administration.add(new)

    assert added == User(added.id, "ann", "Ann Other", "ann@example.org", chat.clock.now())
    assert (await log_in(chat, "ann@example.org")).user == added
    assert (await chat.administration.add(NewAccount("bob", PASSWORD))).display_name == "bob"


@pytest.mark.parametrize(
    ("new", "field"),
    [
        (NewAccount("an", PASSWORD), "username"),
        (NewAccount("ann", "short"), "password"),
        (NewAccount("ann", "password1"), "password"),
        (NewAccount("annabella", "Annabella"), "password"),
        (NewAccount("ann", "ann@example", "ann@example"), "password"),
        (NewAccount("ann", PASSWORD, "nobody"), "email"),
        (NewAccount("ann", PASSWORD, None, " "), "displayName"),
    ],
)
async def test_the_rules_of_signing_up_hold_for_the_operator(
    chat: Engine, new: NewAccount, field: str
) -> None:
    for adding in (chat.administration.add(new), chat.accounts.sign_up(new, ADDRESS)):
        with pytest.raises(Invalid) as caught:
            await adding
        assert [each.field for each in caught.value.errors] == [field]
    assert await listed(chat) == []


async def test_what_another_account_has_is_taken(chat: Engine) -> None:
    await chat.administration.add(NewAccount("ann", PASSWORD, "ann@example.org"))

    with pytest.raises(UsernameTaken):
        await chat.administration.add(NewAccount("ANN", PASSWORD))
    with pytest.raises(EmailTaken):
        await chat.administration.add(NewAccount("bob", PASSWORD, "Ann@example.org"))


# find and list


async def test_a_user_is_found_by_name_or_address(chat: Engine) -> None:
    ann = await chat.administration.add(NewAccount("Ann", PASSWORD, "ann@example.org"))

    for login in ("ann", "ANN", "ann@example.org"):
        assert await chat.administration.find(login) == ann
    for login in ("bob", ann.id, *HOSTILE):
        with pytest.raises(NotFound):
            await chat.administration.find(login)


async def test_the_stores_are_only_asked_for_what_is_text(chat: Engine) -> None:
    asked: list[str] = []

    class CuriousUsers(MemoryUserStore):
        async def credentials(self, login: str) -> Credentials | None:
            asked.append(login)
            return await super().credentials(login)

    class CuriousSessions(MemorySessionStore):
        async def get(self, session_id: SessionId) -> Session | None:
            asked.append(session_id)
            return await super().get(session_id)

    curious = replace(chat.administration, users=CuriousUsers(), sessions=CuriousSessions())
    for text in ("a", "a\0", "\ud800"):
        with pytest.raises(NotFound):
            await curious.find(text)
        with pytest.raises(NotFound):
            await curious.session(SessionId(text))

    assert asked == ["a", "a"]


async def test_all_accounts_are_listed_some_at_a_time_with_their_sessions(chat: Engine) -> None:
    users = await stored_users(chat.stores.users, *(f"user{n:03}" for n in range(AT_ONCE + 3)))
    erased = await chat.stores.users.erase(users[5].id, at(1))
    disabled = await chat.stores.accounts.disable(users[6].id, at(1))
    for number in range(2):
        await chat.stores.sessions.add(session(users[7]), chain(f"{number}"))

    found = await parts(chat.administration.list())
    assert [len(part) for part in found] == [AT_ONCE, 3]
    accounts = {each.user.id: each for part in found for each in part}
    assert list(accounts) == [each.id for each in users]
    assert accounts[erased.id] == ListedAccount(erased, 0)
    assert accounts[disabled.id] == ListedAccount(disabled, 0)
    assert accounts[users[7].id] == ListedAccount(users[7], 2)


async def test_a_list_by_the_beginning_of_a_name_is_in_the_order_of_names(chat: Engine) -> None:
    people = await stored_users(chat.stores.users, *(f"a{n:03}" for n in reversed(range(60))))
    await stored_users(chat.stores.users, "bob")

    assert [each.user for each in await listed(chat, "A")] == people[::-1]
    assert await listed(chat, "c") == []
    with pytest.raises(Invalid) as caught:
        await listed(chat, "a\0")
    assert [each.field for each in caught.value.errors] == ["query"]


# passwords


async def test_a_new_password_ends_every_session(chat: Engine, ann: User, bob: User) -> None:
    phone, laptop, bobs = [await log_in(chat, name) for name in ("ann", "ann", "bob")]

    assert await chat.administration.reset_password(ann.id, NEW) == 2
    for ended in (phone, laptop):
        with pytest.raises(SessionRevoked):
            chat.sessions.verify(ended.access.text)
    with pytest.raises(InvalidCredentials):
        await log_in(chat, "ann")
    assert (await log_in(chat, "ann", NEW)).user.id == ann.id
    assert chat.sessions.verify(bobs.access.text).user_id == bob.id


@pytest.mark.parametrize(
    "easy", ["short", "password1", "ann smith", "x" * 257, "half\ud800 a pair"]
)
async def test_an_easily_guessed_password_is_refused_and_nothing_changes(
    chat: Engine, easy: str
) -> None:
    ann = await chat.administration.add(NewAccount("ann", PASSWORD, display_name="Ann Smith"))
    phone = await log_in(chat, "ann")
    with pytest.raises(Invalid):
        await chat.administration.reset_password(ann.id, easy)

    chat.sessions.verify(phone.access.text)
    await log_in(chat, "ann")


async def test_of_whoever_is_not_there_nothing_is_changed(chat: Engine, ann: User) -> None:
    await chat.stores.users.erase(ann.id, chat.clock.now())

    for gone in (ann.id, UserId("nobody")):
        for call in (
            chat.administration.reset_password(gone, NEW),
            chat.administration.disable(gone),
            chat.administration.enable(gone),
        ):
            with pytest.raises(NotFound):
                await call


# sessions


async def test_one_session_of_anybody_is_ended(chat: Engine, ann: User) -> None:
    phone, laptop = [await log_in(chat, "ann") for _ in range(2)]
    assert await chat.administration.session(phone.session.id) == phone.session
    await chat.administration.end_session(phone.session.id)

    with pytest.raises(SessionRevoked):
        chat.sessions.verify(phone.access.text)
    assert await chat.administration.sessions_of(ann.id) == [laptop.session]
    for gone in (phone.session.id, SessionId("unknown"), SessionId("\0")):
        with pytest.raises(ChatError) as caught:
            await chat.administration.end_session(gone)
        assert type(caught.value) is NotFound


async def test_all_sessions_of_a_user_are_ended(chat: Engine, ann: User, bob: User) -> None:
    for name in ("ann", "ann", "bob"):
        await log_in(chat, name)

    assert await chat.administration.end_sessions(ann.id) == 2
    assert await chat.administration.end_sessions(ann.id) == 0
    assert len(await chat.administration.sessions_of(bob.id)) == 1


async def test_the_sessions_of_all_users_are_ended_some_users_at_a_time(chat: Engine) -> None:
    users = await stored_users(chat.stores.users, *(f"user{n}" for n in range(AT_ONCE + 2)))
    for each in users:
        await chat.stores.sessions.add(session(each), chain(each.id))

    assert await parts(chat.administration.end_all_sessions()) == [AT_ONCE, 2]
    assert await parts(chat.administration.end_all_sessions()) == [0, 0]
    assert len(chat.connections.ended) == len(users)
