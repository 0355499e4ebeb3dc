"""What is lost when the server dies, the network goes, or a window is reloaded: nothing."""

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.support.browser import Browser, Window
from tests.support.server import Api, Person, ServerProcess

NUMBERS = ["one", "two", "three", "four", "five"]


async def two_people(server: ServerProcess, browser: Browser) -> tuple[Window, Window]:
    """Ann and Bob, who look at their conversation."""
    async with Api(server.url) as api:
        for name in ("ann", "bob"):
            await api.sign_up(name, displayName=name.title())
        people = [await api.log_in(name) for name in ("ann", "bob")]
        await api.send(people[0], people[1], "Hello")
    windows = []
    for name, other in (("ann", "Bob"), ("bob", "Ann")):
        window = await browser.window(server.url)
        await window.log_in(name)
        await window.open(other)
        windows.append(window)
    return windows[0], windows[1]


async def stored(server: ServerProcess, reader: str) -> list[str]:
    """What the server holds of the only conversation."""
    async with Api(server.url) as api:
        person: Person = await api.log_in(reader)
        (conversation,) = (await api.get("/conversations", person))["items"]
        return [each["content"] for each in await api.history(person, conversation["id"])]


async def test_a_server_that_is_killed_loses_nothing_and_needs_no_reload(
    server: ServerProcess, browser: Browser
) -> None:
    ann, bob = await two_people(server, browser)
    await ann.send("before")
    await bob.shows("Hello", "before")
    await ann.box.fill("while it dies")
    server.kill()
    await ann.page.get_by_role("button", name="Send").click()
    await ann.send("and after")
    await ann.box.fill("half a sen")
    await expect(
        ann.page.get_by_role("status").filter(has_text="2 messages waiting")
    ).to_be_visible()
    await server.start()
    await bob.shows("Hello", "before", "while it dies", "and after")
    await ann.shows("Hello", "before", "while it dies", "and after")
    await ann.has_progress("and after", "Read")
    await expect(ann.box).to_have_value("half a sen")
    await bob.send("answer")
    await ann.shows("Hello", "before", "while it dies", "and after", "answer")
    assert await stored(server, "ann") == [
        "Hello",
        "before",
        "while it dies",
        "and after",
        "answer",
    ]


@pytest.mark.parametrize(
    "seconds", [0, pytest.param(30, marks=pytest.mark.prove)], ids=lambda each: f"{each}s"
)
async def test_what_is_written_offline_leaves_in_order_afterwards(
    server: ServerProcess, browser: Browser, seconds: int
) -> None:
    ann, bob = await two_people(server, browser)
    await ann.context.set_offline(offline=True)
    for text in NUMBERS:
        await ann.send(text)
    await expect(
        ann.page.get_by_role("status").filter(has_text="5 messages waiting")
    ).to_be_visible()
    await ann.has_progress("five", "Sending")
    await asyncio.sleep(seconds)
    await ann.context.set_offline(offline=False)
    await bob.shows("Hello", *NUMBERS)
    await ann.shows("Hello", *NUMBERS)
    await expect(ann.page.get_by_text("Connected again.")).to_be_visible()
    assert await stored(server, "ann") == ["Hello", *NUMBERS]


async def test_a_reload_keeps_what_was_typed_and_what_waits(
    server: ServerProcess, browser: Browser
) -> None:
    ann, bob = await two_people(server, browser)
    server.kill()
    await ann.send("waiting")
    await ann.box.fill("not yet sent")
    await expect(
        ann.page.get_by_role("status").filter(has_text="1 message waiting")
    ).to_be_visible()
    await server.start()
    await ann.page.reload()
    await expect(ann.box).to_have_value("not yet sent")
    await bob.shows("Hello", "waiting")
    assert await stored(server, "ann") == ["Hello", "waiting"]


async def test_a_change_that_a_reload_interrupts_goes_on(
    server: ServerProcess, browser: Browser
) -> None:
    ann, bob = await two_people(server, browser)
    await ann.act("Hello", "Edit")
    await ann.box.fill("Hello again")
    await ann.page.reload()
    await expect(ann.box).to_have_value("Hello again")
    await ann.page.get_by_role("button", name="Save changes").click()
    await bob.shows("Hello again")


