"""The chat page beside Telegram: first view, messages, lists, languages, accessibility."""

import pytest
from playwright.async_api import expect

from simulator.catalogue import add_posts
from simulator.telegram.markup import parse_html
from tests.e2e.accessibility import grave_violations, low_targets
from tests.e2e.bot_harness import VIDEO
from tests.e2e.browser_harness import (
    IN_BROWSER,
    BrowserHarness,
    hold,
    pick,
    screenshot,
    until,
    write,
)

pytestmark = IN_BROWSER


async def test_the_first_view_says_what_to_do_and_start_starts(browser_harness: BrowserHarness):
    await browser_harness.harness.start()
    browser_harness.harness.home.has_begun = False
    page = await browser_harness.window()
    await expect(page.locator("#welcome p")).to_have_text("Tap Start, or pick a sample")
    for part in ("#text", "#attach", "#send"):  # as in Telegram, Start is instead of them
        await expect(page.locator(part)).to_be_hidden()
    await expect(page.locator("#chat-list .name")).to_have_text(["Clipferry", "Crew"])
    await expect(page.locator("#people ul")).to_be_hidden()
    groups = page.locator("#samples summary")
    named = ["Try first", "Errors", "Large files", "Inline", "Admin", "Faults"]
    assert [g for g in await groups.all_inner_texts() if g in named] == named
    samples = page.locator(".sample:visible")
    assert 4 <= await samples.count() <= 8
    assert await samples.locator("img").count() == await samples.count()
    urls = await page.locator(".sample .url").evaluate_all("us => us.map(u => u.innerText)")
    assert max(len(url) for url in urls) <= 40
    cut = [url for url in urls if "…" in url]
    assert cut
    assert all(url.index("…") > 30 for url in cut)  # host and path stay
    await screenshot(page, "first-view")
    await page.click("#start")
    await expect(page.locator("#messages li.mine .words")).to_have_text("/start")
    await expect(page.locator("#start")).to_be_hidden()
    await expect(page.locator("#text")).to_be_focused()
    assert await page.locator("#text").get_attribute("placeholder")
    await expect(page.locator("#messages li.theirs .words")).to_be_visible()


async def test_send_is_disabled_without_a_text(browser_harness: BrowserHarness):
    page = await browser_harness.window()
    await expect(page.locator("#send")).to_be_disabled()
    await page.fill("#text", " \n")
    await expect(page.locator("#send")).to_be_disabled()
    await page.fill("#text", "hello")
    await page.click("#send")
    await expect(page.locator("#messages li.mine .words")).to_have_text("hello")
    await expect(page.locator("#send")).to_be_disabled()
    await expect(page.locator("#text")).to_be_focused()


async def test_a_typed_sample_starts_a_new_chat_first(browser_harness: BrowserHarness):
    browser_harness.harness.home.has_begun = False
    page = await browser_harness.window()
    await pick(page, "Inline mode without a link")
    await expect(page.locator("#text")).to_have_value("@clipferry_demo_bot ")
    await expect(page.locator("#text")).to_be_focused()
    await expect(page.locator("#messages li.mine .words")).to_have_text("/start")


async def test_an_answer_is_seen_whole_and_so_are_the_ticks_above_it(
    browser_harness: BrowserHarness,
):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await write(page, "/start")
    await expect(page.locator("#messages li.theirs")).to_have_count(1)
    await pick(page, "A video")
    answer = page.locator("#messages .pictured")
    await expect(answer.locator(".keys button", has_text="🎵")).to_be_visible()
    await expect(page.locator(".reaction")).to_have_count(0)
    for part in (answer, page.locator("#messages li.mine .meta").last):
        await expect(part).to_be_in_viewport(ratio=1)
    view, bubble = [
        await page.locator(s).bounding_box() for s in ("#messages", ".pictured .bubble")
    ]
    assert view
    assert bubble
    assert bubble["y"] >= view["y"]
    await screenshot(page, "video")


