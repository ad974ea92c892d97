"""The chat page's panel: requests, calls, faults, roles, processes."""

import os

import pytest
from playwright.async_api import expect

from misc.ui.texts import load_texts
from simulator.catalogue import add_posts
from simulator.page.inspection import BotProcess
from tests.e2e.browser_harness import IN_BROWSER, BrowserHarness, pick, screenshot, write
from tests.ports import free_port

TEXTS = load_texts()
pytestmark = IN_BROWSER


async def test_a_request_is_drawn_from_the_message_to_the_answer_with_its_rows(
    browser_harness: BrowserHarness,
):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await pick(page, "A video")
    await page.click("#tab-request")
    await expect(page.locator("#timeline .note")).to_contain_text("· sent")
    steps = page.locator(".step b")
    await expect(steps).to_have_text(["found", "stored", "fetched", "shaped", "sent"])
    assert all(await page.locator(".step .number").all_inner_texts())
    await expect(page.locator(".step small").nth(2)).to_contain_text("requests to TikTok")
    rows = page.locator("#rows")
    await expect(rows).to_contain_text("cached_posts")
    await expect(rows.locator("tr:has(th:text-is('outcome')) td").first).to_have_text("delivered")
    await screenshot(page, "request")
    await pick(page, "short link")
    await page.click("#tab-request")
    await expect(page.locator("#earlier li")).to_have_count(1)
    await expect(page.locator(".step small").nth(2)).to_contain_text("TikTok")


async def test_the_links_of_earlier_requests_are_seen_to_their_ends(
    browser_harness: BrowserHarness,
):
    """The end of a link tells it from others."""
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await page.click("#tab-request")
    for title in ("A deleted post", "A private post", "A dead short link"):
        await pick(page, title)
        await page.click("#tab-request")
        await expect(page.locator("#timeline .note")).to_contain_text("· refused")
    earlier = page.locator("#earlier button")
    await expect(earlier).to_have_count(2)
    assert await earlier.evaluate_all("bs => bs.every(b => b.scrollWidth <= b.clientWidth)")


async def test_the_sound_of_a_video_is_a_request_of_its_own(browser_harness: BrowserHarness):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await pick(page, "A video")
    await page.click("#tab-request")
    kind = page.locator("#rows tr:has(th:text-is('what')) td").first
    await expect(kind).to_contain_text('"kind": "post"')
    size = page.locator(".step small").nth(4)
    await expect(page.locator("#timeline .note")).to_contain_text("· sent")
    video = await size.inner_text()
    await page.click(".keys button:has-text('🎵')")
    await expect(page.locator("#timeline .note")).to_contain_text("🎵 Audio · tiktok.com")
    await expect(page.locator("#timeline .note")).to_contain_text("· sent")
    await expect(size).not_to_have_text(video)
    await expect(kind).to_contain_text('"kind": "sound"')
    await page.click("#earlier button")
    await expect(page.locator("#which")).to_have_text("The chosen request")
    await expect(size).to_have_text(video)
    await expect(kind).to_contain_text('"kind": "post"')


async def test_calls_are_filtered_and_opened(browser_harness: BrowserHarness):
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await write(page, "/start")
    await expect(page.locator("#messages li.theirs")).to_have_count(1)
    await page.click("#tab-calls")
    await page.select_option("#method", "sendMessage")
    methods = page.locator("#calls tr.call .method")
    await expect(methods).to_have_text(["sendMessage"])
    heights = "es => es.map(e => Math.round(e.getBoundingClientRect().height))"
    assert set(await methods.evaluate_all(heights)) == {22}  # one line: no word is broken
    await methods.first.click()
    request, answer = page.locator("#calls pre").nth(0), page.locator("#calls pre").nth(1)
    await expect(request).to_contain_text('"chat_id": 1001')
    await expect(answer).to_contain_text('"ok": true')
    await methods.first.click()
    await expect(page.locator("#calls pre")).to_have_count(0)


async def test_a_fault_of_the_sites_is_switched_on_and_off(browser_harness: BrowserHarness):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window()
    faults = browser_harness.harness.simulator.sites.faults
    await page.click("#tab-faults")
    await page.select_option("#site", "TikTok")
    await page.click("[data-kind='region']")
    await expect(page.locator("[data-kind='region']")).to_have_attribute("aria-pressed", "true")
    assert (faults.site, faults.kind) == ("TikTok", "region")
    await screenshot(page, "faults")
    await write(page, "https://www.tiktok.com/@ferry.demo/video/7300000000000000100")
    words = page.locator("#messages li.theirs .words")
    await expect(words.last).to_have_text(TEXTS["en"]["media_region"])
    await page.click("[data-kind='']")
    await expect(page.locator("[data-kind='']")).to_have_attribute("aria-pressed", "true")
    async with page.expect_response("**/page/do/line"):
        await page.select_option("#line", "250000")
    assert faults.line.bytes_per_s == browser_harness.harness.api.uploads.bytes_per_s == 250_000


