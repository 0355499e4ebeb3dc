"""The page and a server of a later version, which tells it what it does not know."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, WebSocket, expect

from tests.support.browser import Browser, needed
from tests.support.later_server import LATER
from tests.support.server import Api, Person, ServerProcess, answered


@pytest.fixture
async def later(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    needed()
    async with ServerProcess(tmp_path, LATER) as server:
        yield server


def syncs_of(page: Page) -> list[str]:
    """Every `sync` that the page asks from now on."""
    asked: list[str] = []

    def sent(payload: bytes | str) -> None:
        if '["sync",' in str(payload):
            asked.append(str(payload))

    def opened(socket: WebSocket) -> None:
        socket.on("framesent", sent)

    page.on("websocket", opened)
    return asked


async def patched(api: Api, person: Person, path: str, **body: Any) -> None:
    answered(await api.http.patch(path, json=body, headers=person.bearer), 200)


async def test_the_page_goes_on_after_unknown_pushes_entries_changes_and_roles(
    later: ServerProcess, browser: Browser
) -> None:
    async with Api(later.url) as api:
        ann = await api.person("ann", displayName="Ann")
        bob = await api.person("bob", displayName="Bob")
        body = {"kind": "group", "title": "Team", "memberIds": [bob.id]}
        group = answered(await api.post("/conversations", ann, body), 201)["id"]
        path = f"/conversations/{group}"

        async def say(text: str) -> Any:
            told = {"conversationId": group, "content": text}
            return answered(await api.post("/messages", ann, told), 201)

        one = await say("one")
        window = await browser.window(later.url)
        await window.log_in(bob.username)
        syncs = syncs_of(window.page)
        await window.page.reload()  # a connection whose frames are counted from its beginning
        await window.is_online()
        await expect(window.row("Team").locator(".badge")).to_have_text("1 unread")

        await patched(api, ann, f"/messages/{one['id']}", content="ONE")  # reactions_changed
        await patched(api, ann, path, title="Crew")  # metadata_changed, of Ann
        await say("two")
        await expect(window.row("Team").locator(".badge")).to_have_text("2 unread")
        await window.open("Team")
        await window.shows("one", "two")

        typist = await browser.window(later.url)  # preferences_changed, and its end
        await typist.log_in(ann.username)
        await typist.page.goto(f"/chat/{group}")
        await typist.box.press_sequentially("three")
        await typist.send("three")
        await window.shows("one", "two", "three")
        await patched(api, ann, f"{path}/members/{bob.id}", role="admin")  # moderator
        await expect(window.page.get_by_text("Ann gave you a new role")).to_be_visible()
        assert len(syncs) == 1  # at the start: nothing ever seemed to be missing

        for each in (typist, window):
            await each.page.get_by_role("link", name="Members and details").click()
        role = typist.page.get_by_role("combobox", name="Role of Bob")
        await expect(role).to_have_value("moderator")
        await expect(window.page.locator(".people .person-note")).to_have_text(
            ["moderator", "owner"]
        )

        await window.page.goto(f"/chat/{group}")
        await window.shows("ONE", "two", "three")  # as it is now, by sync
        await say("four")
        await window.shows("ONE", "two", "three", "four")
