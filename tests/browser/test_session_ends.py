"""However a session ends, nothing of it stays in the browser."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.support.browser import Browser, Window
from tests.support.command import command_beside
from tests.support.server import PASSWORD, Api, Person, ServerProcess

STORED = """async () => ({
  local: { ...localStorage }, session: { ...sessionStorage },
  databases: (await indexedDB.databases()).map(({ name }) => name), caches: await caches.keys(),
})"""
NOTHING: dict[str, Any] = {"local": {}, "session": {}, "databases": [], "caches": []}
KEYS = {
    "chat:login",
    "chat:session:…:draft:…",
    "chat:session:…:draft:…:edit:…",
    "chat:session:…:group-title",
    "chat:session:…:notifications",
    "chat:session:…:outbox:…",
}
"""Every key under which a session stores something, its ids left out."""


@dataclass
class Ann:
    """Ann, whose window has stored something under each key, and who or what ends her session."""

    server: ServerProcess
    api: Api
    window: Window

    @property
    def page(self) -> Page:
        """The window, as the browser has it."""
        return self.window.page

    async def elsewhere(self) -> Person:
        """Another session of hers."""
        return await self.api.log_in("ann")

    async def delete(self, path: str, **body: str) -> None:
        """Delete something from elsewhere."""
        bearer = (await self.elsewhere()).bearer
        answer = await self.api.http.request("DELETE", path, json=body or None, headers=bearer)
        assert answer.status_code == 204, answer.text

    async def session(self) -> str:
        """The id of the session in the window."""
        id_: str = await self.page.evaluate("JSON.parse(localStorage['chat:login']).sessionId")
        return id_

    async def end_from_another_device(self) -> None:
        """As the list of devices there does."""
        await self.delete(f"/sessions/{await self.session()}")

    async def is_forgotten(self, page: Page | None = None) -> None:
        """Wait for the log-in screen; then nothing is stored."""
        page = page or self.page
        await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        assert await page.evaluate(STORED) == NOTHING


@pytest.fixture
async def ann(server: ServerProcess, browser: Browser) -> AsyncIterator[Ann]:
    """Ann's window: a message that is refused, a draft, a change, a title, a choice."""
    async with Api(server.url) as api:
        for name in ("ann", "bob"):
            await api.sign_up(name, displayName=name.title())
        person, bob = await api.log_in("ann"), await api.log_in("bob")
        await api.send(person, bob, "to be changed")
        await api.http.put(f"/users/{person.id}/block", headers=bob.bearer)
        window = await browser.window(server.url, permissions=["notifications"])
        await window.log_in("ann")
        page = window.page
        await page.get_by_role("link", name="Profile and settings").click()
        await page.get_by_label("Show new messages").check()
        await page.get_by_role("link", name="New conversation").click()
        await page.get_by_role("button", name="Group").click()
        await page.get_by_label("Group name").fill("a title of mine")
        await window.open("Bob")
        await window.send("refused")
        await expect(page.get_by_text("Not sent.")).to_be_visible()
        await window.box.fill("a draft of mine")
        await window.act("to be changed", "Edit")
        await window.box.fill("changed by me")
        await page.reload()
        await expect(window.box).to_have_value("changed by me")
        stored = await page.evaluate(STORED)
        keys = "\n".join([*stored["local"], *stored["session"]])
        for pattern in (r"(?<=session:)\w+", r"(?<=draft:)\w+", r"(?<=edit:)\w+", r"\d+-\w+"):
            keys = re.sub(pattern, "…", keys)
        assert set(keys.split("\n")) == KEYS
        yield Ann(server, api, window)


async def log_out(ann: Ann) -> None:
    await ann.page.goto("/settings")
    await ann.page.get_by_role("button", name="Log out").click()
    await ann.window.confirm("Log out")


async def another_device_while_this_one_is_hidden(ann: Ann) -> None:
    await ann.page.evaluate(
        "Object.defineProperty(document, 'hidden', { get: () => true });"
        "document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))"
    )
    await ann.end_from_another_device()


async def another_device_while_this_one_is_offline(ann: Ann) -> None:
    await ann.window.context.set_offline(offline=True)
    await ann.end_from_another_device()
    await ann.window.is_told("Reconnecting")
    await ann.window.context.set_offline(offline=False)


async def another_password(ann: Ann) -> None:
    bearer = (await ann.elsewhere()).bearer
    body = {"currentPassword": PASSWORD, "newPassword": f"{PASSWORD} again"}
    answer = await ann.api.http.put("/users/me/password", json=body, headers=bearer)
    assert answer.status_code == 204


async def the_end_of_the_account(ann: Ann) -> None:
    await ann.delete("/users/me", password=PASSWORD)


async def the_operator(ann: Ann) -> None:
    assert (await command_beside(ann.server, "sessions", "end", "--user", "ann")).code == 0


async def the_operator_who_disables_the_account(ann: Ann) -> None:
    assert (await command_beside(ann.server, "users", "disable", "ann")).code == 0


async def a_refresh_token_that_has_run_out(ann: Ann) -> None:
    async def refuse(route: Route) -> None:
        problem = {"code": "token_expired", "status": 401, "title": "", "type": ""}
        await route.fulfill(status=401, json=problem, content_type="application/problem+json")

    await ann.page.route("**/api/v1/users/refresh", refuse)
    await ann.page.evaluate(
        "() => localStorage['chat:login'] ="
        " JSON.stringify({...JSON.parse(localStorage['chat:login']), refreshAt: 0})"
    )
    await ann.page.reload()


WAYS: list[Callable[[Ann], Awaitable[None]]] = [
    log_out,
    another_device_while_this_one_is_hidden,
    another_device_while_this_one_is_offline,
    another_password,
    the_end_of_the_account,
    the_operator,
    the_operator_who_disables_the_account,
    a_refresh_token_that_has_run_out,
]


@pytest.mark.parametrize("end", WAYS, ids=lambda end: end.__name__)
async def test_nothing_stays_after(ann: Ann, end: Callable[[Ann], Awaitable[None]]) -> None:
    await end(ann)
    await ann.is_forgotten()


async def test_nothing_stays_where_another_window_logs_out(ann: Ann) -> None:
    other = Window(ann.window.context, await ann.window.context.new_page())
    away = await ann.window.context.new_page()
    await away.goto("/")
    await away.evaluate("sessionStorage['chat:session:of-a-restored-tab:group-title'] = 'mine'")
    await away.goto("about:blank")
    await log_out(Ann(ann.server, ann.api, other))
    await ann.is_forgotten(other.page)
    await ann.is_forgotten()
    await away.goto(ann.server.url)
    await ann.is_forgotten(away)


async def test_nothing_stays_of_a_session_that_ended_while_no_window_was_open(ann: Ann) -> None:
    session = await ann.session()
    await ann.page.close()
    await ann.delete(f"/sessions/{session}")
    page = await ann.window.context.new_page()
    await page.goto("/")
    await ann.is_forgotten(page)


async def test_the_next_session_begins_with_nothing(ann: Ann) -> None:
    await ann.end_from_another_device()
    await ann.is_forgotten()
    await ann.window.log_in("ann")
    await ann.window.open("Bob")
    await expect(ann.window.box).to_have_value("")
    await expect(ann.page.get_by_text("Not sent.")).not_to_be_attached()
