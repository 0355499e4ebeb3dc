# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `UserDirectory`."""

from datetime import timedelta

from chat_core.ids import UserId
from chat_core.ports.storage import UserDirectory
from chat_core.testing.makers import at
from chat_core.users import User

NOBODY = UserId("nobody")


class UserDirectoryContract:
    """Tests that every `UserDirectory` must pass.

    Subclass it, and give it the fixtures `users`, a directory, and `people`: three users in it, as
    `get` should return them, who were never seen.
    """

    async def test_users_are_found_by_id_and_unknown_ids_are_left_out(
        self, users: UserDirectory, people: list[User]
    ) -> None:
        ann, bob, _ = people

        assert await users.get([ann.id, NOBODY, bob.id]) == {ann.id: ann, bob.id: bob}
        assert await users.get([]) == {}

    async def test_times_come_back_as_they_were_given(
        self, users: UserDirectory, people: list[User]
    ) -> None:
        ann = people[0]
        await users.saw({ann.id: at(1.234)})

        stored = (await users.get([ann.id]))[ann.id]
        assert (stored.created_at, stored.last_seen_at) == (ann.created_at, at(1.234))
        assert stored.created_at.utcoffset() == timedelta(0)

    async def test_when_users_were_last_seen_is_noted(
        self, users: UserDirectory, people: list[User]
    ) -> None:
        ann, bob, eve = (each.id for each in people)
        await users.saw({ann: at(1), bob: at(2)})
        await users.saw({bob: at(3)})

        stored = await users.get([ann, bob, eve])
        assert [stored[each].last_seen_at for each in (ann, bob, eve)] == [at(1), at(3), None]

    async def test_a_time_before_the_one_that_is_stored_changes_nothing(
        self, users: UserDirectory, people: list[User]
    ) -> None:
        ann = people[0].id
        await users.saw({ann: at(2)})
        await users.saw({ann: at(1.999)})

        assert (await users.get([ann]))[ann].last_seen_at == at(2)

    async def test_unknown_users_that_were_seen_are_ignored(
        self, users: UserDirectory, people: list[User]
    ) -> None:
        ann = people[0].id
        await users.saw({NOBODY: at(1), ann: at(1)})

        stored = await users.get([NOBODY, ann])
        assert {each: stored[each].last_seen_at for each in stored} == {ann: at(1)}