async def test_the_head_says_on_a_phone_what_the_bot_does(browser_harness: BrowserHarness):
    world = browser_harness.harness.world
    page = await browser_harness.window("1001/1001", phone=True)
    head = page.locator("#title p")
    await expect(head).to_have_text("bot · you are Ada")
    world.act(world.chats[1001], "upload_video")
    await expect(head).to_have_text("sending a video …")
    assert await head.evaluate("p => p.scrollWidth <= p.clientWidth")
    opener = page.get_by_role("button", name="Samples")
    assert await opener.evaluate("b => b.clientWidth") == 44
    await opener.click()
    await expect(page.locator("#samples")).to_be_visible()
    admin = await browser_harness.window("1900/1900", phone=True)
    member = await browser_harness.window("-1001001/1003", phone=True)
    for window, said in (
        (admin, "you are Captain, admin"),
        (member, "you are نور"),
    ):
        head = window.locator("#title p")
        assert await head.inner_text() == said
        assert await head.evaluate("p => p.scrollWidth <= p.clientWidth")
    group = await browser_harness.window("-1001001/1001")
    world.act(world.chats[-1_001_001], "upload_video")
    await expect(group.locator("#title p")).to_have_text("Clipferry is sending a video …")


async def test_a_message_gets_ticks_a_tail_a_preview_and_a_day(browser_harness: BrowserHarness):
    add_posts(browser_harness.harness.simulator)
    page = await browser_harness.window()
    await pick(page, "A video")
    mine = page.locator("#messages li.mine").last
    await expect(mine.locator(".meta")).to_contain_text("sent")
    await expect(mine.locator(".preview b").first).to_have_text("tiktok.com")
    await expect(mine.locator(".date")).to_have_text("Today")
    await write(page, "and another")
    await expect(page.locator("#messages li.mine.tail")).to_have_count(1)
    await browser_harness.harness.start()
    await expect(page.locator("#messages li.mine .meta:has-text('read')")).to_have_count(2)


async def test_a_portrait_video_has_its_own_shape_and_says_its_size(
    browser_harness: BrowserHarness,
):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await pick(page, "A video")
    video = page.locator("#messages video")
    await expect(video).to_have_count(1)
    width, height = await video.evaluate("v => [v.clientWidth, v.clientHeight]")
    assert width / height == pytest.approx(576 / 1024, abs=0.02)
    bubble = await page.locator("#messages li.theirs .bubble").last.evaluate("b => b.clientWidth")
    assert bubble - width < 2
    await expect(page.get_by_role("button", name="Play the video")).to_be_visible()
    assert await video.evaluate("v => v.paused")  # this window asks for less motion
    await expect(page.locator("#messages .tag")).to_contain_text(" KB")
    link = page.locator("#messages .words a").first
    assert await link.evaluate("a => getComputedStyle(a).textDecorationLine") == "none"


async def test_an_earlier_video_shows_its_still_until_it_is_played(
    browser_harness: BrowserHarness,
):
    harness = browser_harness.harness
    add_posts(harness.simulator)
    await harness.start()
    page = await browser_harness.window()
    await pick(page, "A video")
    video, still = page.locator("#messages video"), page.locator("#messages .mosaic img")
    await expect(video).to_have_count(1)
    await page.reload()
    await expect(still).to_have_count(1)
    await until(page, "document.querySelector('#messages .mosaic img').naturalWidth > 0")
    await expect(video).to_have_count(0)
    await page.get_by_role("button", name="Play the video").click()
    await expect(video).to_be_focused()
    await until(page, "document.querySelector('#messages video').currentTime > 0")
    await expect(page.locator("#messages .play")).to_have_count(0)
    answer = next(m for m in harness.home.messages.values() if "video" in m)
    harness.world.edited(answer | {"caption": "another caption"})
    await expect(page.locator("#messages .words").last).to_have_text("another caption")
    assert await video.evaluate("v => v.currentTime") > 0  # an edit does not begin it again


