from dataclasses import replace

import pytest

from chat_core import ChatError, Login, ToUser, User
from chat_core.bodies import Body
from chat_core.errors import AccountDisabled, InvalidCredentials, SessionRevoked
from chat_core.memory import PlainHasher
from chat_core.testing.makers import at
from tests.support.engine import ADDRESS, PASSWORD, Engine, actor

WRONG = "wrong horse"


@pytest.fixture
async def phone(chat: Engine, ann: User) -> Login:
    return await chat.sessions.log_in(str(ann.username), PASSWORD, "phone", ADDRESS)


async def refusal(chat: Engine, login: str, password: str) -> type[ChatError]:
    with pytest.raises(ChatError) as caught:
        await chat.sessions.log_in(login, password, None, ADDRESS)
    return type(caught.value)


async def test_only_whoever_knows_the_password_learns_that_an_account_is_disabled(
    chat: Engine, ann: User
) -> None:
    await chat.administration.disable(ann.id)

    assert await refusal(chat, "ann", WRONG) is InvalidCredentials
    assert await refusal(chat, "ANN", PASSWORD) is AccountDisabled
    assert await chat.stores.sessions.ended_since(at(0)) == {}  # nor was one stored first
    await chat.administration.enable(ann.id)
    assert (await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)).user == ann


async def test_a_disabled_account_costs_a_verification_whatever_the_password(
    chat: Engine, ann: User
) -> None:
    await chat.administration.disable(ann.id)
    verified: list[str] = []

    class CountingHasher(PlainHasher):
        async def verify(self, password: str, password_hash: str | None) -> bool:
            verified.append(password)
            return await super().verify(password, password_hash)

    counting = replace(chat, sessions=replace(chat.sessions, hasher=CountingHasher()))
    for password in (WRONG, PASSWORD):
        await refusal(counting, "ann", password)
    assert verified == [WRONG, PASSWORD]


async def test_its_sessions_end_and_their_tokens_say_why(
    chat: Engine, ann: User, bob: User, phone: Login
) -> None:
    laptop = await chat.sessions.log_in("ann", PASSWORD, "laptop", ADDRESS)
    bobs = await chat.sessions.log_in("bob", PASSWORD, None, ADDRESS)
    chat.connections.live.add(phone.session.id)

    assert await chat.administration.disable(ann.id) == 2

    for login in (phone, laptop):
        with pytest.raises(AccountDisabled):
            chat.sessions.verify(login.access.text)
        with pytest.raises(AccountDisabled):
            await chat.sessions.refresh(login.refresh_token)
    assert sorted(chat.connections.ended) == sorted(
        (each.session.id, AccountDisabled) for each in (phone, laptop)
    )
    assert chat.sessions.verify(bobs.access.text).user_id == bob.id
    assert await chat.administration.disable(ann.id) == 0


async def test_once_enabled_the_account_is_back_and_its_sessions_stay_ended(
    chat: Engine, ann: User, phone: Login
) -> None:
    await chat.administration.disable(ann.id)
    assert await chat.administration.enable(ann.id) == ann

    with pytest.raises(SessionRevoked):
        await chat.sessions.refresh(phone.refresh_token)
    again = await chat.sessions.log_in("ann", PASSWORD, "phone", ADDRESS)
    assert chat.sessions.verify(again.access.text).session_id == again.session.id


async def test_a_session_that_ended_before_its_account_was_disabled_tells_the_same(
    chat: Engine, ann: User, phone: Login
) -> None:
    await chat.sessions.end(ann.id, phone.session.id)
    await chat.administration.disable(ann.id)

    with pytest.raises(AccountDisabled):
        await chat.sessions.refresh(phone.refresh_token)


async def test_a_session_that_lasts_although_its_account_is_disabled_ends_when_it_is_refreshed(
    chat: Engine, ann: User, phone: Login
) -> None:
    await chat.stores.accounts.disable(ann.id, chat.clock.now())

    with pytest.raises(AccountDisabled):
        await chat.sessions.refresh(phone.refresh_token)
    with pytest.raises(AccountDisabled):
        chat.sessions.verify(phone.access.text)
    stored = await chat.stores.sessions.get(phone.session.id)
    assert stored is not None
    assert stored.ended_at == chat.clock.now()


async def test_a_log_in_that_a_disabling_overtakes_leaves_no_session(
    chat: Engine, ann: User
) -> None:
    class Slow(PlainHasher):
        """While it works, the account is disabled."""

        async def verify(self, password: str, password_hash: str | None) -> bool:
            await chat.administration.disable(ann.id)
            return await PlainHasher.verify(self, password, password_hash)

    overtaken = replace(chat.sessions, hasher=Slow())
    with pytest.raises(AccountDisabled):
        await overtaken.log_in("ann", PASSWORD, None, ADDRESS)
    assert list(await chat.stores.sessions.of_user(ann.id)) == []


async def test_a_used_up_token_of_a_disabled_account_is_no_reuse(
    chat: Engine, ann: User, phone: Login
) -> None:
    await chat.sessions.refresh(phone.refresh_token)
    chat.clock.advance(60)
    await chat.administration.disable(ann.id)

    with pytest.raises(AccountDisabled):
        await chat.sessions.refresh(phone.refresh_token)
    await chat.administration.enable(ann.id)
    with pytest.raises(SessionRevoked):
        await chat.sessions.refresh(phone.refresh_token)


async def test_others_go_on_seeing_a_disabled_user_and_writing_to_them(
    chat: Engine, ann: User, bob: User
) -> None:
    await chat.administration.disable(ann.id)
    sent = await chat.messaging.send(actor(bob), ToUser(ann.id), Body("until you are back"), None)

    found = await chat.accounts.search("ann", asker_id=bob.id, after=None, limit=9)
    assert [each.id for each in found.items] == [ann.id]
    await chat.administration.enable(ann.id)
    history = await chat.conversations.history(
        ann.id, sent.message.conversation_id, before=None, after=None, limit=9
    )
    assert [each.text for each in history.items] == ["until you are back"]
