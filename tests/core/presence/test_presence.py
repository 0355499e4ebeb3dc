import asyncio
from datetime import datetime

import pytest

from chat_core import (
    ConnectionId,
    Presence,
    PresenceChanged,
    User,
    UserPresence,
)
from chat_core.errors import TooManyConnections, Unavailable
from chat_core.log import Log
from chat_core.memory import (
    MemoryLogStore,
    RecordingNotifier,
)
from chat_core.memory.notifications import Notification
from chat_core.services.presence import PAUSE_SECONDS, RETRY_SECONDS, SEEN_EVERY_SECONDS
from chat_core.testing.clock import START, ManualClock
from chat_core.testing.makers import at, direct, draft, stored_users
from tests.support.presence import Peers, Users, running
from tests.support.waiting import settle, until

PHONE, LAPTOP, TABLET = (ConnectionId(each) for each in ("phone", "laptop", "tablet"))


@pytest.fixture
async def people(users: Users, conversations: Peers) -> list[User]:
    """Ann talks to Bob and to Eve; Joe to no one."""
    ann, bob, eve, joe = await stored_users(users, "ann", "bob", "eve", "joe")
    for other in (bob, eve):
        await Log(MemoryLogStore(conversations)).append(draft(direct(ann, other), ann))
    return [ann, bob, eve, joe]


def told(user: User, seen: datetime, *to: User, online: bool) -> Notification:
    audience = frozenset(each.id for each in to)
    return Notification(PresenceChanged(user.id, online, seen), audience, None)


# counting


def test_the_number_of_live_connections_is_told(presence: Presence, people: list[User]) -> None:
    ann = people[0].id

    assert [presence.connected(ann, each) for each in (PHONE, LAPTOP)] == [1, 2]
    presence.disconnected(ann, PHONE)
    assert presence.connected(ann, TABLET) == 2


def test_a_user_may_have_only_so_many_connections(presence: Presence, people: list[User]) -> None:
    ann, bob, *_ = people
    for each in (PHONE, LAPTOP):
        presence.connected(ann.id, each)

    with pytest.raises(TooManyConnections) as caught:
        presence.connected(ann.id, TABLET)
    assert caught.value.retry_after
    assert presence.of(ann).devices == 2
    assert presence.connected(bob.id, TABLET) == 1
    presence.disconnected(ann.id, TABLET)
    presence.disconnected(ann.id, PHONE)
    assert presence.connected(ann.id, TABLET) == 2


def test_a_connection_that_is_counted_already_is_not_one_too_many(
    presence: Presence, people: list[User]
) -> None:
    ann = people[0].id

    assert [presence.connected(ann, each) for each in (PHONE, LAPTOP, PHONE)] == [1, 2, 2]


async def test_whoever_is_here_is_seen_now_and_whoever_left_when_they_left(
    presence: Presence, users: Users, clock: ManualClock, people: list[User]
) -> None:
    ann = people[0]
    assert presence.of(ann) == UserPresence(online=False, devices=0, last_seen_at=None)
    presence.connected(ann.id, PHONE)
    clock.advance(5)
    assert presence.of(ann) == UserPresence(online=True, devices=1, last_seen_at=at(5))
    presence.disconnected(ann.id, PHONE)
    clock.advance(5)
    left = UserPresence(online=False, devices=0, last_seen_at=at(5))
    assert presence.of(ann) == left

    await presence.announce()
    assert presence.of((await users.get([ann.id]))[ann.id]) == left


async def test_the_later_of_what_is_stored_and_what_is_known_here_is_shown(
    presence: Presence, users: Users, clock: ManualClock, people: list[User]
) -> None:
    ann = people[0]
    await users.saw({ann.id: at(3)})
    presence.connected(ann.id, PHONE)
    presence.disconnected(ann.id, PHONE)
    stored = (await users.get([ann.id]))[ann.id]
    assert presence.of(stored).last_seen_at == at(3)

    clock.advance(4)
    presence.connected(ann.id, PHONE)
    presence.disconnected(ann.id, PHONE)
    assert presence.of(stored).last_seen_at == at(4)


# announce


async def test_who_came_and_who_went_is_told_to_those_who_share_a_conversation(
    presence: Presence, notifier: RecordingNotifier, clock: ManualClock, people: list[User]
) -> None:
    ann, bob, eve, _ = people
    presence.connected(ann.id, PHONE)
    await presence.announce()
    clock.advance(60)
    presence.disconnected(ann.id, PHONE)
    clock.advance(1)
    await presence.announce()

    assert notifier.notifications == [
        told(ann, START, bob, eve, online=True),
        told(ann, at(60), bob, eve, online=False),
    ]


async def test_a_second_device_changes_nothing(
    presence: Presence, notifier: RecordingNotifier, people: list[User]
) -> None:
    ann, *_ = people
    presence.connected(ann.id, PHONE)
    await presence.announce()
    presence.connected(ann.id, LAPTOP)
    presence.disconnected(ann.id, PHONE)
    await presence.announce()

    assert len(notifier.notifications) == 1