async def test_other_chats_show_the_last_message_and_how_many_are_unread(
    browser_harness: BrowserHarness,
):
    world = browser_harness.harness.world
    page = await browser_harness.window()
    for words in ("one", "two"):
        world.add_message(world.chats[-1_001_001], {"text": words})
    row = page.locator("#chat-list li").first
    await expect(row.locator(".name")).to_have_text("Crew")
    await expect(row.locator(".last")).to_contain_text("two")
    await expect(row.locator(".unread")).to_have_text("2")
    assert await row.locator(".when").inner_text()
    world.add_message(world.chats[1002], {"text": "to somebody else"})
    await expect(page.locator("#people summary .unread")).to_have_text("1")
    await row.locator("button").click()
    await expect(row.locator(".unread")).to_have_count(0)


async def test_the_button_to_the_end_counts_what_was_missed(browser_harness: BrowserHarness):
    world = browser_harness.harness.world
    home = world.chats[1001]
    for number in range(40):
        world.add_message(home, {"text": f"line {number}\n" * 3})
    page = await browser_harness.window(moves=True)
    await expect(page.locator("#messages li").last).to_be_in_viewport()
    await expect(page.locator("#to-end")).to_be_hidden()
    world.add_message(home, {"text": "followed"})
    await expect(page.locator("#messages li").last).to_be_in_viewport()
    await page.evaluate("document.querySelector('#messages').scrollTop = 0")
    await expect(page.locator("#to-end")).to_be_visible()
    for words in ("missed", "missed, too"):
        world.add_message(home, {"text": words})
    await expect(page.locator("#to-end .unread")).to_have_text("2")
    await page.click("#to-end")
    await expect(page.locator("#messages li").last).to_be_in_viewport()
    await expect(page.locator("#to-end")).to_be_hidden()


async def test_an_upload_shows_its_progress(browser_harness: BrowserHarness):
    await browser_harness.harness.start()
    page = await browser_harness.window()
    may_go = await hold(page, "**/page/upload")
    await page.set_input_files("#file", browser_harness.harness.samples.picture(400, 300, "mine"))
    await expect(page.get_by_role("progressbar")).to_be_visible()
    may_go.set()
    await expect(page.locator("#messages li.mine img")).to_have_count(1)
    await expect(page.get_by_role("progressbar")).to_have_count(0)


async def test_spoilers_open_on_demand(browser_harness: BrowserHarness):
    world = browser_harness.harness.world
    words, entities = parse_html("It is <tg-spoiler>the gardener</tg-spoiler>")
    world.add_message(world.chats[1001], {"text": words, "entities": entities})
    page = await browser_harness.window()
    spoiler = page.locator(".spoiler")
    assert "0, 0, 0, 0" in await spoiler.evaluate("s => getComputedStyle(s).color")
    await spoiler.focus()
    await page.keyboard.press("Enter")
    assert "0, 0, 0, 0" not in await spoiler.evaluate("s => getComputedStyle(s).color")


#: Left edge of the character at an index of an element's text.
_LEFT_OF = """(e, i) => {
  const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
  const range = document.createRange();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (i < node.length) {
      range.setStart(node, i);
      range.setEnd(node, i + 1);
      return range.getBoundingClientRect().left;
    }
    i -= node.length;
  }
}"""


#: Right edge of an element's text.
_RIGHT_OF_WORDS = """e => {
  const range = document.createRange();
  range.selectNodeContents(e);
  return range.getBoundingClientRect().right;
}"""


async def test_every_line_has_its_own_direction(browser_harness: BrowserHarness):
    world = browser_harness.harness.world
    text = "مرحبا\n@clipferry_demo_bot\nاكتب @clipferry_demo_bot هنا"
    mention = len("@clipferry_demo_bot")
    places = [text.index("@"), text.rindex("@")]
    entities = [{"type": "mention", "offset": at, "length": mention} for at in places]
    world.add_message(world.chats[1003], {"text": text, "entities": entities})
    page = await browser_harness.window("1003/1003", phone=True)
    words = page.locator("#messages .words")
    for at in places:
        assert await words.evaluate(_LEFT_OF, at) < await words.evaluate(_LEFT_OF, at + 1)
    box = await words.bounding_box()
    assert box
    first_line = await words.evaluate(_LEFT_OF, 0)
    second_line = await words.evaluate(_LEFT_OF, places[0])
    assert first_line > box["x"] + box["width"] / 2 > second_line


