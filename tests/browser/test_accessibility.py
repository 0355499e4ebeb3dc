"""Every screen, for whoever sees little, hears it read out, or has no mouse."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from chat_server.demo_content import PASSWORD
from tests.support.browser import ROOT, Browser, Window
from tests.support.screens import SCREENS
from tests.support.server import ServerProcess
from tests.support.services import missing

AXE = ROOT / "apps" / "chat_web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def violations(window: Window) -> list[str]:
    """What axe finds on the screen as it is."""
    if not AXE.is_file():
        missing("axe-core is not installed: make check")
    # Through the debugger, as a page's policy lets no script in.
    await window.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await window.page.evaluate("(tags) => axe.run({ runOnly: tags })", RULES)
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.parametrize(
    ("phone", "scheme"),
    [
        pytest.param(False, "light", id="desktop-light"),
        pytest.param(True, "dark", id="phone-dark"),
        pytest.param(False, "dark", id="desktop-dark", marks=pytest.mark.prove),
        pytest.param(True, "light", id="phone-light", marks=pytest.mark.prove),
    ],
)
async def test_axe_finds_nothing_on_any_screen(
    demo: ServerProcess, browser: Browser, scheme: str, *, phone: bool
) -> None:
    window = await browser.window(
        demo.url, phone=phone, color_scheme=scheme, reduced_motion="reduce"
    )
    found = {"log in": await violations(window)}
    await window.page.goto("/register")
    found["register"] = await violations(window)
    await window.page.goto("/log-in")
    await window.log_in("mira", PASSWORD)
    for name, steps in SCREENS.items():
        await window.page.goto("/")
        await window.is_online()
        await steps(window)
        found[name] = await violations(window)
    assert {name: each for name, each in found.items() if each} == {}


async def test_nothing_has_to_be_scrolled_sideways_on_the_narrowest_screen(
    demo: ServerProcess, browser: Browser
) -> None:
    window = await browser.window(demo.url, phone=True)
    await window.page.set_viewport_size({"width": 320, "height": 640})
    await window.log_in("mira", PASSWORD)
    widths = {}
    for name, steps in SCREENS.items():
        await window.page.goto("/")
        await window.is_online()
        await steps(window)
        widths[name] = await window.page.evaluate(
            "Math.max(...[document.documentElement, ...document.querySelectorAll('main *')]"
            ".filter((each) => each.scrollWidth > each.clientWidth + 1 &&"
            " getComputedStyle(each).overflowX !== 'hidden' && each.clientWidth > 0)"
            ".map((each) => each.getBoundingClientRect().right), 0)"
        )
    assert {name: width for name, width in widths.items() if width > 320} == {}


async def test_everything_can_be_done_by_keyboard(demo: ServerProcess, browser: Browser) -> None:
    window = await browser.window(demo.url)
    page, press = window.page, window.page.keyboard.press

    async def go_to(role: Any, name: str) -> None:
        target = page.get_by_role(role, name=re.compile(name)).first
        await expect(target).to_be_visible()
        for _ in range(60):
            if await target.evaluate("(element) => element === document.activeElement"):
                return
            await press("Tab")
        raise AssertionError(f"{name} can't be reached")

    await go_to("textbox", "Username")
    await page.keyboard.type("mira")
    await press("Tab")
    await page.keyboard.type(PASSWORD)
    await press("Enter")
    await window.is_online()
    await go_to("link", "^Jonas Okafor")
    await press("Enter")
    await expect(window.box).to_be_focused()
    await page.keyboard.type("typed")
    await press("Enter")
    await window.has_progress("typed", "Sent")
    await press("ArrowUp")
    await expect(window.box).to_have_value("typed")
    await page.keyboard.type(" and mended")
    await press("Enter")
    await expect(window.message("typed and mended")).to_be_visible()
    await expect(window.box).to_have_value("")
    await expect(window.box).to_be_focused()
    await press("Shift+Tab")
    await expect(page.get_by_role("region", name="Messages")).to_be_focused()
    await press("ArrowUp")
    await go_to("button", "Delete")
    await press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await press("Tab")
    await press("Enter")
    await expect(page.get_by_text("This message was deleted")).to_be_visible()
    await go_to("link", "New conversation")
    await press("Enter")
    await expect(page.get_by_role("heading", name="New conversation")).to_be_focused()
    await go_to("searchbox", "Find someone")
    await page.keyboard.type("tom")
    await go_to("button", "Tomás")
    await press("Enter")
    await expect(page.get_by_role("heading", name="Tomás Rivera")).to_be_visible()
    await go_to("link", "Profile and settings")
    await press("Enter")
    await go_to("button", "Log out")
    await press("Enter")
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_a_dialog_keeps_the_focus_and_gives_it_back(
    demo: ServerProcess, browser: Browser
) -> None:
    window = await browser.window(demo.url)
    await window.log_in("mira", PASSWORD)
    await SCREENS["question"](window)
    dialog = window.page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    for _ in range(4):
        await window.page.keyboard.press("Tab")
        assert await window.page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    await window.page.keyboard.press("Escape")
    await expect(dialog).not_to_be_attached()
    await expect(window.page.get_by_role("button", name="Delete")).to_be_focused()


async def test_what_comes_in_is_read_out_and_what_is_asked_for_gets_the_focus(
    demo: ServerProcess, browser: Browser
) -> None:
    mira = await browser.window(demo.url)
    jonas = await browser.window(demo.url)
    await mira.log_in("mira", PASSWORD)
    await jonas.log_in("jonas", PASSWORD)
    await jonas.open("Mira Lindqvist")
    await jonas.send("Are you there?")
    live = mira.page.locator("[aria-live=polite]")
    await expect(live).to_have_text("New message: Jonas Okafor")
    await mira.open("Jonas Okafor")
    await jonas.send("Hello?")
    await expect(live).to_have_text("Jonas Okafor: Hello?")