async def test_who_left_and_came_back_or_came_and_left_in_between_did_not_change(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    users: Users,
    clock: ManualClock,
    people: list[User],
) -> None:
    ann, bob, *_ = people
    presence.connected(ann.id, PHONE)
    await presence.announce()
    clock.advance(5)
    presence.disconnected(ann.id, PHONE)
    presence.connected(ann.id, LAPTOP)
    presence.connected(bob.id, PHONE)
    presence.disconnected(bob.id, PHONE)
    await presence.announce()

    assert len(notifier.notifications) == 1
    assert conversations.reads == [{ann.id}]
    assert (await users.get([bob.id]))[bob.id].last_seen_at == at(5)


async def test_many_changes_are_one_read(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    users: Users,
    clock: ManualClock,
    people: list[User],
) -> None:
    ann, bob, eve, joe = people
    for each in people:
        presence.connected(each.id, PHONE)
    await presence.announce()
    for each in people:
        presence.disconnected(each.id, PHONE)
    clock.advance(PAUSE_SECONDS)
    await presence.announce()

    everyone = {each.id for each in people}
    assert conversations.reads == [everyone, everyone]
    assert users.writes == [dict.fromkeys(everyone, START)]
    assert notifier.notifications == [
        told(each, START, *to, online=online)
        for online in (True, False)
        for each, to in ((ann, (bob, eve)), (bob, (ann,)), (eve, (ann,)), (joe, ()))
    ]


async def test_nothing_new_is_not_told_and_costs_no_read(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    users: Users,
    people: list[User],
) -> None:
    presence.connected(people[0].id, PHONE)
    for _ in range(3):
        await presence.announce()

    assert (len(notifier.notifications), len(conversations.reads), users.writes) == (1, 1, [])


async def test_while_the_store_is_out_of_reach_changes_wait_and_are_told_truthfully(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    users: Users,
    clock: ManualClock,
    people: list[User],
) -> None:
    ann, bob, eve, joe = people
    for each in (ann, bob):
        presence.connected(each.id, PHONE)
    await presence.announce()
    notifier.notifications.clear()
    for outage in (users, conversations):
        outage.down = True
        clock.advance(10)
        for each in (ann, bob):
            presence.disconnected(each.id, PHONE)
        presence.connected(joe.id, PHONE)
        with pytest.raises(Unavailable):
            await presence.announce()
        clock.advance(10)
        presence.connected(bob.id, LAPTOP)
        with pytest.raises(Unavailable):
            await presence.announce()
        assert notifier.notifications == []
        assert presence.of(ann).last_seen_at == clock.now() - (at(10) - at(0))

        outage.down = False
        await presence.announce()
        assert notifier.notifications == [
            told(ann, clock.now() - (at(10) - at(0)), bob, eve, online=False),
            told(joe, clock.now(), online=True),
        ]
        clock.advance(PAUSE_SECONDS)
        presence.connected(ann.id, PHONE)
        presence.disconnected(bob.id, LAPTOP)
        presence.connected(bob.id, PHONE)
        presence.disconnected(joe.id, PHONE)
        await presence.announce()
        notifier.notifications.clear()


async def test_who_changes_while_the_store_is_read_is_told_in_the_next_round(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    clock: ManualClock,
    people: list[User],
) -> None:
    ann, bob, eve, joe = people
    conversations.ready.clear()
    presence.connected(ann.id, PHONE)
    presence.connected(joe.id, PHONE)
    first = asyncio.create_task(presence.announce())
    await until(lambda: conversations.reads)
    presence.connected(bob.id, PHONE)
    presence.disconnected(joe.id, PHONE)
    clock.advance(1)
    conversations.ready.set()
    await first
    assert notifier.notifications == [told(ann, at(1), bob, eve, online=True)]

    await presence.announce()
    assert notifier.notifications[1:] == [told(bob, at(1), ann, online=True)]
    assert conversations.reads == [{ann.id, joe.id}, {bob.id}]


async def test_who_leaves_again_while_the_store_is_read_left_the_later_time(
    presence: Presence,
    conversations: Peers,
    users: Users,
    clock: ManualClock,
    people: list[User],
) -> None:
    ann, bob, *_ = people
    conversations.ready.clear()
    for each in (ann, bob):
        presence.connected(each.id, PHONE)
    presence.disconnected(ann.id, PHONE)
    first = asyncio.create_task(presence.announce())
    await until(lambda: conversations.reads)
    clock.advance(5)
    presence.connected(ann.id, PHONE)
    presence.disconnected(ann.id, PHONE)
    conversations.ready.set()
    await first
    assert presence.of(ann).last_seen_at == at(5)

    clock.advance(PAUSE_SECONDS)
    await presence.announce()
    assert (await users.get([ann.id]))[ann.id].last_seen_at == at(5)


