"""A conversation of 50,000 messages, and a burst of 500: how long a window is busy with them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from chat_client import ChatClient
from chat_client.socketio_wire import SocketIoWire
from chat_core.conversations import Conversation
from chat_core.ids import ConversationId, UserId
from chat_core.log import Log
from chat_core.testing.makers import at, draft, user
from chat_sqlite import SqliteConversationStore, SqliteDatabase, SqliteLogStore
from tests.support.browser import Browser, Window, needed
from tests.support.machine_speed import times_slower
from tests.support.server import PASSWORD, Api, Person, ServerProcess

LENGTH = 50_000
BURST = 500
PAGES = 20
# The limits are those of a machine that does other things, too. `--junitxml FILE` tells the
# figures, with `-o junit_family=xunit1`.
OPENS_MS = 1_000
BUSY_MS = 250
"""On an idle machine; so is the one before."""

MEASURE = """() => {
  window.measured = { tasks: [], frames: [] };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.measured.tasks.push(Math.round(entry.duration));
  }).observe({ type: "longtask", buffered: false });
  let before = performance.now();
  const frame = (now) => {
    window.measured.frames.push(now - before);
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}"""

SHOWN = """(box) => {
  const top = box.getBoundingClientRect().top;
  return Object.fromEntries([...box.querySelectorAll("li.message")].map((row) => [
    row.querySelector(".text").textContent, row.getBoundingClientRect().top - top]));
}"""
"""Where each message is, in pixels from the upper edge of what can be seen."""


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[tuple[ServerProcess, Person, Person, str]]:
    """A server, two people, and their conversation of 50,000 messages."""
    needed()
    async with ServerProcess(tmp_path, CHAT_MESSAGE_BURST=10**6) as server, Api(server.url) as api:
        ann = await api.person("ann", displayName="Ann")
        bob = await api.person("bob", displayName="Bob")
        sent = await api.send(ann, bob, "message 1")
        conversation_id = sent["conversationId"]
        await _fill(tmp_path / "chat.db", conversation_id, ann, bob)
        yield server, ann, bob, conversation_id


async def _fill(path: Path, conversation_id: str, *people: Person) -> None:
    database = await SqliteDatabase.open(path)
    try:
        store, log = SqliteConversationStore(database), Log(SqliteLogStore(database))
        conversation = await store.get(ConversationId(conversation_id))
        assert isinstance(conversation, Conversation)
        for start in range(2, LENGTH + 1, 1000):
            numbers = range(start, min(start + 1000, LENGTH + 1))
            drafts = (_draft(conversation, people[number % 2], number) for number in numbers)
            await asyncio.gather(*(log.append(each) for each in drafts))
    finally:
        await database.close()


def _draft(conversation: Conversation, sender: Person, number: int) -> Any:
    text = f"message {number}" + " and some more words" * (number % 7)
    sender_user = user(sender.username)
    made = draft(conversation, sender_user, text, when=at(number * 60))
    actor = type(made.actor)(UserId(sender.id), made.actor.session_id)
    return type(made)(made.id, conversation, actor, made.body, None, made.at)


async def measured(window: Window) -> Any:
    return await window.page.evaluate("window.measured")


async def test_fifty_thousand_messages_open_at_once_and_scroll_without_a_jump(
    people: tuple[ServerProcess, Person, Person, str],
    browser: Browser,
    record_property: Callable[[str, object], None],
) -> None:
    server, ann, _, _ = people
    window = await browser.window(server.url)
    await window.log_in(ann.username, PASSWORD)
    await window.page.evaluate(MEASURE)
    began = time.perf_counter()
    await window.row("Bob").click()
    await expect(window.page.locator("li.message").last).to_contain_text(f"message {LENGTH}")
    opened = (time.perf_counter() - began) * 1000
    assert opened < OPENS_MS * times_slower()

    box = window.page.get_by_role("region", name="Messages")
    await box.hover()
    for _ in range(PAGES):
        before = await box.evaluate(f"(box) => {{ box.scrollTop = 40; return ({SHOWN})(box); }}")
        seen = next(text for text, top in before.items() if top >= 0)
        await expect(box.locator("li.message").first).not_to_contain_text(next(iter(before)))
        after = await box.evaluate(SHOWN)
        assert abs(after[seen] - before[seen]) <= 1
        assert await box.locator("li").count() < 250
    for _ in range(30):
        await window.page.mouse.wheel(0, -400)
        await window.page.evaluate("new Promise(requestAnimationFrame)")
    found = await measured(window)
    frames = sorted(found["frames"])
    record_property("opened_ms", round(opened))
    record_property("long_tasks_ms", found["tasks"])
    record_property("frame_p95_ms", round(frames[int(len(frames) * 0.95)], 1))
    assert max(found["tasks"], default=0) < BUSY_MS * times_slower()
    await window.page.get_by_role("button", name="To the end").click()
    await expect(window.page.locator("li.message").last).to_contain_text(f"message {LENGTH}")


async def test_a_burst_does_not_freeze_the_window(
    people: tuple[ServerProcess, Person, Person, str],
    browser: Browser,
    record_property: Callable[[str, object], None],
) -> None:
    server, ann, bob, conversation_id = people
    window = await browser.window(server.url)
    await window.log_in(ann.username, PASSWORD)
    await window.open("Bob")
    await window.page.evaluate(MEASURE)
    sender = ChatClient(SocketIoWire(server.url))
    await sender.start(bob.token)
    sends = (
        sender.send(f"burst {number}", conversation_id=conversation_id)
        for number in range(1, BURST + 1)
    )
    sending = asyncio.gather(*sends)
    await window.box.press_sequentially("I can type meanwhile")
    await sending
    await expect(window.page.locator("li.message").last).to_contain_text(f"burst {BURST}")
    await expect(window.box).to_have_value("I can type meanwhile")
    found = await measured(window)
    record_property("long_tasks_ms", found["tasks"])
    assert max(found["tasks"], default=0) < BUSY_MS * times_slower()
    assert await window.page.locator("li.message").count() < 250
    await sender.stop()
