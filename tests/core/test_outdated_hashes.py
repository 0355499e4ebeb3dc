"""Hashes that were made in another way than they are now: a log-in replaces them."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import pytest

from chat_core import Actor, Limit, Login, NewAccount, SessionId, Sessions, User, UserId
from chat_core.errors import (
    ChatError,
    InvalidCredentials,
    Overloaded,
    RateLimited,
    Unavailable,
    WrongPassword,
)
from chat_core.memory import MemoryUserStore, PlainHasher
from chat_core.testing.makers import user
from tests.support.engine import ADDRESS, PASSWORD, Engine

NEW = "battery staple"
FORMER = f"former${PASSWORD}"
WRONG = "wrong horse"


@dataclass(slots=True)
class TwoWays(PlainHasher):
    """Verifies the hashes of a former hasher, too."""

    made: list[str] = field(default_factory=list)

    async def hash(self, password: str) -> str:
        self.made.append(await PlainHasher.hash(self, password))
        return self.made[-1]

    async def verify(self, password: str, password_hash: str | None) -> bool:
        await asyncio.sleep(0)
        if password_hash is not None and password_hash.startswith("former$"):
            return password_hash == f"former${password}"
        return await PlainHasher.verify(self, password, password_hash)


@pytest.fixture
def hasher() -> TwoWays:
    return TwoWays()


@pytest.fixture
def sessions(chat: Engine, hasher: TwoWays) -> Sessions:
    return replace(chat.sessions, hasher=hasher)


@pytest.fixture
async def ann(chat: Engine) -> User:
    ann = user("ann", email="ann@example.org")
    await chat.stores.users.add(ann, FORMER)
    return ann


async def stored_hash(chat: Engine) -> str:
    credentials = await chat.stores.users.credentials("ann")
    assert credentials
    return credentials.password_hash


async def log_in(sessions: Sessions, password: str = PASSWORD) -> Login:
    return await sessions.log_in("ann@example.org", password, None, ADDRESS)


async def test_a_log_in_replaces_an_outdated_hash_once(
    chat: Engine, sessions: Sessions, hasher: TwoWays, ann: User
) -> None:
    login = await log_in(sessions)
    assert sessions.verify(login.access.text).user_id == ann.id
    assert [await stored_hash(chat)] == hasher.made

    await log_in(sessions)
    assert len(hasher.made) == 1
    with pytest.raises(InvalidCredentials):
        await log_in(sessions, WRONG)


@pytest.mark.usefixtures("ann")
async def test_a_wrong_password_replaces_nothing(
    chat: Engine, sessions: Sessions, hasher: TwoWays
) -> None:
    with pytest.raises(InvalidCredentials):
        await log_in(sessions, WRONG)

    assert (await stored_hash(chat), hasher.made) == (FORMER, [])


async def test_only_a_log_in_replaces_a_hash(chat: Engine, sessions: Sessions, ann: User) -> None:
    await sessions.check_password(ann.id, PASSWORD, ADDRESS)

    assert await stored_hash(chat) == FORMER


@pytest.mark.usefixtures("ann")
async def test_many_log_ins_at_once_all_succeed(
    chat: Engine, sessions: Sessions, hasher: TwoWays
) -> None:
    logins = await asyncio.gather(*(log_in(sessions) for _ in range(20)))

    assert len({login.session.id for login in logins}) == 20
    for login in logins:
        sessions.verify(login.access.text)
    assert await stored_hash(chat) in hasher.made


async def do_nothing() -> None:
    pass


@dataclass(slots=True)
class Meanwhile(TwoWays):
    """After its first verdict, or before it makes a hash, something else happens."""

    after_verdict: Callable[[], Awaitable[object]] = do_nothing
    before_hash: Callable[[], Awaitable[object]] = do_nothing

    async def verify(self, password: str, password_hash: str | None) -> bool:
        verdict = await TwoWays.verify(self, password, password_hash)
        then, self.after_verdict = self.after_verdict, do_nothing
        await then()
        return verdict

    async def hash(self, password: str) -> str:
        then, self.before_hash = self.before_hash, do_nothing
        await then()
        return await TwoWays.hash(self, password)


async def test_a_log_in_whose_hash_another_one_replaces_meanwhile_succeeds(
    chat: Engine, sessions: Sessions, ann: User
) -> None:
    slow = replace(sessions, hasher=Meanwhile(after_verdict=lambda: log_in(sessions)))
    login = await log_in(slow)

    assert login.user.id == ann.id
    assert len((await sessions.list(ann.id)).items) == 2
    assert await stored_hash(chat) != FORMER


async def test_a_log_in_that_a_new_password_overtakes_leaves_no_session_and_undoes_nothing(
    chat: Engine, sessions: Sessions, ann: User
) -> None:
    phone = await log_in(replace(sessions, hasher=Overwhelmed()))

    async def change() -> None:
        await sessions.change_password(Actor(ann.id, phone.session.id), PASSWORD, NEW, ADDRESS)

    with pytest.raises(InvalidCredentials):
        await log_in(replace(sessions, hasher=Meanwhile(after_verdict=change)))
    (listed,) = (await sessions.list(ann.id)).items
    assert listed.session.id == phone.session.id
    await log_in(sessions, NEW)


async def test_a_new_password_that_comes_while_the_hash_is_made_is_not_undone(
    sessions: Sessions, ann: User
) -> None:
    phone = await log_in(replace(sessions, hasher=Overwhelmed()))

    async def change() -> None:
        await sessions.change_password(Actor(ann.id, phone.session.id), PASSWORD, NEW, ADDRESS)

    await log_in(replace(sessions, hasher=Meanwhile(before_hash=change)))

    await log_in(sessions, NEW)
    with pytest.raises(InvalidCredentials):
        await log_in(sessions, PASSWORD)


async def test_an_account_that_is_erased_while_the_hash_is_made_stays_erased(
    chat: Engine, sessions: Sessions, ann: User
) -> None:
    async def erase() -> None:
        await chat.stores.users.erase(ann.id, chat.clock.now())

    await log_in(replace(sessions, hasher=Meanwhile(before_hash=erase)))

    assert await chat.stores.users.credentials("ann") is None
    assert (await chat.stores.users.get([ann.id]))[ann.id].deleted_at == chat.clock.now()


@dataclass(slots=True)
class Overwhelmed(TwoWays):
    """Verifies so many times, then has too much to do."""

    verdicts: int = 1

    async def verify(self, password: str, password_hash: str | None) -> bool:
        if not self.verdicts:
            raise Overloaded
        self.verdicts -= 1
        return await TwoWays.verify(self, password, password_hash)

    async def hash(self, password: str) -> str:
        raise Overloaded


@dataclass(slots=True)
class OutOfReach(MemoryUserStore):
    """Takes no new hashes."""

    async def set_password_hash(
        self,
        user_id: UserId,
        password_hash: str,
        *,
        instead_of: str | None = None,
        change_required: bool | None = None,
    ) -> None:
        raise Unavailable


async def test_what_hinders_the_replacement_hinders_no_log_in_and_the_next_one_tries_again(
    chat: Engine, sessions: Sessions, hasher: TwoWays, ann: User
) -> None:
    away = OutOfReach()
    await away.add(ann, FORMER)
    hindered = [replace(sessions, hasher=Overwhelmed()), replace(sessions, users=away)]
    for each in hindered:
        login = await log_in(each)
        assert sessions.verify(login.access.text).user_id == ann.id
    assert await stored_hash(chat) == FORMER

    await log_in(sessions)
    assert await stored_hash(chat) == hasher.made[-1]


async def test_a_log_in_that_can_not_be_judged_anew_is_no_wrong_password_and_leaves_no_session(
    chat: Engine, sessions: Sessions, ann: User
) -> None:
    class Busy(Meanwhile):
        async def verify(self, password: str, password_hash: str | None) -> bool:
            if not str(password_hash).startswith("former$"):
                raise Overloaded
            return await Meanwhile.verify(self, password, password_hash)

    with pytest.raises(ChatError) as caught:
        await log_in(replace(sessions, hasher=Busy(after_verdict=lambda: log_in(sessions))))
    assert type(caught.value) is Overloaded
    assert len((await sessions.list(ann.id)).items) == 1
    assert await stored_hash(chat) != FORMER


# the form of a password


COMPOSED, DECOMPOSED = "caf\u00e9 au lait", "cafe\u0301 au lait"


@dataclass(slots=True)
class Counting(TwoWays):
    """Counts what is verified."""

    verified: list[str] = field(default_factory=list)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        self.verified.append(password)
        return await TwoWays.verify(self, password, password_hash)


async def test_passwords_are_compared_in_their_normal_form(chat: Engine) -> None:
    counting = Counting()
    sessions = replace(chat.sessions, hasher=counting)
    accounts = replace(chat.accounts, hasher=counting)
    ann = await accounts.sign_up(NewAccount("ann", DECOMPOSED, "ann@example.org"), ADDRESS)

    for typed in (COMPOSED, DECOMPOSED):
        await log_in(sessions, typed)
        await sessions.check_password(ann.id, typed, ADDRESS)
    assert counting.verified == [COMPOSED] * 4
    assert len(counting.made) == 1

    phone = Actor(ann.id, SessionId("phone"))
    await sessions.change_password(phone, DECOMPOSED, DECOMPOSED[::-1] + "e\u0301", ADDRESS)
    await log_in(sessions, DECOMPOSED[::-1] + "\u00e9")


@pytest.mark.parametrize("made", ["plain$0$", "former$"])
async def test_a_hash_of_what_was_typed_before_still_fits_and_is_replaced(
    chat: Engine, made: str
) -> None:
    await chat.stores.users.add(user("ann", email="ann@example.org"), made + DECOMPOSED)
    counting = Counting()
    sessions = replace(chat.sessions, hasher=counting)
    with pytest.raises(InvalidCredentials):
        await log_in(sessions, COMPOSED)

    logins = await asyncio.gather(*(log_in(sessions, DECOMPOSED) for _ in range(5)))
    for login in logins:
        sessions.verify(login.access.text)
    assert await stored_hash(chat) in counting.made
    for typed in (COMPOSED, DECOMPOSED):
        await log_in(sessions, typed)


async def test_what_a_password_costs_tells_nothing_of_the_account(chat: Engine, ann: User) -> None:
    await chat.user("bob")
    counting = Counting()
    sessions = replace(chat.sessions, hasher=counting)
    for typed, verifications in ((COMPOSED, [COMPOSED]), (DECOMPOSED, [COMPOSED, DECOMPOSED])):
        for name in ("ann", "bob", "nobody"):
            counting.verified.clear()
            with pytest.raises(InvalidCredentials):
                await sessions.log_in(name, typed, None, ADDRESS)
            assert counting.verified == verifications
        counting.verified.clear()
        with pytest.raises(WrongPassword):
            await sessions.check_password(ann.id, typed, ADDRESS)
        assert counting.verified == verifications


async def test_a_password_in_two_forms_fails_once(chat: Engine, ann: User) -> None:
    few = Limit("logins per account", 3, 900)
    sessions = replace(chat.sessions, limits=replace(chat.sessions.limits, per_account=few))
    for _ in range(3):
        with pytest.raises(WrongPassword):
            await sessions.check_password(ann.id, DECOMPOSED, ADDRESS)
    with pytest.raises(RateLimited):
        await sessions.check_password(ann.id, DECOMPOSED, ADDRESS)