async def test_who_leaves_again_at_the_same_moment_while_the_store_is_read_is_told_of_too(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    clock: ManualClock,
    people: list[User],
) -> None:
    ann, bob, eve, _ = people
    presence.connected(ann.id, PHONE)
    await presence.announce()
    clock.advance(PAUSE_SECONDS)
    presence.disconnected(ann.id, PHONE)
    presence.connected(ann.id, PHONE)
    presence.connected(bob.id, PHONE)
    conversations.ready.clear()
    first = asyncio.create_task(presence.announce())
    await until(lambda: len(conversations.reads) == 2)
    presence.disconnected(ann.id, PHONE)
    conversations.ready.set()
    await first

    await presence.announce()
    assert notifier.notifications[1:] == [
        told(bob, at(1), ann, online=True),
        told(ann, at(1), bob, eve, online=False),
    ]


async def test_who_came_again_after_leaving_is_told_to_be_here_now(
    presence: Presence, notifier: RecordingNotifier, clock: ManualClock, people: list[User]
) -> None:
    ann, bob, eve, _ = people
    presence.connected(ann.id, PHONE)
    presence.disconnected(ann.id, PHONE)
    clock.advance(5)
    presence.connected(ann.id, PHONE)
    await presence.announce()

    assert notifier.notifications == [told(ann, at(5), bob, eve, online=True)]


async def test_two_announcements_at_once_tell_each_change_once(
    presence: Presence, conversations: Peers, notifier: RecordingNotifier, people: list[User]
) -> None:
    conversations.ready.clear()
    presence.connected(people[0].id, PHONE)
    both = [asyncio.create_task(presence.announce()) for _ in range(2)]
    await until(lambda: len(conversations.reads) == 2)
    conversations.ready.set()
    await asyncio.gather(*both)

    assert len(notifier.notifications) == 1


# write_seen


async def test_that_everyone_who_is_here_was_seen_now_is_stored(
    presence: Presence, users: Users, clock: ManualClock, people: list[User]
) -> None:
    ann, bob, eve, _ = people
    for each in (ann, bob, eve):
        presence.connected(each.id, PHONE)
    presence.disconnected(eve.id, PHONE)
    clock.advance(60)
    await presence.write_seen()

    assert users.writes == [{ann.id: at(60), bob.id: at(60)}]
    users.down = True
    with pytest.raises(Unavailable):
        await presence.write_seen()


# farewell


async def test_before_it_stops_all_that_is_known_of_when_users_were_seen_is_stored(
    presence: Presence, users: Users, clock: ManualClock, people: list[User]
) -> None:
    ann, bob, eve, _ = people
    for each in (ann, bob):
        presence.connected(each.id, PHONE)
    clock.advance(1)
    presence.disconnected(bob.id, PHONE)
    clock.advance(1)
    await presence.farewell()

    stored = await users.get([ann.id, bob.id, eve.id])
    assert [stored[each.id].last_seen_at for each in (ann, bob, eve)] == [at(2), at(1), None]


async def test_that_it_could_not_be_stored_is_told(
    presence: Presence, users: Users, people: list[User]
) -> None:
    presence.connected(people[0].id, PHONE)
    users.down = True
    with pytest.raises(Unavailable):
        await presence.farewell()

    assert users.writes == []


# run


async def test_while_it_runs_changes_are_announced_by_themselves(
    presence: Presence, notifier: RecordingNotifier, clock: ManualClock, people: list[User]
) -> None:
    ann, bob, eve, _ = people
    async with running(presence):
        presence.connected(ann.id, PHONE)
        await until(lambda: len(notifier.notifications) == 1)
        presence.disconnected(ann.id, PHONE)
        clock.advance(PAUSE_SECONDS)
        await until(lambda: len(notifier.notifications) == 2)

    assert notifier.notifications == [
        told(ann, START, bob, eve, online=True),
        told(ann, START, bob, eve, online=False),
    ]


async def test_while_it_runs_an_announcement_that_failed_is_tried_again(
    presence: Presence,
    conversations: Peers,
    notifier: RecordingNotifier,
    clock: ManualClock,
    people: list[User],
) -> None:
    ann, bob, eve, _ = people
    conversations.down = True
    async with running(presence):
        presence.connected(ann.id, PHONE)
        for tries in range(1, 4):
            await until(lambda: len(conversations.reads) == tries and clock.waiting == 2)  # noqa: B023
            clock.advance(RETRY_SECONDS)
        conversations.down = False
        await until(lambda: notifier.notifications)
        await settle()

    assert len(conversations.reads) == 4
    assert notifier.notifications == [told(ann, at(3), bob, eve, online=True)]


async def test_while_it_runs_who_is_here_is_stored_once_a_minute(
    presence: Presence, users: Users, clock: ManualClock, people: list[User]
) -> None:
    ann = people[0]
    presence.connected(ann.id, PHONE)
    async with running(presence):
        for minute in range(1, 4):
            users.down = minute == 2
            await until(lambda: clock.waiting == 1)
            clock.advance(SEEN_EVERY_SECONDS - 0.001)
            await settle()
            assert len(users.writes) == minute // 2
            clock.advance(0.001)
            await settle()

    assert users.writes == [{ann.id: at(60)}, {ann.id: at(180)}]
