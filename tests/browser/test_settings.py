"""The profile and the list of devices."""

from playwright.async_api import Page, Route, expect

from tests.support.browser import Browser, Window
from tests.support.server import PASSWORD, Api, ServerProcess

ADDRESS = "ann@example.org"


async def profile(window: Window) -> Page:
    """Open the profile, which shows what the server has."""
    await window.page.goto("/settings")
    await expect(window.page.get_by_text("Your username is")).to_be_visible()
    return window.page


async def save(page: Page, told: str) -> None:
    """Save the names, and wait until this is told."""
    part = page.locator("form", has_text="Your username is")
    await part.get_by_role("button", name="Save").click()
    await expect(part.get_by_role("status")).to_have_text(told)


async def test_another_address_or_none_takes_the_password_and_a_name_does_not(
    server: ServerProcess, browser: Browser
) -> None:
    window = await browser.window(server.url)
    await window.register("ann")
    page = await profile(window)
    name = page.get_by_label("Name", exact=True)
    email, password = page.get_by_label("E-mail"), page.get_by_label("Your password")
    await name.fill("Ann of Green Gables")
    await expect(password).not_to_be_attached()
    await save(page, "Saved.")
    await email.fill(ADDRESS)
    await password.fill("another one")
    await save(page, "The password is wrong.")
    await password.fill(PASSWORD)
    await save(page, "Saved.")
    await expect(password).not_to_be_attached()
    await profile(window)
    await expect(email).to_have_value(ADDRESS)
    await expect(name).to_have_value("Ann of Green Gables")
    await email.fill("")
    await password.fill(PASSWORD)
    await save(page, "Saved.")
    await name.fill("")
    await save(page, "Saved.")
    await expect(name).to_have_value("ann")
    async with Api(server.url) as api:
        me = await api.get("/users/me", await api.log_in("ann"))
    assert (me["email"], me["displayName"]) == (None, "ann")


async def test_devices_say_what_they_are_and_where_page_by_page(
    server: ServerProcess, browser: Browser
) -> None:
    async with Api(server.url) as api:
        await api.sign_up("ann")
        api.http.headers["User-Agent"] = "bot/1.0 <b>of mine</b>"
        await api.log_in("ann", device="A program")
        api.http.headers["User-Agent"] = "Mozilla/5.0 (Windows NT 10.0) Firefox/140.0"
        await api.log_in("ann", device="My laptop")
    window = await browser.window(server.url)
    page = window.page

    async def two_at_a_time(route: Route) -> None:
        await route.continue_(url=route.request.url.replace("limit=50", "limit=2"))

    await page.route("**/api/v1/sessions?*", two_at_a_time)
    await window.log_in("ann")
    await page.goto("/settings/devices")
    rows = page.locator("li.person")
    await expect(rows).to_have_count(2)
    await page.get_by_role("button", name="Show more devices").click()
    await expect(rows).to_have_count(3)
    await expect(page.get_by_role("button", name="Show more devices")).not_to_be_attached()
    for label, note in (
        ("(this one)", "127.0.0.1"),
        ("My laptop", "Firefox on Windows · 127.0.0.1"),
        ("A program", "bot/1.0 <b>of mine</b> · 127.0.0.1"),
    ):
        row = rows.filter(has_text=label)
        await expect(row.locator(".person-note").last).to_have_text(note)
