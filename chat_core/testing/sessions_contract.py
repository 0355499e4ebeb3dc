# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `SessionStore`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from chat_core.errors import TokenInvalid
from chat_core.ids import SessionId, UserId
from chat_core.ports.storage import SessionStore, UserStore
from chat_core.sessions import Session
from chat_core.testing.makers import at, session, stored_users
from chat_core.testing.sessions_refresh_contract import SessionRefreshContract, chain, use


class SessionStoreContract(SessionRefreshContract):
    """Tests that every `SessionStore` must pass.

    Subclass it, and give it the fixtures `sessions`, and `users`: a `UserStore` of the same
    backend.
    """

    async def test_a_new_session_is_stored(
        self, sessions: SessionStore, users: UserStore, phone: Session
    ) -> None:
        (bob,) = await stored_users(users, "bob")
        laptop = session(bob, device="Bob\u2019s \U0001f4bb")
        await sessions.add(laptop, chain("laptop"))

        assert await sessions.get(laptop.id) == laptop
        assert await sessions.get(phone.id) == phone

    async def test_where_a_session_is_from_is_stored(
        self, sessions: SessionStore, users: UserStore, phone: Session
    ) -> None:
        (bob,) = await stored_users(users, "bob")
        laptop = replace(
            session(bob), address="2001:db8::1", user_agent="Mozilla/5.0 (\u201eLinux\u201c)"
        )
        await sessions.add(laptop, chain("laptop"))

        assert await sessions.get(laptop.id) == laptop
        stored = await sessions.get(phone.id)
        assert stored is not None
        assert (stored.address, stored.user_agent) == (None, None)

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
        await sessions.add(laptop, chain("laptop"))
        await sessions.relabel(phone.id, "new phone")

        assert await sessions.get(phone.id) == replace(phone, device="new phone")
        assert await sessions.get(laptop.id) == laptop

    async def test_another_label_for_an_unknown_session_is_ignored(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        await sessions.relabel(SessionId("unknown"), "new phone")

        assert await sessions.get(SessionId("unknown")) is None
        assert await sessions.get(phone.id) == phone

    # ends

    async def test_an_ended_session_is_found_with_its_end(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        await sessions.end([phone.id], at(5.001))

        assert await sessions.get(phone.id) == replace(phone, ended_at=at(5.001))

    async def test_ended_and_unknown_sessions_are_not_ended_again(
        self, sessions: SessionStore, phone: Session
    ) -> None:
        await sessions.end([phone.id], at(5))
        await sessions.end([SessionId("unknown"), phone.id], at(6))
        await sessions.end([], at(7))

        assert await sessions.get(phone.id) == replace(phone, ended_at=at(5))
        assert list(await sessions.ended_since(at(6))) == []

    async def test_a_users_sessions_that_have_not_ended_are_listed_the_latest_seen_first(
        self, sessions: SessionStore, users: UserStore
    ) -> None:
        ann, bob = await stored_users(users, "ann", "bob")
        stored = [
            replace(session(of), last_seen_at=at(seen))
            for of, seen in ((ann, 2), (ann, 4), (ann, 3), (ann, 1), (bob, 9))
        ]
        for number, each in enumerate(stored):
            await sessions.add(each, chain(f"{number}"))
        await sessions.end([stored[2].id], at(9))

        assert list(await sessions.of_user(ann.id)) == [stored[1], stored[0], stored[3]]
        assert list(await sessions.of_user(bob.id)) == [stored[4]]
        assert list(await sessions.of_user(UserId("nobody"))) == []

    async def test_the_sessions_that_ended_then_or_later_are_told_with_whose_they_were(
        self, sessions: SessionStore, users: UserStore, phone: Session
    ) -> None:
        (bob,) = await stored_users(users, "bob")
        others = [session(bob) for _ in range(2)]
        whose = {phone.id: phone.user_id, others[0].id: bob.id}
        for number, each in enumerate(others):
            await sessions.add(each, chain(f"{number}"))
        await sessions.end([phone.id], at(5))
        await sessions.end([others[0].id], at(6))

        for moment, ended in (
            (4.999, {phone.id, others[0].id}),
            (5, {phone.id, others[0].id}),
            (5.001, {others[0].id}),
            (6.001, set()),
        ):
            assert await sessions.ended_since(at(moment)) == {each: whose[each] for each in ended}

    async def test_the_networks_of_a_users_sessions_are_known_those_of_ended_ones_too(
        self, sessions: SessionStore, users: UserStore
    ) -> None:
        ann, bob = await stored_users(users, "ann", "bob")
        addresses = ["192.0.2.1", "2001:db8:0:1::1", "192.0.2.3"]
        stored = [replace(session(ann), address=each) for each in addresses]
        for number, each in enumerate((*stored, session(ann), session(bob))):
            await sessions.add(each, chain(f"{number}"))
        await sessions.end([stored[0].id], at(5))

        known = ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8:0:1:2::2", "192.0.2.3"]
        unknown = ["192.0.2.2", "2001:db8:0:2::1", "2001:db8::1", "unknown", ""]
        for address in (*known, *unknown):
            assert await sessions.knows(ann.id, address) == (address in known)
            assert not await sessions.knows(bob.id, address)
            assert not await sessions.knows(UserId("nobody"), address)
        await sessions.purge(at(9), limit=1)
        assert [await sessions.knows(ann.id, each) for each in addresses].count(False) == 1

    async def test_the_labels_and_addresses_of_a_users_devices_are_forgotten(
        self, sessions: SessionStore, users: UserStore, phone: Session
    ) -> None:
        (bob,) = await stored_users(users, "bob")
        live, ended = [
            replace(session(bob), address="192.0.2.1", user_agent="a browser") for _ in range(2)
        ]
        for number, each in enumerate((live, ended)):
            await sessions.add(each, chain(f"{number}"))
        await sessions.end([ended.id], at(5))
        await sessions.forget_devices(bob.id)

        blank = replace(live, device="", address=None, user_agent=None)
        assert await sessions.get(live.id) == blank
        assert await sessions.get(ended.id) == replace(blank, id=ended.id, ended_at=at(5))
        assert not await sessions.knows(bob.id, "192.0.2.1")
        assert await sessions.get(phone.id) == phone

    async def test_sessions_that_were_last_seen_before_and_have_not_ended_since_are_forgotten(
        self, sessions: SessionStore, users: UserStore
    ) -> None:
        (bob,) = await stored_users(users, "bob")
        old, older, ended, lately, seen = stored = [
            replace(session(bob), last_seen_at=at(seen)) for seen in (1, 2, 3, 4, 5)
        ]
        for number, each in enumerate(stored):
            await sessions.add(each, chain(f"{number}"))
        await sessions.end([ended.id], at(4.999))
        await sessions.end([lately.id], at(5))

        assert await sessions.purge(at(1), limit=9) == 0
        assert await sessions.purge(at(5), limit=2) == 2
        assert await sessions.purge(at(5), limit=9) == 1
        assert [await sessions.get(each.id) for each in (old, older, ended)] == [None] * 3
        assert await sessions.get(lately.id) == replace(lately, ended_at=at(5))
        assert await sessions.get(seen.id) == seen
        for number in range(3):
            with pytest.raises(TokenInvalid):
                await sessions.refresh(use(f"{number}", "next", 6, family=f"{number}"))
