from hypothesis import given
from hypothesis import strategies as st

from chat_core import ConnectionId, PresenceChange, PresenceTracker, UserId

ANN, BOB = UserId("ann"), UserId("bob")
PHONE, LAPTOP = ConnectionId("phone"), ConnectionId("laptop")

reports = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from([ANN, BOB, UserId("eve")]),
        st.sampled_from([PHONE, LAPTOP, ConnectionId("tablet")]),
    ),
    max_size=60,
)


@given(reports=reports)
def test_a_user_is_online_exactly_while_a_connection_lives(
    reports: list[tuple[bool, UserId, ConnectionId]],
) -> None:
    tracker, live = PresenceTracker(), set[tuple[UserId, ConnectionId]]()
    for came, user, connection in reports:
        before = {each for each, _ in live}
        if came:
            live.add((user, connection))
            change = tracker.connected(user, connection)
        else:
            live.discard((user, connection))
            change = tracker.disconnected(user, connection)
        after = {each for each, _ in live}

        assert change is (
            PresenceChange.CAME_ONLINE
            if after - before
            else PresenceChange.WENT_OFFLINE
            if before - after
            else None
        )
        assert tracker.online() == after
        for each in (ANN, BOB, UserId("eve"), UserId("never here")):
            assert tracker.is_online(each) is (each in after)
            assert tracker.devices(each) == sum(owner == each for owner, _ in live)


@given(reports=reports)
def test_reports_that_repeat_change_nothing(
    reports: list[tuple[bool, UserId, ConnectionId]],
) -> None:
    once, twice = PresenceTracker(), PresenceTracker()
    for came, user, connection in reports:
        for tracker in (once, twice, twice):
            report = tracker.connected if came else tracker.disconnected
            change = report(user, connection)
        assert change is None
        assert once == twice


def test_the_first_connection_brings_a_user_online_and_the_last_one_takes_them_off() -> None:
    tracker = PresenceTracker()

    assert tracker.connected(ANN, PHONE) is PresenceChange.CAME_ONLINE
    assert tracker.connected(ANN, LAPTOP) is None
    assert tracker.disconnected(ANN, PHONE) is None
    assert tracker.disconnected(ANN, PHONE) is None
    assert tracker.is_online(ANN)
    assert tracker.disconnected(ANN, LAPTOP) is PresenceChange.WENT_OFFLINE
    assert tracker.disconnected(ANN, LAPTOP) is None
    assert not tracker.is_online(ANN)


def test_the_connection_of_another_user_counts_not() -> None:
    tracker = PresenceTracker()
    tracker.connected(ANN, PHONE)

    assert tracker.disconnected(BOB, PHONE) is None
    assert tracker.is_online(ANN)
