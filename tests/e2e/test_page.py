"""The demo's chat page in a real browser."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from app.bot_commands import PRIVATE_COMMANDS
from core.progress import NotePace
from data.config import ROOT
from misc.ui.texts import load_texts
from simulator.catalogue import LINKS, add_posts
from simulator.samples import VideoSpec
from simulator.sites.tiktok import Encoding
from simulator.throttle import Throttle
from tests.e2e.bot_harness import VIDEO
from tests.e2e.browser_harness import IN_BROWSER, BrowserHarness, pick, screenshot, until, write
from tests.ports import free_port

TEXTS = load_texts()

pytestmark = IN_BROWSER


async def test_a_click_on_a_sample_link_shows_a_playable_video_and_its_sound(
    browser_harness: BrowserHarness,
):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window(moves=True)
    await page.click("#samples button >> nth=0")
    video = page.locator("#messages video")
    await expect(video).to_have_count(1)
    await until(page, "document.querySelector('#messages video').currentTime > 0")
    assert await video.evaluate("v => v.duration") == pytest.approx(3, abs=0.1)
    assert await video.evaluate("v => [v.videoWidth, v.videoHeight]") == [576, 1024]
    await page.click(".keys button:has-text('🎵')")
    await expect(page.locator(".audio b")).to_have_text("Harbour bell")
    await page.locator("#messages audio").evaluate("a => { a.muted = true }")
    await page.get_by_role("button", name="Play Harbour bell").click()
    position = page.get_by_role("slider", name="Position in the sound")
    await expect(position).not_to_have_value("0")
    assert (await position.get_attribute("aria-valuetext") or "").endswith("/ 0:03")
    await screenshot(page, "video-and-sound")


async def test_a_slideshow_is_shown_as_a_mosaic(browser_harness: BrowserHarness):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await pick(page, "slideshow")
    await expect(page.locator(".mosaic img")).to_have_count(11)
    await page.locator(".mosaic img").last.scroll_into_view_if_needed()
    await until(page, "[...document.querySelectorAll('.mosaic')].every(m => m.clientHeight > 100)")
    await until(page, "[...document.querySelectorAll('.mosaic img')].some(i => i.naturalWidth > 0)")
    await screenshot(page, "slideshow")


async def test_inline_results_are_shown_for_a_new_and_for_a_cached_post(
    browser_harness: BrowserHarness,
):
    browser_harness.harness.video()
    browser_harness.harness.world.chats[-77] = browser_harness.harness.world.group(-77, "Storage")
    await browser_harness.harness.start(INLINE_STORAGE_CHAT="-77")
    page = await browser_harness.window("-1001001/1002")
    query = f"@clipferry_demo_bot {VIDEO}"
    await page.fill("#text", query)
    icons = page.locator("#popup .still use")
    await expect(icons).to_have_count(2)  # one that tells the audio from the post
    assert len(set(await icons.evaluate_all("us => us.map(u => u.getAttribute('href'))"))) == 2
    drawn = "[...document.querySelectorAll('#popup .still use')].every(u => u.getBBox().width)"
    await until(page, drawn)
    await page.locator("#popup button").first.click()
    await expect(page.locator("#messages video")).to_have_count(1)
    await expect(page.locator("#messages .sender").first).to_have_text("via @clipferry_demo_bot")
    await expect(page.locator("#text")).to_have_value("")
    await page.fill("#text", query)
    await expect(page.locator("#popup button")).to_have_count(2)  # the video and its sound
    await screenshot(page, "inline")
    await page.locator("#popup button").first.click()
    await expect(page.locator("#messages video")).to_have_count(2)


async def test_commands_are_suggested_and_settings_buttons_work(browser_harness: BrowserHarness):
    browser_harness.harness.new_database = None  # the start publishes the commands
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await page.fill("#text", "/")
    await expect(page.locator("#popup button")).to_have_count(len(PRIVATE_COMMANDS))
    await page.click("#popup button:has-text('/settings')")
    key = page.locator(".keys button", has_text=TEXTS["en"]["set_file_mode"])
    await expect(key).to_contain_text("☐")
    await key.click()
    await expect(key).to_contain_text("✅")
    # The end of the list stays in sight.
    await expect(page.locator("#messages .keys button").last).to_be_in_viewport()
    await screenshot(page, "settings")
    await expect(page.locator("#messages .reply").last).to_contain_text("/settings")


async def test_a_reply_keyboard_is_shown_and_removed(browser_harness: BrowserHarness):
    """Clipferry sends none, but the page may be used with other bots."""
    await browser_harness.harness.start()
    page, home = (
        await browser_harness.window("1002/1002"),
        browser_harness.harness.world.chats[1002],
    )
    keys = {"keyboard": [[{"text": "Yes"}, {"text": "لا"}]]}
    browser_harness.harness.world.add_message(home, {"text": "Well?", "reply_markup": keys})
    await page.click("#reply-keys button:has-text('Yes')")
    await expect(page.locator("#messages li.mine .words")).to_have_text("Yes")
    gone = {"text": "Good.", "reply_markup": {"remove_keyboard": True}}
    browser_harness.harness.world.add_message(home, gone)
    await expect(page.locator("#reply-keys")).to_be_hidden()


async def test_a_broadcast_appears_in_another_window(browser_harness: BrowserHarness):
    await browser_harness.harness.start(BOT_ADMINS="1900")
    bo, captain = (
        await browser_harness.window("1002/1002"),
        await browser_harness.window("1900/1900"),
    )
    await write(bo, "/start")
    await expect(bo.locator("#messages .words").last).to_contain_text("TikTok")
    await write(captain, "/admin")
    keys = captain.locator(".keys button")
    await keys.filter(has_text=TEXTS["en"]["admin_broadcasts"]).click()
    await keys.filter(has_text=TEXTS["en"]["broadcast_new"]).click()
    words = captain.locator("#messages .words")
    await expect(words.last).to_have_text(TEXTS["en"]["broadcast_compose"])
    await write(captain, "The ferry sails at noon.")
    await keys.filter(has_text="▶️ Send to").click()
    await keys.filter(has_text="✅ Yes, send to").click()
    await expect(bo.locator("#messages .words").last).to_have_text("The ferry sails at noon.")
    await expect(captain.locator("#messages")).to_contain_text("finished")
    await screenshot(captain, "broadcast")


@pytest.mark.parametrize(("person", "lang"), [(1003, "ar"), (1002, "uk")])
async def test_live_photos_and_missing_items_are_shown_on_a_phone(
    browser_harness: BrowserHarness, person: int, lang: str
):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window(f"{person}/{person}", phone=True)
    await write(page, "/start")
    bot = page.locator("#messages li:not(.mine)")
    await write(page, "https://ddinstagram.com/p/DemoLive001/")
    await expect(bot.locator("video")).to_have_count(1)
    await write(page, "https://www.instagram.com/p/DemoBroken1/")
    await expect(bot.last).to_contain_text(TEXTS(lang, "album_missing", count=1))
    await write(page, "https://www.instagram.com/ferry.demo/")
    await expect(bot.last).to_contain_text(TEXTS[lang]["link_profile"])
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await screenshot(page, f"missing-items-{lang}")


async def test_an_album_to_the_bot_and_many_links_are_answered(browser_harness: BrowserHarness):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start(LIMITS_SPAM_GUARD="true")
    page = await browser_harness.window("1001/1001")
    await write(page, "/start")
    words = page.locator("#messages li:not(.mine) .words")
    await expect(words).to_have_count(1)
    await pick(page, "album of ten pictures")
    await expect(words).to_have_count(2)
    await pick(page, "Twelve links")
    await page.click("#messages button:has-text('Fetch the other 7')")
    await expect(page.locator("#messages button:has-text('Fetch the other 2')")).to_be_visible()
    await pick(page, "flood")
    # Videos with captions arrive meanwhile: the notice is not the last for long.
    await expect(words.filter(has_text=TEXTS["en"]["links_waiting"])).to_have_count(1)


async def test_the_page_works_on_a_dark_phone_in_arabic(browser_harness: BrowserHarness):
    browser_harness.harness.video()
    await browser_harness.harness.start()
    page = await browser_harness.window("1003/1003", dark=True, phone=True)
    await write(page, "/start")
    words = page.locator("#messages li:not(.mine) .words")
    await expect(words).to_have_count(1)
    assert await words.first.evaluate("e => getComputedStyle(e).direction") == "rtl"
    right_of = "e => e.getBoundingClientRect().right"
    edge = await words.first.evaluate(right_of)
    command = words.first.get_by_role("link", name="/settings")
    assert await command.evaluate(right_of) > edge - 30  # its line begins at the right
    await pick(page, "deleted")
    await expect(words).to_have_count(2)
    await expect(words.last).to_have_text(TEXTS["ar"]["media_deleted"])
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    await screenshot(page, "arabic-phone-dark")
    await page.click("#back")
    await expect(page.locator("#chat-list")).to_be_visible()
    await expect(page.locator("#chat")).to_be_hidden()


async def test_a_reload_during_a_request_keeps_the_state(browser_harness: BrowserHarness):
    browser_harness.harness.video()
    browser_harness.harness.site.serves_files.clear()
    await browser_harness.harness.start()
    page = await browser_harness.window("1002/1002")
    await write(page, VIDEO)
    await expect(page.locator(".reaction")).to_have_count(1)
    await page.reload()
    await expect(page.locator("#title p")).to_contain_text("you are Бо")
    await expect(page.locator(".reaction")).to_have_count(1)
    browser_harness.harness.site.serves_files.set()
    await expect(page.locator("#messages video")).to_have_count(1)
    await expect(page.locator(".reaction")).to_have_count(0)
    assert len(browser_harness.harness.videos(browser_harness.harness.world.chats[1002])) == 1


@pytest.mark.parametrize(("place", "language"), [("1001/1001", "en"), ("1003/1003", "ar")])
async def test_the_progress_of_a_slow_request_is_seen_and_cancelled(
    browser_harness: BrowserHarness, place: str, language: str
):
    harness, throttle = browser_harness.harness, Throttle(allowed=0)
    video = harness.samples.video(VideoSpec(padded_bytes=4_000_000))
    harness.video(encodings=(Encoding(video),), throttle=throttle, cover=None)
    await harness.start(LIMITS_PATIENCE_S="0.1", LIMITS_STALL_S="60")
    assert harness.application
    harness.application.container.request_queue.note_pace = NotePace(0.1, 0.1)
    page = await browser_harness.window(place, phone=True)
    await write(page, VIDEO)
    words = page.locator("#messages li:not(.mine) .words").last
    for megabytes in (1, 3):
        throttle.allow(megabytes * 1_000_000)
        await expect(words).to_have_text(re.compile(rf"\b{megabytes * 25}\s?%"))
    await screenshot(page, f"progress-{language}")
    await page.click(f".keys button:has-text('{TEXTS[language]['cancel_button']}')")
    await expect(words).to_have_text(TEXTS[language]["called_off"])
    await expect(page.locator(".keys button", has_text="✖️")).to_have_count(0)


async def test_a_site_that_was_down_is_tried_again_with_the_button(
    browser_harness: BrowserHarness,
):
    add_posts(browser_harness.harness.simulator)
    await browser_harness.harness.start()
    page = await browser_harness.window("1001/1001")
    await write(page, "/start")
    await pick(page, "down")
    words = page.locator("#messages li:not(.mine) .words").last
    await expect(words).to_have_text(TEXTS["en"]["platform_trouble"])
    await page.click(f".keys button:has-text('{TEXTS['en']['retry_button']}')")
    await expect(page.locator("#messages video")).to_have_count(1)
    await expect(page.get_by_text(TEXTS["en"]["platform_trouble"])).to_have_count(0)


async def test_two_windows_can_be_two_users_in_one_group(browser_harness: BrowserHarness):
    await browser_harness.harness.start()
    ada, bo = (
        await browser_harness.window("-1001001/1001"),
        await browser_harness.window("-1001001/1002"),
    )
    await write(ada, "Hello, <b>crew</b>")
    theirs = bo.locator("#messages li:not(.mine)", has_text="Hello, <b>crew</b>")
    await expect(theirs.locator(".sender")).to_have_text("Ada")
    await theirs.locator(".bubble").dblclick()
    await write(bo, "مرحبا")
    await expect(ada.locator("#messages .reply b")).to_have_text("Ada")
    await expect(ada.locator("#messages .reply")).to_contain_text("Hello, <b>crew</b>")
    await expect(ada.locator("#messages li.mine")).to_have_count(1)


async def test_users_groups_blocks_deep_links_and_files_can_be_created(
    browser_harness: BrowserHarness,
):
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await page.click("#people summary")
    await page.click("#new-person")
    await page.fill("#ask [name=name]", "Дана")
    await page.select_option("#ask [name=language]", "uk")
    await page.click("#ask .main")
    await expect(page.locator("#title p")).to_contain_text("you are Дана")
    await page.click("#menu summary")
    await page.click("#invite")
    await page.fill("#ask [name=payload]", "autumn")
    await page.click("#ask .main")
    await expect(page.locator("#messages li.mine .words")).to_have_text("/start autumn")
    await expect(page.locator("#messages li:not(.mine)")).to_have_count(1)
    for subtitle in ("The bot is blocked.", "bot · you are Дана"):
        await page.click("#menu summary")
        await page.click("#block")
        await expect(page.locator("#title p")).to_have_text(subtitle)
    picture = browser_harness.harness.samples.picture(400, 300, "mine")
    await page.set_input_files("#file", picture)
    await expect(page.locator("#messages li.mine img")).to_have_count(1)
    await page.click("#new-group")
    await page.fill("#ask [name=title]", "Harbour")
    await page.click("#ask .main")
    await expect(page.locator("#title h2")).to_have_text("Harbour")
    await expect(page.locator("#send-as select")).to_have_value("5001")


async def test_faults_can_be_injected_and_every_call_is_listed(browser_harness: BrowserHarness):
    browser_harness.harness.video()
    await browser_harness.harness.start()
    page = await browser_harness.window()
    await page.click("#tab-faults")
    await page.click("[data-fault='500']")
    await write(page, "hello")
    await expect(page.locator("#calls .bad").first).to_have_text("Internal Server Error")
    await page.click("#crash")
    await browser_harness.harness.until(lambda: browser_harness.crashes == 1, "the crash")
    await expect(page.locator("#bot-state")).to_have_text("The bot is running.")
    await page.fill("#latency", "0.3")
    await expect(page.locator("#latency + output")).to_have_text("0.3 s")
    assert browser_harness.harness.api.latency_s == 0.3


async def test_two_thousand_messages_can_be_scrolled(browser_harness: BrowserHarness):
    world = browser_harness.harness.world
    for number in range(2_000):
        world.post_unseen(
            world.people[1002].as_json(), world.chats[-1_001_001], {"text": f"{number}"}
        )
    await browser_harness.harness.start()
    page = await browser_harness.window("-1001001/1001")
    await expect(page.locator("#messages li")).to_have_count(2_000)
    await expect(page.locator("#messages li").last).to_be_in_viewport()
    await page.evaluate("document.querySelector('#messages').scrollTop = 0")
    await expect(page.locator("#messages li").first).to_be_in_viewport()
    await write(page, "the last word")
    await expect(page.locator("#messages li")).to_have_count(2_001)
    # A new message does not scroll a window that shows older messages.
    await expect(page.locator("#messages li").first).to_be_in_viewport()


async def test_the_page_reconnects_to_a_restarted_simulator(browser_harness: BrowserHarness):
    await browser_harness.harness.start()
    page = await browser_harness.window()
    port = browser_harness.harness.simulator.port
    await browser_harness.harness.simulator.close_server()
    await expect(page.locator("#offline")).to_be_visible()
    browser_harness.troubles.clear()
    await browser_harness.harness.simulator.start(port)
    await expect(page.locator("#offline")).to_be_hidden()
    browser_harness.troubles.clear()  # the browser logs the failed connections


async def test_the_page_has_a_security_policy_and_rejects_bad_requests(
    browser_harness: BrowserHarness,
):
    async with aiohttp.ClientSession(browser_harness.harness.simulator.address) as session:
        async with session.get("/") as answer:
            assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
        for path in ("/page/nothing.js", "/page/media/unknown", "/page/../main.py"):
            async with session.get(path) as answer:
                assert answer.status == 404
        for action, body, status in (
            ("nothing", {}, 404),
            ("say", {"person": 1, "chat": 1, "text": "x"}, 400),
            ("person", {"name": " "}, 400),
        ):
            async with session.post(f"/page/do/{action}", json=body) as answer:
                assert answer.status == status


async def receive_a_video(session: aiohttp.ClientSession) -> None:
    """Send a link as Ada, and wait until the page has the video."""
    async with session.get("/page/events") as events:
        ada = {"person": 1001, "chat": 1001}
        async with session.post("/page/do/say", json={**ada, "text": LINKS[0].url}) as answer:
            assert answer.status == 200
        shown = b""
        while b'"video": {' not in shown:
            shown += await events.content.readany()


async def kill_a_worker(browser: Browser, address: str) -> None:
    """Kill a process of a fleet with the button in the page: it ends, and is started again."""
    page = await browser.new_page()
    await page.goto(address)
    await page.click("#tab-bot")
    worker = page.locator(".process", has_text="worker1")
    await expect(worker).to_contain_text("worker, pid ")
    pid = int((await worker.locator("b").inner_text()).rpartition(" ")[2])
    await worker.get_by_role("button", name="Kill").click()
    await expect(worker).not_to_contain_text(f"pid {pid}")
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await expect(worker).to_contain_text("worker, pid ")
    await page.close()


@pytest.mark.long
async def test_the_demo_starts_and_exits_cleanly_twice_and_as_a_fleet(
    browser: Browser, tmp_path: Path
):
    port = free_port()
    command = [sys.executable, str(ROOT / "main.py"), "demo", "--port", str(port)]
    # One after the other: they use the same folder.
    for options in ([], [], ["--fleet"]):
        process = await asyncio.create_subprocess_exec(
            *command,
            *options,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        )
        assert process.stdout
        while b"The page is open" not in (line := await process.stdout.readline()):
            assert line, "the demo has exited"
        assert f"http://127.0.0.1:{port} until".encode() in line
        async with asyncio.timeout(120), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as page:
            await receive_a_video(page)
            if options:
                await kill_a_worker(browser, f"http://127.0.0.1:{port}")
                await receive_a_video(page)
        process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()
        assert process.returncode == 0
        assert errors == b""
    assert not (ROOT / "var/demo/postgresql/postmaster.pid").exists()
