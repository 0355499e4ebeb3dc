"""What a visit costs, and that nothing comes from elsewhere."""

from collections.abc import Callable, Mapping

from playwright.async_api import expect

from tests.support.browser import Browser, Window
from tests.support.server import ServerProcess

MOST_BYTES = 150_000

TRANSFERRED = """Object.fromEntries(performance.getEntries()
  .filter((each) => "transferSize" in each).map((each) => [each.name, each.transferSize]))"""


async def transferred(window: Window) -> Mapping[str, int]:
    """What the page has loaded, and how many bytes came over the wire for it, with headers."""
    await expect(window.page.get_by_role("heading", name="Log in")).to_be_visible()
    sizes: Mapping[str, int] = await window.page.evaluate(TRANSFERRED)
    return sizes


async def test_the_first_visit_transfers_little_and_from_here_alone(
    server: ServerProcess,
    browser: Browser,
    record_property: Callable[[str, object], None],
) -> None:
    sizes = await transferred(await browser.window(server.url))
    record_property("first_load_bytes", sum(sizes.values()))

    assert 0 < sum(sizes.values()) < MOST_BYTES
    assert [url for url in sizes if not url.startswith(server.url)] == []


async def test_the_second_visit_asks_for_the_page_alone(
    server: ServerProcess, browser: Browser
) -> None:
    window = await browser.window(server.url)
    await transferred(window)
    await window.page.goto("/register")
    await window.page.goto("/log-in")
    sizes = await transferred(window)

    assert [url for url, size in sizes.items() if size and "/assets/" in url] == []