async def test_a_message_from_right_to_left_has_its_quote_and_its_time_on_the_other_side(
    browser_harness: BrowserHarness,
):
    world = browser_harness.harness.world
    question = {"text": "?a"}
    asked = world.post_unseen(world.people[1003].as_json(), world.chats[1003], question)
    answer = {"text": "لم يعد هذا المنشور موجودًا.", "reply_to_message": asked}
    world.add_message(world.chats[1003], answer)
    page = await browser_harness.window("1003/1003", phone=True)
    bubble = page.locator("#messages li.theirs .bubble")
    boxes = {
        part: await bubble.locator(part).bounding_box()
        for part in (".reply", "b", ".words", ".meta")
    }
    right = {part: box["x"] + box["width"] for part, box in boxes.items() if box}
    assert right[".reply"] - right["b"] < 20
    quoted = bubble.locator(".reply > span > bdi")
    assert right["b"] - await quoted.evaluate(_RIGHT_OF_WORDS) < 1
    border = await bubble.locator(".reply").evaluate("r => getComputedStyle(r).borderRightWidth")
    assert border == "3px"
    words, meta = boxes[".words"], boxes[".meta"]
    assert words
    assert meta
    assert meta["x"] - words["x"] < 20
    assert meta["y"] + meta["height"] < words["y"] + words["height"] + 2  # no line of its own
    last = len(answer["text"]) - 1
    assert right[".meta"] <= await bubble.locator(".words").evaluate(_LEFT_OF, last)


@pytest.mark.parametrize(
    "words", ["https://www.tiktok.com/@ferry.demo/video/1" + "0" * 60, "لا " * 40]
)
@pytest.mark.parametrize("phone", [False, True])
async def test_a_long_quote_is_cut_at_the_edge_of_its_message(
    browser_harness: BrowserHarness, words: str, phone: bool
):
    world = browser_harness.harness.world
    question = {"text": words}
    asked = world.post_unseen(world.people[1003].as_json(), world.chats[1003], question)
    world.add_message(world.chats[1003], {"text": "Gone.", "reply_to_message": asked})
    page = await browser_harness.window("1003/1003", phone=phone)
    quote = page.locator("#messages li.theirs .reply")
    quoted = quote.locator("> span > bdi")
    outer, inner = await quote.bounding_box(), await quoted.bounding_box()
    assert outer
    assert inner
    assert outer["x"] < inner["x"]
    assert inner["x"] + inner["width"] < outer["x"] + outer["width"]
    assert await quoted.evaluate("q => q.scrollWidth > q.clientWidth")


async def test_a_name_and_words_of_different_directions_keep_their_order_in_the_list(
    browser_harness: BrowserHarness,
):
    world = browser_harness.harness.world
    world.post_unseen(world.people[1003].as_json(), world.chats[-1_001_001], {"text": "hello!"})
    page = await browser_harness.window()
    last = page.locator("#chat-list li", has_text="Crew").locator(".last")
    await expect(last).to_have_text("نور: hello!")
    name, words = [await last.locator("bdi bdi").nth(n).bounding_box() for n in (0, 1)]
    assert name
    assert words
    assert name["x"] + name["width"] <= words["x"]


async def test_names_and_subtitles_are_aligned_alike_in_all_languages(
    browser_harness: BrowserHarness,
):
    await browser_harness.harness.start()
    page = await browser_harness.window("1003/1003")
    await page.click("#people summary")
    lefts = "es => es.map(e => Math.round(e.getBoundingClientRect().left))"
    edges = await page.locator("nav :is(.name, .last) bdi").evaluate_all(lefts)
    assert len(edges) > 8
    assert len(set(edges)) == 1
    head = await page.locator("#title :is(h2, p)").evaluate_all(lefts)
    assert len(set(head)) == 1


