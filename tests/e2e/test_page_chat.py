"""The chat page is used as Telegram is: keys, drafts, menus, unread messages, edits."""

import asyncio
import re

from playwright.async_api import Page, Route, expect

from app.bot_commands import PRIVATE_COMMANDS
from simulator.telegram.world import Chat
from tests.e2e.browser_harness import IN_BROWSER, BrowserHarness, hold, screenshot, write

pytestmark = IN_BROWSER

CREW = -1_001_001
NEWS = -1_001_888


async def test_unread_messages_stay_unread_after_a_reload_until_they_are_seen(
    browser_harness: BrowserHarness,
):
    world = browser_harness.harness.world
    crew = world.chats[CREW]
    for words in ("one", "two"):
        world.add_message(crew, {"text": words})
    page = await browser_harness.window()
    row = page.locator("#chat-list li", has_text="Crew")
    await expect(row.locator(".unread")).to_have_text("2")
    await page.reload()
    await expect(row.locator(".unread")).to_have_text("2")
    await row.locator("button").click()
    await expect(row.locator(".unread")).to_have_count(0)
    await browser_harness.harness.until(lambda: world.seen.get((1001, CREW)) == 2)
    await page.goto(f"{browser_harness.harness.simulator.address}/#1001/1001")
    await page.reload()
    await expect(page.locator("#title p")).to_contain_text("bot")
    await expect(row.locator(".unread")).to_have_count(0)
    # Somebody else has not seen them.
    other = await browser_harness.window("1002/1002")
    await expect(other.locator("#chat-list .unread")).to_have_text("2")


async def test_a_message_that_is_scrolled_out_of_sight_is_unread(browser_harness: BrowserHarness):
    world = browser_harness.harness.world
    for number in range(40):
        world.add_message(world.chats[1001], {"text": f"line {number}\n" * 3})
    page = await browser_harness.window()
    unread = page.locator("#chat-list li", has_text="Clipferry").locator(".unread")
    await expect(unread).to_have_count(0)
    await page.evaluate("document.querySelector('#messages').scrollTop = 0")
    await expect(page.locator("#to-end")).to_be_visible()
    world.add_message(world.chats[1001], {"text": "below"})
    await expect(unread).to_have_text("1")
    await page.click("#to-end")
    await expect(unread).to_have_count(0)


async def test_drafts_stay_in_their_chats_and_lists_are_walked_with_arrows(
    browser_harness: BrowserHarness,
):
    page = await browser_harness.window()
    await page.fill("#text", "half a thought")
    await page.locator("#chat-list button", has_text="Clipferry").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(page.locator("#title h2")).to_have_text("Crew")
    await expect(page.locator("#text")).to_be_focused()
    await expect(page.locator("#text")).to_have_value("")
    home = page.locator("#chat-list li", has_text="Clipferry")
    await expect(home.locator(".last")).to_contain_text("half a thought")
    await screenshot(page, "draft")
    await home.locator("button").click()
    await expect(page.locator("#text")).to_have_value("half a thought")
    await expect(page.locator("#chat-list .draft")).to_have_count(0)


async def test_enter_sends_and_with_shift_begins_a_line(browser_harness: BrowserHarness):
    page = await browser_harness.window()
    await page.focus("#text")
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await page.keyboard.press("Enter")
    words = page.locator("#messages li.mine .words")
    await expect(words).to_have_text("one\ntwo")
    # The arrow key edits what was sent last, as in Telegram; Escape gives up.
    await page.keyboard.press("ArrowUp")
    await expect(page.locator("#quote")).to_contain_text("Edit")
    await page.keyboard.press("Escape")
    await expect(page.locator("#quote")).to_be_hidden()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.type(", three")
    await page.keyboard.press("Enter")
    await expect(words).to_have_text("one\ntwo, three")
    await expect(page.locator("#messages .meta")).to_contain_text("edited")


