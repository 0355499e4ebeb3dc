# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `UserStore`."""

import asyncio

import pytest

from chat_core.errors import EmailTaken, NotFound, UsernameTaken
from chat_core.ids import UserId
from chat_core.ports.storage import UserStore
from chat_core.testing.directory_contract import NOBODY, UserDirectoryContract
from chat_core.testing.makers import stored_users, user
from chat_core.testing.users_erasure_contract import UserErasureContract
from chat_core.users import Credentials, NamePlace, ProfileChange, User

MAX_PAGES = 20
"""More pages than any test has, so that endless paging fails."""


async def pages(
    users: UserStore, prefix: str, *, without: UserId = NOBODY, limit: int = 2
) -> list[list[User]]:
    """Return every page of a search."""
    found: list[list[User]] = []
    place: NamePlace | None = None
    while place is not None or not found:
        page = await users.search(prefix, without=without, after=place, limit=limit)
        found.append(list(page.items))
        place = page.next
        assert len(found) <= MAX_PAGES
    return found


async def usernames(
    users: UserStore, prefix: str, *, without: UserId = NOBODY, limit: int = 2
) -> list[str | None]:
    """Return the user names of all users that a search finds, in order."""
    found = await pages(users, prefix, without=without, limit=limit)
    return [each.username for page in found for each in page]