@pytest.mark.parametrize(
    ("place", "options"),
    [
        ("", {}),
        ("1003/1003", {"dark": True, "phone": True}),
        ("-1001001/1001", {"dark": True}),
    ],
)
async def test_axe_finds_nothing_serious(
    browser_harness: BrowserHarness, place: str, options: dict[str, bool]
):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window(place, **options)
    found = await grave_violations(page)
    await write(page, "/settings")
    await expect(page.locator("#messages .keys", has_text="🎬").last).to_be_visible()
    await write(page, VIDEO)
    await expect(page.locator("#messages video")).to_have_count(1)
    await page.locator("#messages .words").last.click(button="right")
    found += await grave_violations(page)
    await page.keyboard.press("Escape")
    await page.click("#about")
    found += await grave_violations(page)
    await page.click("#info .main")
    await page.fill("#text", "/")
    found += await grave_violations(page)
    await page.fill("#text", "")
    if options.get("phone"):
        found += await low_targets(page)
        await page.click("#toggle-aside")
    # The panel is the same beside a group.
    for tab in ("samples", "request", "calls", "faults", "bot") if "-" not in place else ():
        await page.click(f"#tab-{tab}")
        found += await grave_violations(page)
        found += await low_targets(page) if options.get("phone") else []
    assert found == [], "\n".join(found)


async def test_the_panel_and_the_suggestions_are_used_with_the_keyboard(
    browser_harness: BrowserHarness,
):
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await page.focus("#tab-samples")
    await page.keyboard.press("ArrowRight")
    await expect(page.locator("#request")).to_be_visible()
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator("#bot")).to_be_visible()
    await page.fill("#text", "/")
    await page.locator("#text").press("ArrowUp")
    await page.keyboard.press("Escape")
    await expect(page.locator("#text")).to_be_focused()


@pytest.mark.parametrize(("width", "height"), [(320, 640), (640, 400)], ids=["320px", "zoom 200%"])
async def test_everything_is_reached_in_a_small_window_with_the_keyboard(
    browser_harness: BrowserHarness, width: int, height: int
):
    """A window of 1280 by 800 pixels, magnified twice, has 640 by 400."""
    await browser_harness.harness.start()
    page = await browser_harness.window(phone=True)
    await page.set_viewport_size({"width": width, "height": height})
    await write(page, "/settings")
    await expect(page.locator("#messages .keys")).to_be_visible()
    await page.focus("#toggle-aside")
    await page.keyboard.press("Enter")
    for tab in ("samples", "request", "calls", "faults", "bot"):
        await expect(page.locator(f"#tab-{tab}")).to_be_focused()
        cut = "t => t.scrollWidth > t.clientWidth || t.getBoundingClientRect().right > innerWidth"
        assert not await page.locator(f"#tab-{tab}").evaluate(cut)
        await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Escape")
    await expect(page.locator("#toggle-aside")).to_be_focused()
    await page.focus("#back")
    await page.keyboard.press("Enter")
    await expect(page.locator("#chat-list button").first).to_be_focused()
    assert await page.evaluate("document.documentElement.scrollWidth") <= width


async def test_the_page_can_ask_no_other_server(browser_harness: BrowserHarness):
    """That it does not ask one is checked in every test: see `BrowserHarness.window`."""
    page = await browser_harness.window()
    for attempt in (
        "fetch('https://telegram.example/')",
        "import('https://telegram.example/x.js')",
        "new Promise((good, bad) => { const i = new Image(); i.onload = good; i.onerror = bad;"
        " i.src = 'https://telegram.example/x.png' })",
    ):
        was_refused = await page.evaluate(f"{attempt}.then(() => false, () => true)")
        assert was_refused
    assert any("Content Security Policy" in trouble for trouble in browser_harness.troubles)
    browser_harness.troubles.clear()  # the browser reports each attempt
