# ruff: noqa: D102 (a test's name is its sentence)
"""Contract tests for `Maintenance`."""

from collections.abc import Awaitable, Callable, Collection, Sequence

import pytest

from chat_core.findings import Finding, Level
from chat_core.ports.maintenance import Maintenance
from chat_core.ports.system import Clock

UserCounter = Callable[[Maintenance], Awaitable[int]]
Lookout = Callable[[Maintenance], Awaitable[bool]]


def problems(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that the operator must act on."""
    return [each for each in findings if each.level is Level.PROBLEM]


class MaintenanceContract:
    """Tests that every `Maintenance` must pass. Subclass it, and give it these fixtures.

    `current` is for an up-to-date database, `behind` for an outdated one with users in it, `absent`
    for a database that does not exist, and `unusable` for one that can't be opened; `refusals` are
    the types of the errors that opening it raises. `clock` is the machine's clock. `count_users`
    returns the number of users in a database, and `is_there` whether it exists.
    """

    async def test_nothing_is_pending_where_the_database_is_up_to_date(
        self, current: Maintenance
    ) -> None:
        assert list(await current.pending()) == []
        assert list(await current.migrate()) == []

    async def test_what_is_done_is_what_was_pending_and_nothing_is_pending_then(
        self, behind: Maintenance
    ) -> None:
        pending = list(await behind.pending())

        assert pending
        assert list(await behind.pending()) == pending
        assert list(await behind.migrate()) == pending
        assert list(await behind.pending()) == []

    async def test_what_was_stored_is_there_afterwards(
        self, behind: Maintenance, count_users: UserCounter
    ) -> None:
        stored = await count_users(behind)
        await behind.migrate()

        assert await count_users(behind) == stored > 0

    async def test_to_look_makes_no_database(
        self, absent: Maintenance, is_there: Lookout, clock: Clock
    ) -> None:
        assert list(await absent.pending())
        assert problems(await absent.examine(clock)) == []

        assert not await is_there(absent)
        await absent.migrate()
        assert await is_there(absent)
        assert list(await absent.pending()) == []

    async def test_to_examine_changes_nothing(self, behind: Maintenance, clock: Clock) -> None:
        pending = list(await behind.pending())
        await behind.examine(clock)

        assert list(await behind.pending()) == pending

    async def test_of_what_is_well_and_up_to_date_there_is_no_problem(
        self, current: Maintenance, clock: Clock
    ) -> None:
        found = await current.examine(clock)

        assert found
        assert problems(found) == []

    async def test_what_can_not_be_used_is_refused_and_is_a_problem_with_what_to_do(
        self,
        unusable: Maintenance,
        refusals: Collection[type[Exception]],
        clock: Clock,
    ) -> None:
        for call in (unusable.pending, unusable.migrate):
            with pytest.raises(tuple(refusals)):
                await call()

        found = problems(await unusable.examine(clock))
        assert found
        assert all(each.remedy for each in found)