class UserStoreContract(UserDirectoryContract, UserErasureContract):
    """Tests that every `UserStore` must pass. Subclass it, and give it a `users` fixture."""

    @pytest.fixture
    async def people(self, users: UserStore) -> list[User]:
        """Store Ann, Bob and Eve."""
        return await stored_users(users, "ann", "bob", "eve")

    @pytest.mark.parametrize(
        ("name", "email"),
        [("ANN", None), ("other", "ANN@EXAMPLE.ORG"), ("other", "\uff21nn@\uff25xample.org")],
    )
    async def test_names_and_addresses_are_compared_folded(
        self, users: UserStore, name: str, email: str | None
    ) -> None:
        await users.add(user("Ann", email="Ann@Example.org"), "hash")

        with pytest.raises((UsernameTaken, EmailTaken)):
            await users.add(user(name, email=email), "hash")

    # add

    async def test_a_new_account_is_stored_with_its_hash(self, users: UserStore) -> None:
        ann = user("ann", email="ann@example.org", display_name="Ann \U0001f600")
        await users.add(ann, "the hash")

        assert await users.get([ann.id]) == {ann.id: ann}
        assert await users.credentials("ann") == Credentials(ann, "the hash")

    async def test_a_name_that_another_account_has_is_refused_and_nothing_is_stored(
        self, users: UserStore
    ) -> None:
        await stored_users(users, "ann")
        second = user("Ann", email="second@example.org")

        with pytest.raises(UsernameTaken):
            await users.add(second, "hash")
        assert await users.get([second.id]) == {}
        await users.add(user("bob", email="second@example.org"), "hash")

    async def test_an_address_that_another_account_has_is_refused_and_nothing_is_stored(
        self, users: UserStore
    ) -> None:
        await users.add(user("ann", email="ann@example.org"), "hash")
        second = user("bob", email="Ann@Example.org")

        with pytest.raises(EmailTaken):
            await users.add(second, "hash")
        assert await users.get([second.id]) == {}
        await stored_users(users, "bob")

    async def test_of_concurrent_calls_with_one_name_one_succeeds(self, users: UserStore) -> None:
        same = [user(name) for name in ("ann", "Ann", "ANN", "aNN")]

        results = await asyncio.gather(
            *(users.add(each, "hash") for each in same), return_exceptions=True
        )
        assert sum(result is None for result in results) == 1
        assert sum(isinstance(result, UsernameTaken) for result in results) == 3
        assert len(await users.get([each.id for each in same])) == 1

    # credentials

    @pytest.mark.parametrize("login", ["Ann", "aNN", "Ann@Example.org", "aNN@eXAMPLE.ORG"])
    async def test_credentials_are_found_by_name_or_address_whatever_the_case(
        self, users: UserStore, login: str
    ) -> None:
        ann = user("Ann", email="Ann@Example.org")
        await users.add(ann, "the hash")
        await stored_users(users, "bob")

        assert await users.credentials(login) == Credentials(ann, "the hash")

    @pytest.mark.parametrize("login", ["bob", "", "an", "ann ", "%", "a_n", "@", '{"$gt": ""}'])
    async def test_credentials_of_an_unknown_login_are_none(
        self, users: UserStore, login: str
    ) -> None:
        await stored_users(users, "ann")

        assert await users.credentials(login) is None

    # update

    async def test_an_update_returns_the_profile_as_it_is_then(self, users: UserStore) -> None:
        (ann,) = await stored_users(users, "ann")
        changed = await users.update(
            ann.id, ProfileChange(display_name="Annie", email="ann@example.org")
        )

        assert (changed.display_name, changed.email) == ("Annie", "ann@example.org")
        assert await users.get([ann.id]) == {ann.id: changed}
        assert await users.credentials("ann@example.org") == Credentials(changed, "hash")

    async def test_what_is_unchanged_in_a_change_stays_as_it_is(self, users: UserStore) -> None:
        ann = user("ann", email="ann@example.org", display_name="Ann")
        await users.add(ann, "hash")

        assert await users.update(ann.id, ProfileChange()) == ann
        renamed = await users.update(ann.id, ProfileChange(display_name="Annie"))
        assert (renamed.display_name, renamed.email) == ("Annie", "ann@example.org")
        moved = await users.update(ann.id, ProfileChange(email="annie@example.org"))
        assert (moved.display_name, moved.email) == ("Annie", "annie@example.org")

    async def test_what_is_none_in_a_change_is_removed(self, users: UserStore) -> None:
        ann = user("ann", email="ann@example.org", display_name="Annie")
        await users.add(ann, "hash")

        without = await users.update(ann.id, ProfileChange(email=None))
        assert (without.display_name, without.email) == ("Annie", None)
        assert await users.credentials("ann@example.org") is None
        assert await users.update(ann.id, ProfileChange(email=None)) == without
        unnamed = await users.update(ann.id, ProfileChange(display_name=None))
        assert await users.get([ann.id]) == {ann.id: unnamed}
        assert (unnamed.display_name, unnamed.email) == (None, None)
        page = await users.search("annie", without=NOBODY, after=None, limit=9)
        assert list(page.items) == []
        await users.add(user("bob", email="ann@example.org"), "hash")

    async def test_an_update_of_an_unknown_user_is_not_found(self, users: UserStore) -> None:
        await stored_users(users, "ann")

        with pytest.raises(NotFound):
            await users.update(NOBODY, ProfileChange(display_name="No one"))

    async def test_an_update_to_an_address_that_another_account_has_changes_nothing(
        self, users: UserStore
    ) -> None:
        await users.add(user("ann", email="ann@example.org"), "hash")
        bob = user("bob", email="bob@example.org")
        await users.add(bob, "hash")

        with pytest.raises(EmailTaken):
            await users.update(bob.id, ProfileChange(display_name="B", email="ANN@example.org"))
        assert await users.get([bob.id]) == {bob.id: bob}
        again = await users.update(bob.id, ProfileChange(email="BOB@example.org"))
        assert again.email == "BOB@example.org"

    async def test_the_address_that_an_account_had_before_is_free(self, users: UserStore) -> None:
        ann = user("ann", email="ann@example.org")
        await users.add(ann, "hash")
        await users.update(ann.id, ProfileChange(email="annie@example.org"))

        assert await users.credentials("ann@example.org") is None
        await users.add(user("bob", email="ann@example.org"), "hash")

    # search

    async def test_a_search_finds_the_beginnings_of_both_names_in_the_order_of_that_name(
        self, users: UserStore
    ) -> None:
        await users.add(user("zed", display_name="Annabel"), "hash")
        await users.add(user("anna", display_name="Zoe"), "hash")
        await users.add(user("hanna", display_name="Joanna"), "hash")
        await users.add(user("yan", display_name="Ann of Yonder"), "hash")
        await users.add(user("bob", display_name="Bob"), "hash")

        assert await usernames(users, "an") == ["yan", "anna", "zed"]
        assert await usernames(users, "annabel") == ["zed"]
        assert await usernames(users, "none") == []

    async def test_names_are_ordered_by_code_point_and_no_character_stands_for_others(
        self, users: UserStore
    ) -> None:
        for number, name in enumerate(
            ["m\U0010ffff", "m\U0001f600", "m\ue000", "m\ud7ff", "mz", "m%", "m_", "m.", "m*", "m["]
        ):
            await users.add(user(f"user{number}", display_name=name), "hash")

        found = await pages(users, "m")
        assert [each.display_name for page in found for each in page] == [
            "m%", "m*", "m.", "m[", "m_", "mz", "m\ud7ff", "m\ue000", "m\U0001f600", "m\U0010ffff",
        ]  # fmt: skip
        for name, username in [
            ("m%", "user5"),
            ("m_", "user6"),
            ("m.", "user7"),
            ("m*", "user8"),
            ("m[", "user9"),
            ("m\ud7ff", "user3"),
            ("m\U0010ffff", "user0"),
        ]:
            assert await usernames(users, name) == [username]
        assert await usernames(users, "%") == []

    async def test_case_does_not_matter_and_each_user_is_listed_once_under_the_user_name(
        self, users: UserStore
    ) -> None:
        await users.add(user("Annika", display_name="AAnn"), "hash")
        await users.add(user("aaron", display_name="Aaron A"), "hash")
        await users.add(user("zoe", display_name="\uff21\u00c4nne"), "hash")

        assert await usernames(users, "A") == ["aaron", "Annika", "zoe"]
        assert await usernames(users, "ANN") == ["Annika"]
        assert await usernames(users, "a\u00e4") == ["zoe"]

    async def test_an_empty_prefix_lists_every_user_by_user_name(self, users: UserStore) -> None:
        await users.add(user("zed", display_name="Aaron"), "hash")
        await users.add(user("Bob", display_name="Zoe"), "hash")
        await users.add(user("ann", display_name="Mia"), "hash")

        assert await usernames(users, "") == ["ann", "Bob", "zed"]

    async def test_the_one_that_a_search_is_without_is_left_out(self, users: UserStore) -> None:
        _, second, _ = await stored_users(users, "ann1", "ann2", "ann3")

        assert await usernames(users, "ann", without=second.id) == ["ann1", "ann3"]

    @pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
    async def test_from_page_to_page_each_user_is_found_once(
        self, users: UserStore, limit: int
    ) -> None:
        alike = [user(f"user{number}", display_name="Same Name") for number in range(6)]
        for each in alike:
            await users.add(each, "hash")

        found = await pages(users, "same", limit=limit)
        assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
        assert 1 <= len(found[-1]) <= limit
        everyone = sorted(each.id for page in found for each in page)
        assert everyone == sorted(each.id for each in alike)
