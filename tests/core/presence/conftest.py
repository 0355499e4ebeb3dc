"""Presence over stores that can fail, and a clock that is moved by hand."""

import pytest

from chat_core import Presence
from chat_core.memory import RecordingNotifier
from chat_core.testing.clock import ManualClock
from tests.support.presence import Peers, Users


@pytest.fixture
def users() -> Users:
    return Users()


@pytest.fixture
def conversations() -> Peers:
    conversations = Peers()
    conversations.ready.set()
    return conversations


@pytest.fixture
def notifier() -> RecordingNotifier:
    return RecordingNotifier()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def presence(
    users: Users, conversations: Peers, notifier: RecordingNotifier, clock: ManualClock
) -> Presence:
    return Presence(users, conversations, notifier, clock, connections_per_user=2)
