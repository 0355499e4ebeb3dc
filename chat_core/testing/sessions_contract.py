# ruff: noqa: D102 (a test's name is its sentence)
"""The contract of `SessionStore`."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from chat_core.ids import SessionId
from chat_core.ports.storage import SessionStore, UserStore
from chat_core.sessions import Session
from chat_core.testing.makers import session, stored_users


def digest(token: str) -> bytes:
    """What is stored of a refresh token."""
    return sha256(token.encode()).digest()


class SessionStoreContract:
    """What every `SessionStore` must do.

    Subclass it, and give it the fixtures `sessions`, and `users`: a `UserStore` of the same
    backend.
    """

    @pytest.fixture
    async def phone(self, sessions: SessionStore, users: UserStore) -> Session:
        """Store a session of Ann's."""
        (ann,) = await stored_users(users, "ann")
        stored = session(ann, device="phone")
        await sessions.add(stored, digest("phone"))
        return stored

    async def test_a_new_session_is_stored(
        self, sessions: SessionStore, users: UserStore, phone: Session
    ) -> None:
        (bob,) = await stored_users(users, "bob")
        laptop = session(bob, device="Bob\u2019s \U0001f4bb")
        await sessions.add(laptop, digest("laptop"))

        assert await sessions.get(laptop.id) == laptop
        assert await sessions.get(phone.id) == phone

    async def test_times_come_back_as_they_were_given(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        stored = await sessions.get(phone.id)

        assert stored is not None
        assert (stored.created_at, stored.last_seen_at) == (phone.created_at, phone.last_seen_at)
        assert stored.created_at.utcoffset() == stored.last_seen_at.utcoffset() == timedelta(0)

    @pytest.mark.usefixtures("phone")
    async def test_an_unknown_session_is_none(self, sessions: SessionStore) -> None:
        assert await sessions.get(SessionId("unknown")) is None

    async def test_a_device_gets_another_label(
        self, sessions: SessionStore, users: UserStore, phone: Session
    ) -> None:
        (bob,) = await stored_users(users, "bob")
        laptop = session(bob, device="laptop")
        await sessions.add(laptop, digest("laptop"))
        await sessions.relabel(phone.id, "new phone")

        assert await sessions.get(phone.id) == replace(phone, device="new phone")
        assert await sessions.get(laptop.id) == laptop

    async def test_another_label_for_an_unknown_session_is_ignored(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        await sessions.relabel(SessionId("unknown"), "new phone")

        assert await sessions.get(SessionId("unknown")) is None
        assert await sessions.get(phone.id) == phone
