"""What presence announces, and how often: bounds for users who change all the time."""

import asyncio

import pytest

from chat_core import ConnectionId, Presence, PresenceChanged, User, UserId, UserUpdated
from chat_core.errors import Unavailable
from chat_core.log import Log
from chat_core.memory import (
    MemoryLogStore,
    RecordingNotifier,
)
from chat_core.services.presence import AUDIENCE_AT_ONCE, PAUSE_SECONDS, USERS_AT_ONCE
from chat_core.testing.clock import ManualClock
from chat_core.testing.makers import at, direct, draft, stored_users
from chat_core.users import ProfileChange
from tests.support.presence import Peers, Users, running
from tests.support.waiting import settle, until

PHONE = ConnectionId("phone")


@pytest.fixture
async def people(users: Users, conversations: Peers) -> list[User]:
    """Ann talks to Bob."""
    ann, bob = await stored_users(users, "ann", "bob")
    await Log(MemoryLogStore(conversations)).append(draft(direct(ann, bob), ann))
    return [ann, bob]


def names_told(notifier: RecordingNotifier) -> list[str | None]:
    """The names that users were announced under, in order."""
    return [
        event.user.display_name for event in notifier.events() if isinstance(event, UserUpdated)
    ]


# who comes and goes all the time
async def test_a_user_who_comes_and_goes_is_announced_at_once_and_then_once_in_a_pause(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    users: Users,
    clock: ManualClock,
    people: list[User],
) -> None:
    ann, _ = people
    async with running(presence):
        for _ in range(100):  # ten seconds of it
            for _ in range(5):
                presence.connected(ann.id, PHONE)
                await settle()
                presence.disconnected(ann.id, PHONE)
                await settle()
            clock.advance(0.1)
            await settle()

    assert len(conversations.reads) <= len(notifier.notifications) <= 11
    assert len(users.writes) <= 11
    first = notifier.notifications[0].event
    assert isinstance(first, PresenceChanged)
    assert first.online


async def test_what_holds_at_the_end_of_the_pause_is_announced(
    presence: Presence, notifier: RecordingNotifier, clock: ManualClock, people: list[User]
) -> None:
    ann, _ = people
    async with running(presence):
        presence.connected(ann.id, PHONE)
        await until(lambda: len(notifier.notifications) == 1)
        clock.advance(0.25)
        presence.disconnected(ann.id, PHONE)
        clock.advance(0.5)
        await settle()
        assert len(notifier.notifications) == 1
        clock.advance(PAUSE_SECONDS)
        await until(lambda: len(notifier.notifications) == 2)

    assert notifier.notifications[1].event == PresenceChanged(
        ann.id, online=False, last_seen_at=at(0.25)
    )


async def test_whoever_is_back_before_the_pause_is_over_did_not_change(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    clock: ManualClock,
    people: list[User],
) -> None:
    ann, _ = people
    async with running(presence):
        presence.connected(ann.id, PHONE)
        await until(lambda: len(notifier.notifications) == 1)
        presence.disconnected(ann.id, PHONE)
        presence.connected(ann.id, PHONE)
        clock.advance(PAUSE_SECONDS)
        await settle()

    assert (len(notifier.notifications), len(conversations.reads)) == (1, 1)
    assert presence.of(ann).online


async def test_the_pause_of_one_user_holds_up_no_other(
    presence: Presence, notifier: RecordingNotifier, people: list[User]
) -> None:
    ann, bob = people
    async with running(presence):
        presence.connected(ann.id, PHONE)
        await until(lambda: len(notifier.notifications) == 1)
        presence.disconnected(ann.id, PHONE)
        await settle()
        presence.connected(bob.id, PHONE)
        await until(lambda: len(notifier.notifications) == 2)

    assert [each.event.user_id for each in notifier.notifications] == [ann.id, bob.id]  # type: ignore[union-attr]


