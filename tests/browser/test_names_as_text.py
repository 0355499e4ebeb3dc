"""Names, titles and labels of devices that look like markup are shown as what they are: text."""

import pytest
from playwright.async_api import expect

from tests.support.browser import Browser, Window
from tests.support.server import Api, ServerProcess, answered

MARKUP = "<a href=//evil.example>x</a><img src=x onerror=alert(1)>"
"""Short enough for every name. Each of its elements would be seen in the page."""


async def is_text(window: Window) -> None:
    """The markup is shown, and nothing in the page was made of it."""
    await expect(window.page.get_by_text(MARKUP).locator("visible=true").first).to_be_visible()
    assert await window.page.locator("[href*=evil], img, [onerror]").count() == 0


async def asks(window: Window, button: str, question: str) -> None:
    """That button opens a dialog, whose title is this text; close it."""
    await window.page.get_by_role("button", name=button, exact=True).click()
    dialog = window.page.get_by_role("dialog", name=question, exact=True)
    await expect(dialog.get_by_role("heading")).to_have_text(question)
    await is_text(window)
    await window.page.keyboard.press("Escape")
    await expect(dialog).not_to_be_attached()


@pytest.fixture
async def window(server: ServerProcess, browser: Browser) -> Window:
    """Eve's window. Hers, Mallory's, their group's and her device's names are all markup."""
    async with Api(server.url) as api:
        for name in ("eve", "mallory"):
            await api.sign_up(name, displayName=MARKUP)
        eve, mallory = await api.log_in("eve", device=MARKUP), await api.log_in("mallory")
        group = {"kind": "group", "title": MARKUP, "memberIds": [mallory.id]}
        made = answered(await api.post("/conversations", eve, group), 201)
        message = {"conversationId": made["id"], "content": MARKUP}
        answered(await api.post("/messages", mallory, message), 201)
    window = await browser.window(server.url)
    await window.log_in("eve")
    await window.open(MARKUP)
    return window


async def test_in_a_group_and_its_dialogs(window: Window) -> None:
    await window.shows(MARKUP)
    await is_text(window)
    await window.page.get_by_role("link", name="Members and details").click()
    await asks(window, f"Remove {MARKUP}", f"Remove {MARKUP}?")
    await window.page.get_by_role("button", name="Rename the group").click()
    box = window.page.get_by_role("dialog").get_by_role("textbox", name="Group name")
    await expect(box).to_have_value(MARKUP)
    await is_text(window)


async def test_in_the_list_of_devices_and_its_dialogs(window: Window) -> None:
    await window.page.goto("/settings/devices")
    await asks(window, f"Log out {MARKUP}", f"Log out {MARKUP}?")


async def test_where_people_are_found(window: Window) -> None:
    await window.page.goto("/new")
    await window.page.get_by_role("button", name="Group").click()
    await window.page.get_by_label("Add people").fill("mallory")
    await window.page.get_by_role("button", name="@mallory").click()
    await expect(window.page.get_by_role("button", name=f"Remove {MARKUP}")).to_be_visible()
    await is_text(window)
