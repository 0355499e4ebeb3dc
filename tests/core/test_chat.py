"""A chat that is put together for a product."""

from pathlib import Path

import pytest

from chat_core import (
    AccountLimits,
    Chat,
    ChatLimits,
    Claims,
    ConnectionId,
    ExternalSessions,
    MessageSent,
    SessionId,
    ToUser,
    UserId,
)
from chat_core.bodies import Body
from chat_core.errors import Invalid, SessionRevoked, TokenExpired, TokenInvalid
from chat_core.memory import MemoryUserStore, PlainTokens, RecordingNotifier, memory_conversations
from chat_core.testing import ManualClock
from chat_core.testing.makers import at, stored_users
from chat_server.limits import (
    UNLIMITED,
    group_limits,
    login_limits,
    message_limits,
    profile_changes,
    refresh_limits,
    signups,
    token_life,
)
from chat_server.settings import load_settings, variables_by_field
from chat_socketio import SocketLimits, TransportLimits
from tests.support.connections import RecordingConnections


async def test_a_chat_of_defaults_stores_and_notifies() -> None:
    notifier, users = RecordingNotifier(), MemoryUserStore()
    chat = Chat.compose(stores=memory_conversations(), users=users, notifier=notifier)
    ann, bob = await stored_users(users, "ann", "bob")
    actor = Claims(ann.id, SessionId("phone"), at(60)).actor(ConnectionId("socket"))

    sent = await chat.messaging.send(actor, ToUser(bob.id), Body("hello"), None)

    (told,) = notifier.notifications
    assert told.event == MessageSent(sent.message)
    assert told.audience == {ann.id, bob.id}
    assert told.cause == actor.connection_id
    (listed,) = (await chat.conversations.list(bob.id)).items
    assert listed.last_message == sent.message
    history = await chat.conversations.history(bob.id, listed.id)
    assert list(history.items) == [sent.message]


def test_the_bounds_of_a_chat_are_the_services_unless_a_product_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in (*variables_by_field().values(), "NODE_ENV"):
        monkeypatch.delenv(variable, raising=False)
    settings = load_settings()

    assert ChatLimits() == ChatLimits(
        message_limits(settings), group_limits(settings), settings.connections_per_user
    )
    assert AccountLimits() == AccountLimits(
        signups(settings),
        login_limits(settings),
        refresh_limits(settings),
        token_life(settings),
        profile_changes=profile_changes(settings),
    )
    sockets, transport = SocketLimits(), TransportLimits()
    assert sockets.registration_seconds == settings.registration_seconds
    assert (sockets.events.burst, sockets.events.seconds) == (settings.events_per_second, 1)
    assert transport.connect_seconds == settings.connect_seconds
    assert transport.frame_bytes == settings.frame_bytes
    assert transport.outbound.packets == settings.outbound_packets
    assert transport.outbound.bytes == settings.outbound_bytes


def test_where_rates_are_off_none_is_limited_and_groups_stay_bounded() -> None:
    settings = load_settings(CHAT_RATE_LIMITS="off", CHAT_GROUP_MEMBERS=7)
    groups = group_limits(settings)
    rates = [groups.creations, groups.additions, groups.changes, profile_changes(settings)]

    assert [each.burst for each in rates] == [UNLIMITED] * 4
    assert groups.members == 7


# ------------------------------------------------------------------------------ external sessions
ANN, PHONE = UserId("ann"), SessionId("phone")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def connections() -> RecordingConnections:
    return RecordingConnections(live={PHONE, SessionId("laptop")})


@pytest.fixture
def sessions(clock: ManualClock, connections: RecordingConnections) -> ExternalSessions:
    return ExternalSessions(PlainTokens(), connections, clock)


def test_a_products_own_token_says_who_asks_until_it_ends(
    clock: ManualClock, sessions: ExternalSessions
) -> None:
    token = PlainTokens().issue(ANN, PHONE, clock.now())

    assert sessions.verify(token.text) == Claims(ANN, PHONE, token.expires_at)
    with pytest.raises(TokenInvalid):
        sessions.verify("none")
    clock.advance((token.expires_at - clock.now()).total_seconds())
    with pytest.raises(TokenExpired):
        sessions.verify(token.text)


def test_the_connections_of_sessions_that_a_product_has_ended_are_closed(
    connections: RecordingConnections, sessions: ExternalSessions
) -> None:
    sessions.end([PHONE])

    assert connections.ended == [(PHONE, SessionRevoked)]


async def test_a_device_may_be_called_anything_that_the_service_would_take(
    sessions: ExternalSessions,
) -> None:
    await sessions.relabel(PHONE, "Ann's phone")
    with pytest.raises(Invalid):
        await sessions.relabel(PHONE, "")
