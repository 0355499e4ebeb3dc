"""Another e-mail address needs the password."""

from dataclasses import replace

import pytest

from chat_core import Limit, NewAccount, ProfileChange, User
from chat_core.errors import EmailTaken, Forbidden, Invalid, RateLimited, WrongPassword
from chat_core.testing.makers import user
from tests.support.engine import ADDRESS, PASSWORD, Engine, actor

OLD, NEW, TAKEN = "ann@example.org", "annie@example.org", "BOB@example.org"


@pytest.fixture
async def ann(chat: Engine) -> User:
    await chat.accounts.sign_up(NewAccount("bob", PASSWORD, "bob@example.org"), ADDRESS)
    return await chat.accounts.sign_up(NewAccount("Ann", PASSWORD, OLD, "Annie"), ADDRESS)


async def change(
    chat: Engine, ann: User, change: ProfileChange, password: str | None = None
) -> User:
    return await chat.accounts.change_profile(
        actor(ann), change, address=ADDRESS, current_password=password
    )


async def test_with_the_password_an_address_is_changed_and_removed(chat: Engine, ann: User) -> None:
    assert (await change(chat, ann, ProfileChange(email=NEW), PASSWORD)).email == NEW
    assert (await chat.sessions.log_in(NEW, PASSWORD, None, ADDRESS)).user.id == ann.id

    removed = await change(chat, ann, ProfileChange(email=None), PASSWORD)
    assert removed == replace(ann, email=None) == await chat.accounts.get(ann.id)
    await chat.accounts.sign_up(NewAccount("eve", PASSWORD, NEW), ADDRESS)


@pytest.mark.parametrize("email", [NEW, OLD.upper(), TAKEN, None])
async def test_without_the_password_nothing_changes_and_nothing_is_told_of_the_address(
    chat: Engine, ann: User, email: str | None
) -> None:
    wanted = ProfileChange("Another", email)
    with pytest.raises(Invalid) as caught:
        await change(chat, ann, wanted)
    assert [each.field for each in caught.value.errors] == ["currentPassword"]
    with pytest.raises(WrongPassword):
        await change(chat, ann, wanted, "wrong horse")

    assert await chat.accounts.get(ann.id) == ann
    assert chat.notifier.notifications == []


async def test_with_the_password_an_address_may_turn_out_to_be_taken(
    chat: Engine, ann: User
) -> None:
    with pytest.raises(EmailTaken):
        await change(chat, ann, ProfileChange(email=TAKEN), PASSWORD)


async def test_what_does_not_change_the_address_needs_no_password(chat: Engine, ann: User) -> None:
    bare = await chat.user("bare")
    assert await change(chat, bare, ProfileChange(email=None)) == bare
    for harmless in (ProfileChange(email=OLD), ProfileChange("Ann", OLD), ProfileChange()):
        await change(chat, ann, harmless)
        await change(chat, ann, harmless, "wrong horse")


async def test_without_a_display_name_the_user_name_is_shown(chat: Engine, ann: User) -> None:
    assert (await change(chat, ann, ProfileChange(display_name=None))).display_name == "Ann"


async def test_a_wrong_password_counts_as_a_failed_log_in(chat: Engine, ann: User) -> None:
    few = replace(chat.sessions.limits, per_account=Limit("logins per account", 3, 900))
    sessions = replace(chat.sessions, limits=few)
    accounts = replace(chat.accounts, sessions=sessions)
    for _ in range(3):
        with pytest.raises(WrongPassword):
            await accounts.change_profile(
                actor(ann), ProfileChange(email=NEW), address=ADDRESS, current_password="wrong"
            )
    with pytest.raises(RateLimited):
        await sessions.log_in("ann", PASSWORD, None, ADDRESS)


async def test_an_account_without_a_password_is_refused_what_needs_one(chat: Engine) -> None:
    bot = user("bot", email=OLD)
    await chat.stores.users.add(bot, password_hash="")
    for given in (None, "", PASSWORD):
        with pytest.raises(Forbidden):
            await change(chat, bot, ProfileChange(email=NEW), given)
    with pytest.raises(Forbidden):
        await chat.sessions.change_password(actor(bot), "", "battery staple", ADDRESS)
    with pytest.raises(Forbidden):
        await chat.erasure.delete_own(actor(bot), "", ADDRESS)

    renamed = await change(chat, bot, ProfileChange("The bot", OLD))
    assert renamed == replace(bot, display_name="The bot")
