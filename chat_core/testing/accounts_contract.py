# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `AccountStore`."""

from dataclasses import replace

import pytest

from chat_core.errors import NotFound
from chat_core.ids import UserId
from chat_core.ports.storage import AccountStore, UserStore
from chat_core.testing.makers import at, stored_users, user
from chat_core.users import Credentials, ProfileChange, User

NOBODY = UserId("nobody")
MAX_PAGES = 20
"""More pages than any test has, so that endless paging fails."""


async def pages(accounts: AccountStore, *, limit: int = 2) -> list[list[User]]:
    """Return every page of the accounts."""
    found: list[list[User]] = []
    place: UserId | None = None
    while place is not None or not found:
        page = await accounts.accounts(after=place, limit=limit)
        found.append(list(page.items))
        place = page.next
        assert len(found) <= MAX_PAGES
    return found


class AccountStoreContract:
    """Tests that every `AccountStore` must pass.

    Subclass it, and give it the fixtures `accounts` and `users`, of the same backend.
    """

    # accounts

    async def test_every_account_is_listed_in_the_order_of_ids_erased_and_disabled_ones_too(
        self, users: UserStore, accounts: AccountStore
    ) -> None:
        assert await pages(accounts) == [[]]
        ann, bob, eve = [replace(each, id=UserId(f"u-{n}")) for each, n in zip(
            (user("zed"), user("Bob"), user("ann")), "bca", strict=True
        )]  # fmt: skip
        for each in (ann, bob, eve):
            await users.add(each, "hash")
        disabled = await accounts.disable(bob.id, at(5))
        erased = await users.erase(ann.id, at(6))

        assert await pages(accounts, limit=9) == [[eve, erased, disabled]]

    @pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
    async def test_from_page_to_page_each_account_is_found_once(
        self, users: UserStore, accounts: AccountStore, limit: int
    ) -> None:
        stored = await stored_users(users, *(f"user{number}" for number in range(6)))

        found = await pages(accounts, limit=limit)
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
        assert 1 <= len(found[-1]) <= limit
        assert [each for page in found for each in page] == sorted(stored, key=lambda of: of.id)

    # disable

    async def test_since_when_a_user_is_disabled_is_noted_and_returned(
        self, users: UserStore, accounts: AccountStore
    ) -> None:
        ann, bob = await stored_users(users, "ann", "bob")
        disabled = await accounts.disable(ann.id, at(1.234))

        assert disabled == replace(ann, disabled_at=at(1.234))
        assert await users.get([ann.id, bob.id]) == {ann.id: disabled, bob.id: bob}

    async def test_a_disabled_user_stays_so_since_the_first_time(
        self, users: UserStore, accounts: AccountStore
    ) -> None:
        (ann,) = await stored_users(users, "ann")
        first = await accounts.disable(ann.id, at(2))

        for moment in (3, 1):
            assert await accounts.disable(ann.id, at(moment)) == first
        assert await users.get([ann.id]) == {ann.id: first}

    async def test_a_disabled_user_is_found_as_before_and_nothing_else_changes(
        self, users: UserStore, accounts: AccountStore
    ) -> None:
        ann = user("ann", email="ann@example.org", display_name="Ann Other")
        await users.add(ann, "the hash")
        disabled = await accounts.disable(ann.id, at(2))

        for login in ("ANN", "ann@example.org"):
            assert await users.credentials(login) == Credentials(disabled, "the hash")
        for prefix in ("", "ann o"):
            page = await users.search(prefix, without=NOBODY, after=None, limit=9)
            assert list(page.items) == [disabled]
        renamed = await users.update(ann.id, ProfileChange("Annie"))
        assert renamed == replace(disabled, display_name="Annie")

    async def test_once_a_disabled_user_is_erased_it_is_forgotten(
        self, users: UserStore, accounts: AccountStore
    ) -> None:
        (ann,) = await stored_users(users, "ann")
        await accounts.disable(ann.id, at(2))

        erased = await users.erase(ann.id, at(3))
        assert erased == User(ann.id, None, None, None, ann.created_at, deleted_at=at(3))
        assert await users.get([ann.id]) == {ann.id: erased}

    # enable

    async def test_an_enabled_user_is_disabled_no_more(
        self, users: UserStore, accounts: AccountStore
    ) -> None:
        ann, bob = await stored_users(users, "ann", "bob")
        await accounts.disable(ann.id, at(1))
        still = await accounts.disable(bob.id, at(1))

        assert await accounts.enable(ann.id) == ann
        assert await users.get([ann.id, bob.id]) == {ann.id: ann, bob.id: still}
        assert (await accounts.disable(ann.id, at(5))).disabled_at == at(5)

    async def test_to_enable_one_who_is_not_disabled_changes_nothing(
        self, users: UserStore, accounts: AccountStore
    ) -> None:
        (ann,) = await stored_users(users, "ann")

        assert await accounts.enable(ann.id) == ann
        assert await users.get([ann.id]) == {ann.id: ann}

    # both

    async def test_an_unknown_or_erased_user_is_neither_disabled_nor_enabled(
        self, users: UserStore, accounts: AccountStore
    ) -> None:
        (ann,) = await stored_users(users, "ann")
        erased = await users.erase(ann.id, at(1))

        for gone in (NOBODY, ann.id):
            with pytest.raises(NotFound):
                await accounts.disable(gone, at(2))
            with pytest.raises(NotFound):
                await accounts.enable(gone)
        assert await users.get([ann.id]) == {ann.id: erased}
