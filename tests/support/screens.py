"""How one comes to each screen of the web client, as Mira of the demonstration."""

from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import expect

from tests.support.browser import Window

Steps = Callable[[Window], Awaitable[Any]]


async def group(window: Window) -> None:
    await window.open("Saturday hike")


async def long_group(window: Window) -> None:
    await window.open("Book club")


async def message_actions(window: Window) -> None:
    await window.open("Jonas Okafor")
    await window.point_at("Not yet. Anything that should worry us?")


async def question(window: Window) -> None:
    await message_actions(window)
    await window.page.get_by_role("button", name="Delete").click()
    await expect(window.page.get_by_role("dialog")).to_be_visible()


async def right_to_left(window: Window) -> None:
    await window.page.evaluate("document.documentElement.dir = 'rtl'")
    await window.open("ليلى حداد")


async def members(window: Window) -> None:
    await group(window)
    await window.page.get_by_role("link", name="Members and details").click()
    await expect(window.page.get_by_role("heading", name="4 members")).to_be_visible()


async def person(window: Window) -> None:
    await window.open("Jonas Okafor")
    await window.page.get_by_role("link", name="Details").click()
    await expect(window.page.get_by_role("button", name="Block")).to_be_visible()


async def new_group(window: Window) -> None:
    await window.page.goto("/new")
    await window.page.get_by_role("button", name="Group").click()
    await window.page.get_by_label("Add people").fill("j")
    await window.page.get_by_role("button", name="Jonas").click()


async def profile(window: Window) -> None:
    await window.page.goto("/settings")
    await expect(window.row("Jonas Okafor")).to_be_attached()
    await expect(window.page.get_by_role("heading", name="You", exact=True)).to_be_visible()


async def devices(window: Window) -> None:
    await window.page.goto("/settings/devices")
    await expect(window.row("Jonas Okafor")).to_be_attached()
    await expect(window.page.get_by_text("(this one)")).to_be_visible()


async def chats(window: Window) -> None:
    await expect(window.row("Saturday hike")).to_be_visible()


async def offline(window: Window) -> None:
    await window.open("Jonas Okafor")
    await window.context.set_offline(offline=True)
    await window.send("This one waits")
    await window.is_told("1 message waiting")


SCREENS: dict[str, Steps] = {
    each.__name__: each
    for each in (
        chats,
        group,
        long_group,
        message_actions,
        question,
        right_to_left,
        members,
        person,
        new_group,
        profile,
        devices,
        offline,
    )
}
