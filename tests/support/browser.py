"""A real browser, and the web client in its windows.

async with Browser() as browser:
    ann = await browser.window(server.url)
    await ann.register("ann")
"""

import re
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from playwright.async_api import Browser as Chromium
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Playwright,
    async_playwright,
    expect,
)

from tests.support.server import PASSWORD
from tests.support.services import missing
from tests.support.waiting import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "apps" / "chat_web" / "dist" / "index.html"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
DESKTOP = {"width": 1100, "height": 760}
PHONE = {"width": 390, "height": 780}

_REPORT_VIOLATIONS = """
addEventListener("securitypolicyviolation", ({ violatedDirective, sample, sourceFile }) =>
  console.error(`Content Security Policy: ${violatedDirective} ${sourceFile} ${sample}`));
"""
"""Not every violation is an error of the console by itself."""

expect.set_options(timeout=PATIENCE_SECONDS * 1000)


def needed() -> str:
    """The browser's program; without it, or without a built client, the test is skipped."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing("Chromium is not installed: apt-get install chromium")
    if not BUILT.is_file():
        missing("the web client is not built: make web")
    return program


class Browser:
    """Chromium, without a screen. Each window is a device of its own."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._chromium: Chromium | None = None
        self._windows: list[Window] = []

    async def __aenter__(self) -> Self:
        program = needed()
        self._playwright = await async_playwright().start()
        self._chromium = await self._playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"]
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        complaints = [each for window in self._windows for each in window.complaints]
        assert self._chromium
        assert self._playwright
        await self._chromium.close()
        await self._playwright.stop()
        if error is None:
            assert complaints == [], complaints
        elif complaints:
            error.add_note(f"the browser says: {complaints}")

    async def window(self, url: str, *, phone: bool = False, **options: Any) -> "Window":
        """A new device, at the page of the client."""
        assert self._chromium
        size: Any = PHONE if phone else DESKTOP
        touch: Any = (
            {"is_mobile": True, "has_touch": True, "device_scale_factor": 2} if phone else {}
        )
        context = await self._chromium.new_context(
            base_url=url, viewport=size, locale="en-GB", **touch, **options
        )
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        await context.add_init_script(_REPORT_VIOLATIONS)
        window = Window(context, await context.new_page(), is_phone=phone)
        self._windows.append(window)
        await window.page.goto("/")
        return window


class Window:
    """A window with the client in it, and what a person does there."""

    def __init__(self, context: BrowserContext, page: Page, *, is_phone: bool = False) -> None:
        self.context = context
        self.is_phone = is_phone
        self.page = page
        self.complaints: list[str] = []
        """What must not happen: errors of the program, and what its policy has forbidden it."""
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)

    async def register(self, username: str, name: str = "") -> None:
        """Make an account, and wait until it is connected."""
        await self.page.goto("/register")
        await self.page.get_by_label("Username").fill(username)
        await self.page.get_by_label("Name (optional)").fill(name or username.title())
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Create account").click()
        await self.is_online()

    async def log_in(self, username: str, password: str = PASSWORD) -> None:
        """Log in, and wait until it is connected."""
        await self.page.get_by_label("Username or e-mail").fill(username)
        await self.page.get_by_label("Password").fill(password)
        await self.page.get_by_role("button", name="Log in").click()
        await self.is_online()

    async def is_online(self) -> None:
        """Wait for the list of conversations, and for the connection."""
        await expect(self.page.locator(".chats")).to_be_visible()
        await expect(self.page.locator(".connection.online")).to_be_attached()

    async def find(self, name: str) -> None:
        """Begin a conversation with somebody, found by the beginning of the name."""
        await self.page.goto("/new")
        await self.page.get_by_label("Find someone").fill(name[:3])
        await self.page.get_by_role("button", name=name).click()
        await expect(self.box).to_be_visible()

    async def open(self, title: str) -> None:
        """Open a conversation of the list."""
        await (self.row(title).tap() if self.is_phone else self.row(title).click())
        await expect(self.box).to_be_visible()

    def row(self, title: str) -> Locator:
        """A conversation in the list."""
        named = self.page.locator(".list-title").filter(has_text=title)
        return self.page.locator("a.list-row").filter(has=named)

    @property
    def box(self) -> Locator:
        """Where one writes."""
        return self.page.get_by_role("textbox", name=re.compile("^Message to"))

    async def send(self, text: str) -> None:
        """Write a message and send it; it may not have left when this returns."""
        await self.box.fill(text)
        await self.page.get_by_role("button", name="Send").click()

    def message(self, text: str) -> Locator:
        """The message with that text in the open conversation."""
        whole = re.compile(f"^{re.escape(text)}$")
        return self.page.locator("li.message").filter(
            has=self.page.locator(".text").filter(has_text=whole)
        )

    async def shows(self, *texts: str) -> None:
        """Wait until these are the messages of the open conversation, in this order."""
        await expect(self.page.locator("li.message .text")).to_have_text(list(texts))

    async def has_progress(self, text: str, progress: str) -> None:
        """Wait until the ticks of that message say so."""
        await expect(self.message(text).locator(".progress")).to_have_text(progress)

    async def is_told(self, words: str) -> None:
        """Wait until the client says so of its connection."""
        await expect(self.page.locator(".connection")).to_contain_text(words)

    async def point_at(self, text: str) -> None:
        """Have what can be done with a message offered."""
        bubble = self.message(text).locator(".bubble")
        await (bubble.tap() if self.is_phone else bubble.hover())

    async def act(self, text: str, action: str) -> None:
        """Do something with a message: Edit, Delete."""
        await self.point_at(text)
        await self.message(text).get_by_role("button", name=action).click()

    async def confirm(self, action: str) -> None:
        """Say yes to what the client asks."""
        await self.page.get_by_role("dialog").get_by_role("button", name=action).click()

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.complaints.append(message.text)
