# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `SessionStore`: refresh tokens."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise

import pytest

from chat_core.errors import RefreshReused, SessionRevoked, TokenExpired, TokenInvalid
from chat_core.ports.storage import SessionStore, UserStore
from chat_core.sessions import LOST_ANSWER, RefreshChain, RefreshLimits, RefreshUse, Session
from chat_core.testing.makers import at, session, stored_users

LIMITS = RefreshLimits(idle=timedelta(hours=1), total=timedelta(hours=3))
ADDRESSES = ["192.0.2.1", "2001:db8::2"]
WINDOW = LOST_ANSWER.total_seconds()


def digest(token: str) -> bytes:
    """Return the stored form of a refresh token."""
    return sha256(token.encode()).digest()


def chain(token: str) -> RefreshChain:
    """Return the chain of a session with this first token. Its family has the same name."""
    return RefreshChain(digest(token), family=digest(f"family {token}"))


def use(token: str, replacement: str, seconds: float, family: str = "phone") -> RefreshUse:
    """Return the use of a token of a family, that many seconds after the start."""
    return RefreshUse(
        digest(f"family {family}"), digest(token), digest(replacement), at(seconds), LIMITS
    )


class SessionRefreshContract:
    """Tests of `RefreshUse.judge` that every `SessionStore` must pass."""

    @pytest.fixture
    async def phone(self, sessions: SessionStore, users: UserStore) -> Session:
        """Store a session of Ann."""
        (ann,) = await stored_users(users, "ann")
        stored = session(ann, device="phone")
        await sessions.add(stored, chain("phone"))
        return stored

    async def check_reused(
        self, sessions: SessionStore, of: Session, token: str, seconds: float
    ) -> None:
        """Check that using the token ends the session, and that none of its tokens stay valid."""
        with pytest.raises(RefreshReused) as caught:
            await sessions.refresh(use(token, "never given", seconds))
        assert caught.value.session_id == of.id
        stored = await sessions.get(of.id)
        assert stored is not None
        assert stored.ended_at == at(seconds)
        with pytest.raises(SessionRevoked):
            await sessions.refresh(use("never given", "x", seconds))

    async def test_the_token_in_force_is_replaced_and_the_session_was_seen(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        for number, seconds in enumerate((100, 200, 300)):
            refreshed = await sessions.refresh(use(token(number), token(number + 1), seconds))
            assert refreshed == replace(phone, last_seen_at=at(seconds))
            assert await sessions.get(phone.id) == refreshed

    async def test_a_session_is_shown_with_where_its_latest_refresh_came_from(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        seen = replace(phone, address="192.0.2.1", user_agent="a browser")
        at_home = replace(use("phone", "b", 100), address="192.0.2.1", user_agent="a browser")
        assert await sessions.refresh(at_home) == replace(seen, last_seen_at=at(100))
        assert await sessions.knows(phone.user_id, "192.0.2.1")

        elsewhere = replace(use("b", "c", 200), address="2001:db8::1")
        moved = replace(seen, last_seen_at=at(200), address="2001:db8::1")
        assert await sessions.refresh(elsewhere) == moved
        assert [await sessions.knows(phone.user_id, each) for each in ADDRESSES] == [False, True]
        after = await sessions.refresh(use("c", "d", 300))
        assert after == await sessions.get(phone.id) == replace(moved, last_seen_at=at(300))

    async def test_a_token_of_a_family_that_no_session_has_is_invalid(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        for token in ("unknown", "phone"):
            with pytest.raises(TokenInvalid):
                await sessions.refresh(use(token, "b", 1, family="unknown"))

        assert await sessions.get(phone.id) == phone
        with pytest.raises(TokenInvalid):
            await sessions.refresh(use("b", "c", 1, family="unknown"))

    async def test_whatever_has_the_family_of_a_session_and_is_not_good_is_a_reuse(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        await self.check_reused(sessions, phone, "never given out", 100)

    async def test_every_token_that_a_session_ever_had_is_recognised(
        self, sessions: SessionStore, users: UserStore
    ) -> None:
        (bob,) = await stored_users(users, "bob")
        for old in (0, 1, 25, 48):
            laptop = session(bob)
            family = f"laptop {old}"
            await sessions.add(laptop, chain(family))
            tokens = [family, *(f"{family}, {number}" for number in range(1, 51))]
            for number, (one, other) in enumerate(pairwise(tokens)):
                await sessions.refresh(use(one, other, number, family))
            with pytest.raises(RefreshReused) as caught:
                await sessions.refresh(use(tokens[old], "never given", 51, family))
            assert caught.value.session_id == laptop.id

    async def test_a_session_that_has_ended_is_revoked_for_every_token_it_was_given(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        await sessions.refresh(use("phone", "b", 1))
        await sessions.end([phone.id], at(2))

        for known in ("phone", "b"):
            with pytest.raises(SessionRevoked) as caught:
                await sessions.refresh(use(known, "c", 3))
            assert caught.value.session_id == phone.id
        ended = await sessions.get(phone.id)
        assert ended == replace(phone, last_seen_at=at(1), ended_at=at(2))

    @pytest.mark.parametrize("seconds", [100.0, 100 + WINDOW])
    async def test_the_token_before_may_be_used_again_for_a_while(
        self, sessions: SessionStore, phone: Session, seconds: float
    ) -> None:
        await sessions.refresh(use("phone", "lost", 100))
        refreshed = await sessions.refresh(use("phone", "c", seconds))

        assert refreshed == replace(phone, last_seen_at=at(seconds))
        await sessions.refresh(use("c", "d", seconds + 60))

    async def test_the_token_before_is_used_up_after_that_while(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        await sessions.refresh(use("phone", "b", 100))
        await self.check_reused(sessions, phone, "phone", 100.001 + WINDOW)

        with pytest.raises(SessionRevoked):
            await sessions.refresh(use("b", "c", 101 + WINDOW))

    async def test_a_repeated_use_does_not_lengthen_that_while(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        await sessions.refresh(use("phone", "b", 100))
        await sessions.refresh(use("phone", "c", 100 + WINDOW))

        await self.check_reused(sessions, phone, "phone", 100.001 + WINDOW)

    async def test_what_the_token_before_brings_replaces_its_first_successor(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        await sessions.refresh(use("phone", "lost", 100))
        await sessions.refresh(use("phone", "c", 101))

        await self.check_reused(sessions, phone, "lost", 102)

    async def test_the_token_before_is_used_up_once_its_successor_was_used(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        await sessions.refresh(use("phone", "b", 100))
        await sessions.refresh(use("b", "c", 101))

        await self.check_reused(sessions, phone, "phone", 102)

    @pytest.mark.parametrize(
        ("uses", "end"), [([], 3600), ([3000], 6600), ([3000, 6000, 9000], 10800)]
    )
    async def test_a_session_past_its_limits_has_expired_and_does_not_end(
        self, sessions: SessionStore, phone: Session, uses: list[int], end: int
    ) -> None:
        for number, seconds in enumerate(uses):
            await sessions.refresh(use(token(number), token(number + 1), seconds))
        before = await sessions.get(phone.id)
        last = token(len(uses))
        with pytest.raises(TokenExpired):
            await sessions.refresh(use(last, "x", end))

        assert await sessions.get(phone.id) == before
        await sessions.refresh(use(last, "y", end - 0.001))

    async def test_other_sessions_are_left_alone(
        self, sessions: SessionStore, users: UserStore, phone: Session
    ) -> None:
        (bob,) = await stored_users(users, "bob")
        laptop = session(bob, device="laptop")
        await sessions.add(laptop, chain("laptop"))
        await sessions.refresh(use("phone", "b", 1))
        await sessions.refresh(use("b", "c", 2))
        await self.check_reused(sessions, phone, "phone", 3)

        assert await sessions.get(laptop.id) == laptop
        refreshed = await sessions.refresh(use("laptop", "l2", 4, family="laptop"))
        assert refreshed == replace(laptop, last_seen_at=at(4))

    async def test_of_concurrent_uses_of_one_token_all_get_an_answer_and_one_chain_stays(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        results = await asyncio.gather(
            *(sessions.refresh(use("phone", f"b{number}", 100)) for number in range(20))
        )
        assert results == [replace(phone, last_seen_at=at(100))] * 20

        # Only the store knows which of the twenty is current: the one that this replaces.
        await sessions.refresh(use("phone", "again", 101))
        await sessions.refresh(use("again", "c", 102))
        with pytest.raises(RefreshReused):
            await sessions.refresh(use("b0", "d", 103))

    async def test_of_concurrent_uses_of_a_used_up_token_one_ends_the_session(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        await sessions.refresh(use("phone", "b", 100))
        results = await asyncio.gather(
            *(sessions.refresh(use("phone", f"c{number}", 200)) for number in range(3)),
            return_exceptions=True,
        )

        assert Counter(map(type, results)) == {RefreshReused: 1, SessionRevoked: 2}
        ended = await sessions.get(phone.id)
        assert ended == replace(phone, last_seen_at=at(100), ended_at=at(200))


def token(number: int) -> str:
    """Return the token after that many refreshes."""
    return f"token {number}" if number else "phone"