async def test_what_a_closed_window_has_left_another_one_sends(
    server: ServerProcess, browser: Browser
) -> None:
    ann, bob = await two_people(server, browser)
    other = Window(ann.context, await ann.context.new_page())
    await other.page.goto(ann.page.url)
    await other.shows("Hello")
    server.kill()
    await other.send("left behind")
    await expect(ann.message("left behind")).to_be_visible()
    await other.page.close()
    await server.start()
    await bob.shows("Hello", "left behind")
    await ann.shows("Hello", "left behind")


async def test_two_windows_of_one_browser_send_nothing_twice(
    server: ServerProcess, browser: Browser
) -> None:
    ann, bob = await two_people(server, browser)
    other = Window(ann.context, await ann.context.new_page())
    await other.page.goto(ann.page.url)
    await other.shows("Hello")
    server.kill()
    for window, text in zip((ann, other) * 3, "abcdef", strict=True):
        await window.send(text)
    await server.start()
    await bob.shows("Hello", *"abcdef")
    await other.shows("Hello", *"abcdef")
    assert await stored(server, "ann") == ["Hello", *"abcdef"]


async def test_a_session_that_another_device_ends_lands_on_the_log_in_screen(
    server: ServerProcess, browser: Browser
) -> None:
    ann, _ = await two_people(server, browser)
    phone = await browser.window(server.url, phone=True)
    await phone.log_in("ann")
    await phone.page.goto("/settings/devices")
    others = phone.page.locator("li.person").filter(has_not_text="(this one)")
    await others.filter(has_text="Online").get_by_role("button").click()
    await phone.confirm("Log out")
    await expect(ann.page).to_have_url(f"{server.url}/log-in")
    await expect(ann.page.locator(".notice")).to_contain_text("Your session was ended")


async def test_a_log_out_in_one_window_is_told_in_the_other(
    server: ServerProcess, browser: Browser
) -> None:
    ann, _ = await two_people(server, browser)
    other = Window(ann.context, await ann.context.new_page())
    await other.page.goto("/settings")
    await other.page.get_by_role("button", name="Log out").click()
    # The server's word and the other window's run a race.
    told = re.compile("You logged out in another window|Your session was ended, here")
    await expect(ann.page.locator(".notice")).to_have_text(told)
    await expect(other.page.get_by_role("heading", name="Log in")).to_be_visible()
    assert await ann.page.evaluate("Object.keys(localStorage)") == []


async def test_too_many_at_once_leave_one_after_the_other(tmp_path: Path, browser: Browser) -> None:
    strict: dict[str, str | int] = {
        "CHAT_RATE_LIMITS": "on",
        "CHAT_MESSAGES_PER_SECOND": 1,
        "CHAT_MESSAGE_BURST": 1,
    }
    async with ServerProcess(tmp_path, **strict) as server:
        ann, bob = await two_people(server, browser)
        for text in NUMBERS[:3]:
            await ann.send(text)
        await ann.is_told("You are sending too fast.")
        await bob.shows("Hello", *NUMBERS[:3])
        await ann.shows("Hello", *NUMBERS[:3])


async def test_tokens_are_renewed_and_nothing_that_waits_is_lost(
    server: ServerProcess, browser: Browser
) -> None:
    ann, bob = await two_people(server, browser)
    first = await ann.page.evaluate("JSON.parse(localStorage['chat:login']).token")
    await ann.page.evaluate(
        "() => localStorage['chat:login'] ="
        " JSON.stringify({...JSON.parse(localStorage['chat:login']), refreshAt: 0})"
    )
    server.kill()
    await ann.send("it waits for another token")
    await ann.box.fill("begun before")
    await ann.is_told("1 message waiting")
    await server.start()
    await ann.page.reload()
    await bob.shows("Hello", "it waits for another token")
    await expect(ann.box).to_have_value("begun before")
    assert await ann.page.evaluate("JSON.parse(localStorage['chat:login']).token") != first
