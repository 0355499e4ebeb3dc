"""Pictures of the main screens; `make screenshots` puts them into docs/images."""

import os
from pathlib import Path

import pytest

from chat_server.demo_content import PASSWORD
from tests.support.browser import Browser
from tests.support.screens import SCREENS
from tests.support.server import ServerProcess

pytestmark = pytest.mark.prove

PICTURES = {
    "desktop-light": ("group", False, "light"),
    "desktop-dark": ("message_actions", False, "dark"),
    "new-group-light": ("new_group", False, "light"),
    "members-dark": ("members", False, "dark"),
    "profile-light": ("profile", False, "light"),
    "devices-light": ("devices", False, "light"),
    "question-light": ("question", False, "light"),
    "offline-light": ("offline", False, "light"),
    "phone-chats-light": ("chats", True, "light"),
    "phone-chats-dark": ("chats", True, "dark"),
    "phone-group-light": ("group", True, "light"),
    "phone-group-dark": ("group", True, "dark"),
    "phone-right-to-left-light": ("right_to_left", True, "light"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(os.environ.get("CHAT_SCREENSHOTS", tmp_path))


@pytest.mark.parametrize("name", PICTURES)
async def test_a_picture_of_each_main_screen(
    demo: ServerProcess, browser: Browser, folder: Path, name: str
) -> None:
    screen, phone, scheme = PICTURES[name]
    window = await browser.window(
        demo.url, phone=phone, color_scheme=scheme, reduced_motion="reduce"
    )
    jonas = await browser.window(demo.url)
    await jonas.log_in("jonas", PASSWORD)
    await window.log_in("mira", PASSWORD)
    await SCREENS[screen](window)
    await window.page.screenshot(path=folder / f"{name}.png")


async def test_a_picture_of_the_entrance(
    server: ServerProcess, browser: Browser, folder: Path
) -> None:
    window = await browser.window(server.url, color_scheme="light")
    await window.page.get_by_label("Username or e-mail").fill("mira")
    await window.page.screenshot(path=folder / "log-in-light.png")
