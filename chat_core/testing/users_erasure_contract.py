# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `UserStore`: new passwords, and erased accounts."""

import asyncio
from dataclasses import replace

import pytest

from chat_core.errors import NotFound
from chat_core.ports.storage import UserStore
from chat_core.testing.makers import at, stored_users, user
from chat_core.users import Credentials, ProfileChange, User

NAMES = {"email": "ann@example.org", "display_name": "Ann Other"}


async def password_hash(users: UserStore, user: User) -> str:
    """Return the stored hash."""
    credentials = await users.credentials(str(user.username))
    if credentials is None:
        raise LookupError(user)
    return credentials.password_hash


class UserErasureContract:
    """Tests of new passwords and erased users that every `UserStore` must pass."""

    @pytest.fixture
    async def erased(self, users: UserStore) -> User:
        """Store and erase Ann."""
        ann = user("ann", **NAMES)
        await users.add(ann, "hash")
        await users.saw({ann.id: at(1)})
        return await users.erase(ann.id, at(5))

    async def test_a_password_hash_is_replaced(self, users: UserStore) -> None:
        ann, bob = await stored_users(users, "ann", "bob")
        await users.set_password_hash(ann.id, "another")

        for each, expected in ((ann, "another"), (bob, "hash")):
            credentials = await users.credentials(str(each.username))
            assert credentials is not None
            assert (credentials.user, credentials.password_hash) == (each, expected)

    async def test_a_password_hash_is_replaced_only_where_it_still_is_the_expected_one(
        self, users: UserStore
    ) -> None:
        ann, bob = await stored_users(users, "ann", "bob")
        await users.set_password_hash(ann.id, "another", instead_of="hash")
        assert await password_hash(users, ann) == "another"

        for outdated in ("hash", "", "ANOTHER", "anothe_"):
            await users.set_password_hash(ann.id, "a third", instead_of=outdated)
        assert await password_hash(users, ann) == "another"
        assert await password_hash(users, bob) == "hash"

    async def test_whether_a_password_has_to_be_changed_is_stored_with_its_hash(
        self, users: UserStore
    ) -> None:
        ann = replace(user("ann"), password_change_required=True)
        await users.add(ann, "hash")
        (bob,) = await stored_users(users, "bob")
        assert await users.get([ann.id, bob.id]) == {ann.id: ann, bob.id: bob}

        steps: list[tuple[str | None, bool | None, bool]] = [
            (None, None, True),
            ("hash", False, True),  # if the hash differs, this stays unchanged, too
            ("hash 0", None, True),
            ("hash 2", False, False),
            (None, True, True),
            (None, False, False),
        ]
        for number, (instead_of, given, expected) in enumerate(steps):
            await users.set_password_hash(
                ann.id, f"hash {number}", instead_of=instead_of, change_required=given
            )
            (ann,) = (await users.get([ann.id])).values()
            assert ann.password_change_required is expected
            assert await users.credentials("ann") == Credentials(
                ann, await password_hash(users, ann)
            )
        assert await users.get([bob.id]) == {bob.id: bob}

    async def test_an_erased_user_has_no_password_to_change(self, users: UserStore) -> None:
        ann = replace(user("ann"), password_change_required=True)
        await users.add(ann, "hash")

        assert not (await users.erase(ann.id, at(1))).password_change_required

    async def test_of_concurrent_replacements_of_one_password_hash_the_first_stays(
        self, users: UserStore
    ) -> None:
        (ann,) = await stored_users(users, "ann")
        await asyncio.gather(
            *(
                users.set_password_hash(ann.id, f"hash {number}", instead_of="hash")
                for number in range(8)
            )
        )

        stayed = await password_hash(users, ann)
        assert stayed in {f"hash {number}" for number in range(8)}
        await users.set_password_hash(ann.id, "late", instead_of="hash")
        assert await password_hash(users, ann) == stayed

    async def test_a_password_hash_of_an_unknown_or_erased_user_is_ignored(
        self, users: UserStore, erased: User
    ) -> None:
        await users.set_password_hash(user().id, "another")
        await users.set_password_hash(erased.id, "another")
        for gone in ("", "hash"):
            await users.set_password_hash(erased.id, "another", instead_of=gone)

        assert await users.credentials("ann") is None
        assert await users.get([erased.id]) == {erased.id: erased}

    async def test_of_an_erased_user_nothing_is_left_but_that_there_was_one(
        self, users: UserStore, erased: User
    ) -> None:
        assert erased == User(erased.id, None, None, None, created_at=at(0), deleted_at=at(5))
        assert await users.get([erased.id]) == {erased.id: erased}

    async def test_an_erased_user_is_found_by_get_alone(
        self, users: UserStore, erased: User
    ) -> None:
        (bob,) = await stored_users(users, "bob")
        for login in ("ann", "ann@example.org", "", "None"):
            assert await users.credentials(login) is None
        for prefix in ("", "a", "ann o", "none"):
            page = await users.search(prefix, without=erased.id, after=None, limit=9)
            assert erased not in page.items
            page = await users.search(prefix, without=bob.id, after=None, limit=9)
            assert list(page.items) == []

    async def test_an_erased_user_has_no_profile_to_change(
        self, users: UserStore, erased: User
    ) -> None:
        with pytest.raises(NotFound):
            await users.update(erased.id, ProfileChange("Ann", "ann@example.org"))

        assert await users.get([erased.id]) == {erased.id: erased}

    async def test_an_erased_user_is_not_seen_again(self, users: UserStore, erased: User) -> None:
        await users.saw({erased.id: at(9)})

        assert await users.get([erased.id]) == {erased.id: erased}

    async def test_the_names_and_the_address_can_be_used_again(
        self, users: UserStore, erased: User
    ) -> None:
        again = user("ann", **NAMES)
        await users.add(again, "another")

        credentials = await users.credentials("ann@example.org")
        assert credentials is not None
        assert credentials.user == again
        assert (await users.get([erased.id]))[erased.id] == erased

    async def test_many_can_be_erased(self, users: UserStore, erased: User) -> None:
        bob, eve = await stored_users(users, "bob", "eve")
        gone = await users.erase(bob.id, at(6))

        assert gone == replace(bob, username=None, display_name=None, email=None, deleted_at=at(6))
        assert await users.get([bob.id, eve.id, erased.id]) == {
            bob.id: gone,
            eve.id: eve,
            erased.id: erased,
        }

    async def test_to_erase_again_or_an_unknown_user_is_not_found(
        self, users: UserStore, erased: User
    ) -> None:
        for user_id in (erased.id, user().id):
            with pytest.raises(NotFound):
                await users.erase(user_id, at(7))

        assert (await users.get([erased.id]))[erased.id].deleted_at == at(5)
