"""People who chat: two windows, a phone, and a real server."""

from playwright.async_api import expect

from tests.support.browser import Browser
from tests.support.server import PASSWORD, Api, ServerProcess


async def test_two_people_find_each_other_and_chat(server: ServerProcess, browser: Browser) -> None:
    ann = await browser.window(server.url)
    bob = await browser.window(server.url, phone=True)
    await ann.register("ann")
    await bob.register("bob")
    await ann.find("Bob")
    await ann.send("Hello Bob")
    await expect(bob.row("Ann").locator(".badge")).to_have_text("1 unread")
    await expect(bob.page).to_have_title("(1) Chat")
    await ann.has_progress("Hello Bob", "Delivered")
    await bob.open("Ann")
    await ann.has_progress("Hello Bob", "Read")
    await expect(bob.page).to_have_title("Ann · Chat")
    await bob.box.press_sequentially("Hi")
    await expect(ann.page.locator(".typing-line")).to_have_text("Bob is typing")
    await bob.send("Hi Ann")
    await ann.shows("Hello Bob", "Hi Ann")
    await bob.shows("Hello Bob", "Hi Ann")
    await expect(ann.page.locator(".typing-line")).to_have_text("")


async def test_what_is_edited_or_deleted_is_so_for_both(
    server: ServerProcess, browser: Browser
) -> None:
    ann, bob = await browser.window(server.url), await browser.window(server.url)
    await ann.register("ann")
    await bob.register("bob")
    await ann.find("Bob")
    await ann.send("tipo")
    await ann.send("a mistake")
    await bob.open("Ann")
    await bob.shows("tipo", "a mistake")
    await ann.act("tipo", "Edit")
    await expect(ann.box).to_have_value("tipo")
    await ann.box.fill("typo")
    await ann.page.get_by_role("button", name="Save changes").click()
    await bob.shows("typo", "a mistake")
    await expect(bob.message("typo").locator(".meta")).to_contain_text("edited")
    await ann.act("a mistake", "Delete")
    await ann.confirm("Delete")
    await bob.shows("typo")
    await expect(bob.page.get_by_text("This message was deleted")).to_be_visible()
    await expect(ann.page.get_by_text("This message was deleted")).to_be_visible()


async def test_three_people_in_a_group(server: ServerProcess, browser: Browser) -> None:
    async with Api(server.url) as api:
        await api.sign_up("bob", displayName="Bob")
        await api.sign_up("cleo", displayName="Cleo")
    ann = await browser.window(server.url)
    bob = await browser.window(server.url)
    cleo = await browser.window(server.url, phone=True)
    await ann.register("ann")
    await bob.log_in("bob")
    await cleo.log_in("cleo")
    await ann.page.get_by_role("link", name="New conversation").click()
    await ann.page.get_by_role("button", name="Group").click()
    await ann.page.get_by_label("Group name").fill("Team")
    for name in ("Bob", "Cleo"):
        await ann.page.get_by_label("Add people").fill(name)
        await ann.page.get_by_role("button", name=f"{name} @").click()
    await ann.page.get_by_role("button", name="Create the group").click()
    await ann.send("Welcome")
    for each in (bob, cleo):
        await each.open("Team")
        await each.shows("Welcome")
        await expect(
            each.page.get_by_text("Ann created the group “Team” with", exact=False)
        ).to_be_visible()
    await ann.has_progress("Welcome", "Read")
    await cleo.send("Thank you")
    await bob.shows("Welcome", "Thank you")
    await ann.page.get_by_role("link", name="Members and details").click()
    await ann.page.get_by_role("combobox", name="Role of Bob").select_option("admin")
    await expect(bob.page.get_by_text("Ann made you an admin")).to_be_visible()
    await ann.page.get_by_role("button", name="Remove Cleo").click()
    await ann.confirm("Remove")
    await expect(cleo.page.get_by_text("You are no longer a member")).to_be_visible()


async def test_a_hidden_window_keeps_up_and_notifies(
    server: ServerProcess, browser: Browser
) -> None:
    async with Api(server.url) as api:
        ann, bob = await api.people("ann", "bob")
        await api.send(ann, bob, "Hello")
        window = await browser.window(server.url, permissions=["notifications"])
        await window.page.add_init_script(
            """
            Object.defineProperty(document, "hidden", { get: () => window.isHidden === true });
            window.shown = [];
            window.Notification = class {
              static permission = "granted";
              static requestPermission = async () => "granted";
              constructor(title, { body }) { window.shown.push([title, body]); }
            };
            """
        )
        await window.page.goto("/log-in")
        await window.log_in(bob.username)
        await window.page.get_by_role("link", name="Profile and settings").click()
        await window.page.get_by_label("Show new messages").check()
        await window.page.evaluate("window.isHidden = true")
        await api.send(ann, bob, "Are you away?")
        await expect(window.page).to_have_title("(2) Chat")
        assert await window.page.evaluate("window.shown") == [[ann.username, "Are you away?"]]


async def test_a_conversation_opens_where_the_new_messages_begin(
    server: ServerProcess, browser: Browser
) -> None:
    async with Api(server.url) as api:
        ann, bob = await api.people("ann", "bob")
        for number in range(30):
            sent = await api.send(ann, bob, f"known {number}")
        read = f"/conversations/{sent['conversationId']}/read"
        await api.http.put(read, json={"seq": 30}, headers=bob.bearer)
        for number in range(30):
            await api.send(ann, bob, f"new {number}")
    window = await browser.window(server.url)
    await window.log_in(bob.username)
    await window.open(ann.username)
    await expect(window.page.get_by_text("New messages")).to_be_in_viewport()
    await expect(window.message("new 0")).to_be_in_viewport()
    await expect(window.message("new 29")).not_to_be_in_viewport()
    await expect(window.row(ann.username).locator(".badge")).to_have_text("30 unread")
    await window.page.get_by_role("button", name="30 new").click()
    await window.page.get_by_role("region", name="Messages").hover()
    await expect(window.message("new 29")).to_be_in_viewport()
    await expect(window.row(ann.username).locator(".badge")).not_to_be_attached()
    await window.page.mouse.wheel(0, -1000)
    await expect(window.message("new 29")).not_to_be_in_viewport()
    await window.send("mine")
    await expect(window.message("mine")).to_be_in_viewport()


async def test_a_link_leads_into_a_conversation_and_a_reload_stays_there(
    server: ServerProcess, browser: Browser
) -> None:
    async with Api(server.url) as api:
        ann, bob = await api.people("ann", "bob")
        sent = await api.send(ann, bob, "Find me")
    window = await browser.window(server.url)
    await window.log_in(bob.username, PASSWORD)
    await window.page.goto(f"/chat/{sent['conversationId']}")
    await window.shows("Find me")
    await window.page.reload()
    await window.shows("Find me")


async def test_what_the_server_refuses_is_said_in_words(
    server: ServerProcess, browser: Browser
) -> None:
    async with Api(server.url) as api:
        await api.sign_up("ann")
    window = await browser.window(server.url)
    await window.page.get_by_label("Username or e-mail").fill("ann")
    await window.page.get_by_label("Password").fill("another one")
    await window.page.get_by_role("button", name="Log in").click()
    await expect(window.page.get_by_role("alert")).to_have_text(
        "The username or password is wrong."
    )
    await window.page.get_by_role("link", name="Create an account").click()
    await expect(window.page.get_by_label("Username")).to_have_value("ann")
    await window.page.get_by_label("Password").fill("short")
    await window.page.get_by_role("button", name="Create account").click()
    await expect(window.page.get_by_role("alert")).to_contain_text("Password must")