async def test_an_open_circuit_breaker_is_shown(browser_harness: BrowserHarness):
    harness, port = browser_harness.harness, free_port()
    add_posts(harness.simulator)
    await harness.start(
        WATCH_PORT=str(port), NETWORK_BREAKER_FAILURES="1", NETWORK_BREAKER_PAUSE_S="600"
    )
    browser_harness.processes = [BotProcess("bot", "all", os.getpid(), port)]
    page = await browser_harness.window()
    await page.click("#tab-faults")
    breakers = page.locator("#breakers")
    await expect(breakers).to_contain_text("Circuit breaker closed")
    await page.select_option("#site", "TikTok")
    await page.click("[data-kind='503']")
    await expect(page.locator("[data-kind='503']")).to_have_attribute("aria-pressed", "true")
    await write(page, "https://www.tiktok.com/@ferry.demo/video/7300000000000000100")
    await expect(breakers).to_contain_text("Circuit breaker open: tiktok/page by http")
    await screenshot(page, "breaker")


async def test_roles_are_told(browser_harness: BrowserHarness):
    await browser_harness.harness.start(BOT_ADMINS="1900")
    page = await browser_harness.window("1900/1900")
    await expect(page.locator("#title p")).to_contain_text("administrator of the bot")
    await page.click("#about")
    await expect(page.locator("#info ul li")).to_contain_text("sends broadcasts")
    await page.click("#info .main")
    group = await browser_harness.window("-1001001/1001")
    await expect(group.locator("#title p")).to_contain_text("you are Ada, owner")
    await group.click("#about")
    ada = group.locator("#info ul li", has_text="Ada")
    await expect(ada).to_contain_text("group's settings")
    await expect(group.locator("#info ul li", has_text="Бо")).not_to_contain_text("Changes")
    await group.click("#info .main")
    await group.click("#tab-bot")
    await expect(group.locator("#roles")).to_contain_text("Captain")


async def test_processes_show_their_requests_and_can_be_killed(browser_harness: BrowserHarness):
    harness = browser_harness.harness
    harness.video(page_trouble="")
    harness.site.serves_files.clear()
    port = free_port()
    await harness.start(WATCH_PORT=str(port))
    browser_harness.processes = [
        BotProcess("receiver", "receiver", None),
        BotProcess("worker1", "worker", os.getpid(), port),
        BotProcess("scheduler", "scheduler", os.getpid()),
    ]
    page = await browser_harness.window()
    await write(page, "https://www.tiktok.com/@ferry.demo/video/7300000000000000001")
    await page.click("#tab-bot")
    worker = page.locator(".process", has_text="worker1")
    await expect(worker).to_contain_text("1 running, 0 waiting")
    await expect(worker).to_contain_text("#1")
    await expect(worker).to_contain_text(" %")
    await expect(page.locator(".process.down")).to_contain_text("receiver · down")
    named = page.locator(".process b", has_text="scheduler")
    await expect(named).to_have_text(f"scheduler · pid {os.getpid()}")
    lefts = "es => es.map(e => Math.round(e.getBoundingClientRect().left))"
    assert len(set(await page.locator(".process dd").evaluate_all(lefts))) == 1
    await worker.get_by_role("button", name="Kill").click()
    await expect(page.locator("#toasts p").first).to_be_attached()
    assert browser_harness.killed == ["worker1"]
    harness.site.serves_files.set()
    await expect(page.locator("#messages video")).to_have_count(1)
    await expect(worker).to_contain_text("no request")


@pytest.mark.parametrize("title", ["429", "lost"])
async def test_a_sample_with_a_fault_is_still_answered(browser_harness: BrowserHarness, title: str):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await pick(page, title)
    await expect(page.locator("#messages video")).to_have_count(1)


async def test_samples_are_sent_by_whom_they_are_meant_for_and_queries_are_typed(
    browser_harness: BrowserHarness,
):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start(BOT_ADMINS="1900", INLINE_STORAGE_CHAT="-1007777")
    page = await browser_harness.window()
    await pick(page, "A video in any chat")
    await expect(page.locator("#text")).to_have_value(
        "@clipferry_demo_bot https://www.tiktok.com/@ferry.demo/video/7300000000000000001"
    )
    await expect(page.locator("#popup button").first).to_be_visible()
    await pick(page, "administrator's menu")
    await expect(page.locator("#title p")).to_contain_text("you are Captain")
    await expect(page.locator("#messages .keys")).to_have_count(1)
