"""Whose password the operator made chooses another one before anything else."""

import json

import pytest
from playwright.async_api import Page, expect

from tests.browser.test_accessibility import violations
from tests.support.browser import Browser, Window
from tests.support.server import PASSWORD, ServerProcess, confided

CHOSEN = f"{PASSWORD} of my own"


@pytest.fixture
async def made(server: ServerProcess) -> str:
    """The password of Ann, as the operator's command made it."""
    done = await server.command("users", "add", "ann", "--generate", "--json")
    password: str = json.loads(done.stdout)["password"]
    confided.update({password, CHOSEN})
    return password


@pytest.fixture
async def window(server: ServerProcess, browser: Browser, made: str) -> Window:
    """Ann's window, on the narrowest phone, right after the log-in."""
    window = await browser.window(server.url, phone=True)
    await window.page.set_viewport_size({"width": 320, "height": 640})
    await window.page.get_by_label("Username or e-mail").fill("ann")
    await window.page.get_by_label("Password").fill(made)
    await window.page.get_by_role("button", name="Log in").click()
    await is_asked(window.page)
    return window


async def is_asked(page: Page) -> None:
    """Wait for the screen that asks for another password."""
    await expect(page.get_by_role("heading", name="Choose your own password")).to_be_visible()


async def choose(page: Page, password: str) -> None:
    """Fill in a new password, and save it."""
    await page.get_by_label("New password").fill(password)
    await page.get_by_role("button", name="Save password").click()


async def session(page: Page) -> str:
    """The id of the session that the browser keeps."""
    id_: str = await page.evaluate("JSON.parse(localStorage['chat:login']).sessionId")
    return id_


async def stored(page: Page) -> str:
    """All that the browser keeps."""
    text: str = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    return text


async def test_right_after_the_log_in_the_new_one_is_enough(window: Window, made: str) -> None:
    page, before = window.page, await session(window.page)
    await expect(page.get_by_label("New password")).to_be_focused()
    await expect(page.get_by_label("The password you were given")).not_to_be_attached()
    assert await violations(window) == []
    assert made not in await stored(page)
    await choose(page, made)
    await expect(page.locator(".error")).to_contain_text("must differ")
    await expect(page.get_by_role("alert")).to_contain_text("New password must differ")
    await choose(page, CHOSEN)
    await window.is_online()
    assert await session(page) == before
    assert CHOSEN not in await stored(page)


async def test_after_a_reload_the_given_one_is_asked_for(window: Window, made: str) -> None:
    page = window.page
    await page.goto("/settings/devices")
    await is_asked(page)
    await expect(page.get_by_role("dialog")).not_to_be_attached()
    await page.get_by_label("The password you were given").fill("another one")
    await choose(page, CHOSEN)
    await expect(page.get_by_role("alert")).to_have_text("The password is wrong.")
    await page.get_by_label("The password you were given").fill(made)
    await choose(page, CHOSEN)
    await expect(page.get_by_text("(this one)")).to_be_visible()


async def test_it_can_be_chosen_in_another_window_or_left(window: Window) -> None:
    page, other = window.page, await window.context.new_page()
    await other.goto("/")
    await is_asked(other)
    await choose(page, CHOSEN)
    await window.is_online()
    await other.evaluate("dispatchEvent(new Event('online'))")
    await expect(other.locator(".connection.online")).to_be_attached()


async def test_who_does_not_choose_can_log_out(window: Window) -> None:
    await window.page.get_by_role("button", name="Log out").click()
    await expect(window.page.get_by_role("heading", name="Log in")).to_be_visible()
    assert await stored(window.page) == "[{},{}]"
