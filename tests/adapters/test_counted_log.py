"""What clients do wrong is told in few lines, however many they are."""

import logging

import pytest

from chat_socketio import counted_log
from chat_socketio.counted_log import CountedLog
from tests.support.waiting import until

logger = logging.getLogger(__name__)


async def test_the_first_is_told_at_once_and_the_others_as_a_number(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counted_log, "WINDOW_SECONDS", 0.01)
    caplog.set_level(logging.INFO)
    log = CountedLog(logger, "refused a packet")
    log.note("packet type 'x'")
    assert caplog.messages == ["refused a packet: packet type 'x'"]
    for _ in range(1_000):
        log.note("packet type 'y'")
    await until(lambda: len(caplog.messages) > 1)
    assert caplog.messages[1].startswith("refused a packet: 1000 more in the last")
    log.note()
    assert caplog.messages[2:] == ["refused a packet"]
