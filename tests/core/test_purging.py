import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from chat_core import Login, User
from chat_core.errors import SessionRevoked, TokenInvalid
from chat_core.services.purging import BATCH, SessionPurge
from chat_core.sessions import RefreshLimits
from chat_core.testing.makers import session
from chat_core.testing.sessions_refresh_contract import chain
from tests.support.engine import ADDRESS, LASTING, PASSWORD, TOKEN_LIFE, Engine
from tests.support.waiting import settle

DAY = timedelta(days=1)


@pytest.fixture
async def anns(chat: Engine, ann: User) -> Login:
    assert ann.username == "ann"
    return await chat.sessions.log_in("ann", PASSWORD, None, ADDRESS)


@pytest.fixture
def purge(chat: Engine) -> SessionPurge:
    return SessionPurge(chat.stores.sessions, chat.clock, LASTING, TOKEN_LIFE)


async def test_a_session_is_forgotten_once_it_has_been_past_its_limits_for_long(
    chat: Engine, anns: Login, purge: SessionPurge
) -> None:
    chat.clock.advance((LASTING.idle + LASTING.total + TOKEN_LIFE).total_seconds())
    assert await purge.purge() == 0
    chat.clock.advance(1)
    assert await purge.purge() == 1

    assert await chat.stores.sessions.get(anns.session.id) is None
    with pytest.raises(TokenInvalid):
        await chat.sessions.refresh(anns.refresh_token)


async def test_a_session_that_ended_lately_is_known(
    chat: Engine, anns: Login, purge: SessionPurge
) -> None:
    chat.clock.advance((LASTING.idle + LASTING.total + DAY).total_seconds())
    await chat.revocations.end({anns.session.id: anns.user.id})

    assert await purge.purge() == 0
    with pytest.raises(SessionRevoked):
        await chat.sessions.refresh(anns.refresh_token)


async def test_it_goes_in_steps_and_again_every_day(
    chat: Engine, ann: User, purge: SessionPurge
) -> None:
    for number in range(BATCH + 1):
        await chat.stores.sessions.add(session(ann), chain(f"{number}"))
    chat.clock.advance((LASTING.idle + LASTING.total + DAY).total_seconds())
    purging = asyncio.ensure_future(purge.purge())
    await settle()
    chat.clock.advance(1)
    assert await purging == BATCH + 1

    for number in range(BATCH + 1):
        await chat.stores.sessions.add(session(ann), chain(f"again {number}"))
    running = asyncio.ensure_future(purge.run())
    await settle()
    assert len(await chat.stores.sessions.of_user(ann.id)) == 1
    chat.clock.advance(1)
    await settle()
    assert len(await chat.stores.sessions.of_user(ann.id)) == 0

    await chat.stores.sessions.add(session(ann), chain("another"))
    chat.clock.advance(DAY.total_seconds())
    await settle()
    assert len(await chat.stores.sessions.of_user(ann.id)) == 0
    running.cancel()


@pytest.mark.usefixtures("anns")
async def test_sessions_that_last_for_ever_stay(purge: SessionPurge) -> None:
    for_ever = replace(purge, lasting=RefreshLimits(timedelta.max, timedelta(days=1)))

    assert await for_ever.purge() == 0