async def test_a_message_has_a_menu_for_the_pointer_and_for_the_keyboard(
    browser_harness: BrowserHarness,
):
    world = browser_harness.harness.world
    page = await browser_harness.window()
    world.add_message(world.chats[1001], {"text": "from the bot"})
    await write(page, "mine")
    await chosen(page, "from the bot", "Reply")
    await expect(page.locator("#quote")).to_contain_text("from the bot")
    await page.keyboard.type("an answer")
    await page.keyboard.press("Enter")
    await expect(page.locator("#messages li.mine .reply")).to_contain_text("from the bot")
    await chosen(page, "from the bot", "Copy text")
    await expect(page.locator("#toasts")).to_contain_text("Copied: from the bot")
    await page.focus("#messages")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    menu = page.get_by_role("menuitem")
    await expect(menu).to_have_text(["Reply", "Copy text", "Edit", "Delete"])
    await expect(menu.first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(menu).to_have_count(0)
    await expect(page.get_by_role("group", name="You").first).to_be_focused()
    await page.keyboard.press("Enter")
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Enter")
    await expect(page.locator("#messages .words", has_text="mine")).to_have_count(0)


async def test_a_message_with_nothing_to_choose_has_no_menu(browser_harness: BrowserHarness):
    world = browser_harness.harness.world
    news = world.chats[NEWS] = Chat(NEWS, "channel", title="News")
    world.add_message(news, {"location": {"latitude": 1.5, "longitude": 2.5}})
    page = await browser_harness.window(f"{NEWS}/1001")
    bubble = page.locator("#messages .bubble")
    await bubble.focus()
    await page.keyboard.press("Enter")
    await bubble.click(button="right")
    await expect(page.locator("#message-menu")).to_be_hidden()


async def chosen(page: Page, words: str, entry: str) -> None:
    """Choose an entry of a message's menu with the pointer."""
    bubble = page.locator("#messages .bubble:not(:has(.reply))", has_text=words)
    await bubble.click(button="right")
    await page.get_by_role("menuitem", name=entry).click()


async def test_an_edit_above_moves_nothing(browser_harness: BrowserHarness):
    world = browser_harness.harness.world
    messages = [
        world.add_message(world.chats[1001], {"text": f"line {n}\n" * 3}) for n in range(40)
    ]
    page = await browser_harness.window()
    middle = page.locator("#messages li").nth(20)
    await middle.evaluate("li => li.scrollIntoView({ block: 'center' })")
    await expect(page.locator("#to-end")).to_be_visible()
    top = "li => Math.round(li.getBoundingClientRect().top)"
    before = await middle.evaluate(top)
    for number in (2, 15):
        messages[number]["text"] = "longer than before\n" * 9
        world.edited(messages[number])
        await expect(page.locator("#messages li").nth(number)).to_contain_text("longer")
    assert abs(await middle.evaluate(top) - before) <= 1


async def test_a_long_chat_is_one_list_whatever_its_blocks(browser_harness: BrowserHarness):
    world = browser_harness.harness.world
    chat = world.chats[1001]
    messages = [world.add_message(chat, {"text": f"line {n}\n" * 3}) for n in range(42)]
    page = await browser_harness.window()
    world.add_message(chat, {"text": "as I said", "reply_to_message": messages[0]})
    items = page.locator("#messages li")
    await expect(items).to_have_count(43)
    await expect(page.locator("#messages li.tail")).to_have_count(1)
    await expect(page.locator("#messages li:not(.joined)")).to_have_count(1)
    await page.focus("#messages")
    for _ in range(30):
        await page.keyboard.press("ArrowUp")
    await expect(items.nth(43 - 30).locator(".bubble")).to_be_focused()
    await page.locator("#messages .reply").evaluate("quote => quote.click()")
    await expect(items.first.locator(".bubble")).to_be_in_viewport(ratio=1)
    await page.click("#to-end")
    await expect(items.last).to_be_in_viewport(ratio=1)
    for number in range(21, 44):  # all but the first block
        world.delete(chat, number)
    await expect(items).to_have_count(20)
    await expect(items.last).to_have_class(re.compile(r"\btail\b"))
    world.add_message(chat, {"text": "one more"})
    await expect(items.last).to_be_in_viewport(ratio=1)
    await expect(page.locator("#messages li.tail")).to_have_count(1)


async def test_the_end_stays_in_sight_above_a_message_of_many_lines(
    browser_harness: BrowserHarness,
):
    world = browser_harness.harness.world
    for number in range(20):
        world.add_message(world.chats[1001], {"text": f"line {number}\n" * 3})
    page = await browser_harness.window()
    last = page.locator("#messages li").last
    await expect(last).to_be_in_viewport(ratio=1)
    await page.fill("#text", "a\nmessage\nof\nmany\nlines")
    await expect(last).to_be_in_viewport(ratio=1)


async def test_a_picture_is_not_drawn_again_when_its_caption_changes(
    browser_harness: BrowserHarness,
):
    harness = browser_harness.harness
    page = await browser_harness.window()
    await page.set_input_files("#file", harness.samples.picture(400, 300, "mine"))
    picture = page.locator("#messages li.mine .mosaic img")
    await picture.evaluate("i => { i.dataset.known = 'yes' }")
    message = harness.home.messages[1]
    message["caption"] = "with a caption"
    message["reply_markup"] = {"inline_keyboard": [[{"text": "Press", "callback_data": "1"}]]}
    harness.world.edited(message)
    await expect(page.locator("#messages .words")).to_have_text("with a caption")
    await page.get_by_role("button", name="Press").focus()
    message["reply_markup"] = {"inline_keyboard": [[{"text": "Again", "callback_data": "2"}]]}
    harness.world.edited(message)
    # Whoever presses buttons with the keyboard stays where they are.
    await expect(page.get_by_role("button", name="Again")).to_be_focused()
    await expect(picture).to_have_attribute("data-known", "yes")


async def test_the_actions_of_a_person_arrive_in_their_order(browser_harness: BrowserHarness):
    world = browser_harness.harness.world
    keys = {"inline_keyboard": [[{"text": "Press", "callback_data": "1"}]]}
    world.add_message(world.chats[1001], {"text": "Well?", "reply_markup": keys})
    page = await browser_harness.window()
    may_go = await hold(page, "**/page/do/press")
    await page.get_by_role("button", name="Press").click()
    await write(page, "after the press")
    await page.evaluate("fetch('/page/icon.svg').then(r => r.text())")
    may_go.set()
    await expect(page.locator("#messages li.mine .words")).to_have_text("after the press")
    kinds = [kind for update in world.updates for kind in update if kind != "update_id"]
    assert kinds == ["callback_query", "message"]


async def test_commands_that_are_set_later_are_suggested(browser_harness: BrowserHarness):
    browser_harness.harness.new_database = None
    page = await browser_harness.window()
    await page.fill("#text", "/")
    await expect(page.locator("#popup")).to_be_hidden()
    await browser_harness.harness.start()
    await expect(page.locator("#popup button")).to_have_count(len(PRIVATE_COMMANDS))


async def test_files_are_sent_in_their_order_and_shown_by_their_names(
    browser_harness: BrowserHarness,
):
    harness = browser_harness.harness
    cookies = harness.folder / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n")
    page = await browser_harness.window()
    await page.set_input_files("#file", [harness.samples.picture(400, 300, "mine"), cookies])
    mine = page.locator("#messages li.mine")
    await expect(mine.nth(1).locator(".file a")).to_have_text("cookies.txt")
    await expect(mine.nth(0).locator("img")).to_have_count(1)
    assert harness.home.messages[2]["document"]["file_name"] == "cookies.txt"


async def test_files_arrive_where_they_were_chosen_whatever_is_open_meanwhile(
    browser_harness: BrowserHarness,
):
    harness = browser_harness.harness
    page = await browser_harness.window()
    may_go = asyncio.Event()

    async def hold(route: Route) -> None:
        await may_go.wait()
        await route.continue_()

    await page.route("**/page/upload", hold)
    await page.fill("#text", "two pictures")
    pictures = [harness.samples.picture(400, 300, name) for name in ("one", "two")]
    await page.set_input_files("#file", pictures)
    await page.locator("#chat-list button", has_text="Crew").click()
    await expect(page.locator("#title h2")).to_have_text("Crew")
    await page.fill("#text", "for the group")
    may_go.set()
    await harness.until(lambda: len(harness.home.messages) == len(pictures))
    assert [message.get("caption") for message in harness.home.messages.values()] == [
        "two pictures",
        None,
    ]
    await expect(page.locator("#text")).to_have_value("for the group")