# many at once
async def test_the_peers_of_a_crowd_are_read_in_parts(
    presence: Presence, conversations: Peers, notifier: RecordingNotifier, users: Users
) -> None:
    crowd = await stored_users(users, *(f"user{number}" for number in range(2 * USERS_AT_ONCE + 1)))
    for each in crowd:
        presence.connected(each.id, PHONE)
    await presence.announce()

    assert [len(read) for read in conversations.reads] == [USERS_AT_ONCE, USERS_AT_ONCE, 1]
    assert [event.user_id for event in notifier.events()] == [each.id for each in crowd]  # type: ignore[union-attr]


async def test_a_crowd_is_told_in_parts_with_others_in_between(
    presence: Presence, conversations: Peers, notifier: RecordingNotifier, people: list[User]
) -> None:
    conversations.crowd = [UserId(f"peer{number}") for number in range(2 * AUDIENCE_AT_ONCE + 1)]
    steps = 0
    presence.connected(people[0].id, PHONE)
    announcing = asyncio.create_task(presence.announce())
    told: list[int] = []
    while not announcing.done():
        await asyncio.sleep(0)
        steps += 1
        told.append(len(notifier.notifications))
        assert steps < 100

    assert {1, 2, 3} <= set(told)
    parts = [each.audience for each in notifier.notifications]
    assert [len(part) for part in parts] == [AUDIENCE_AT_ONCE, AUDIENCE_AT_ONCE, 1]
    assert frozenset().union(*parts) == set(conversations.crowd)


# names
async def test_a_new_name_is_announced_at_once_and_of_several_in_a_pause_the_last(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    users: Users,
    clock: ManualClock,
    people: list[User],
) -> None:
    ann, bob = people
    async with running(presence):
        for number in range(5):
            await users.update(ann.id, ProfileChange(display_name=f"Ann {number}"))
            presence.renamed(ann.id)
            await settle()
        assert names_told(notifier) == ["Ann 0"]
        clock.advance(PAUSE_SECONDS)
        await until(lambda: len(notifier.notifications) == 2)

    assert names_told(notifier) == ["Ann 0", "Ann 4"]
    assert [set(each.audience) for each in notifier.notifications] == [{ann.id, bob.id}] * 2
    assert len(conversations.reads) == 2


async def test_a_name_that_changes_while_the_store_is_read_is_announced_again(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    users: Users,
    clock: ManualClock,
    people: list[User],
) -> None:
    ann, _ = people
    conversations.ready.clear()
    await users.update(ann.id, ProfileChange(display_name="Anna"))
    presence.renamed(ann.id)
    first = asyncio.create_task(presence.announce())
    await until(lambda: conversations.reads)
    await users.update(ann.id, ProfileChange(display_name="Annie"))
    presence.renamed(ann.id)
    conversations.ready.set()
    await first
    clock.advance(PAUSE_SECONDS)
    await presence.announce()

    assert names_told(notifier) == ["Anna", "Annie"]


async def test_while_the_store_is_out_of_reach_a_name_waits(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    users: Users,
    people: list[User],
) -> None:
    ann, _ = people
    await users.update(ann.id, ProfileChange(display_name="Anna"))
    presence.renamed(ann.id)
    conversations.down = True
    with pytest.raises(Unavailable):
        await presence.announce()
    assert notifier.notifications == []

    conversations.down = False
    await presence.announce()
    assert names_told(notifier) == ["Anna"]
    await presence.announce()
    assert names_told(notifier) == ["Anna"]


async def test_a_user_who_came_under_a_new_name_is_announced_with_both(
    presence: Presence, conversations: Peers, notifier: RecordingNotifier, people: list[User]
) -> None:
    ann, bob = people
    presence.renamed(ann.id)
    presence.connected(ann.id, PHONE)
    await presence.announce()

    assert [type(event) for event in notifier.events()] == [PresenceChanged, UserUpdated]
    assert [set(each.audience) for each in notifier.notifications] == [{bob.id}, {ann.id, bob.id}]
    assert conversations.reads == [{ann.id}]
