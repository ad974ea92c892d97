"""Make the pictures of the documentation from the demo's chat page: `make pictures`."""

import asyncio
import io
import itertools
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.async_api import Page, expect

from data.config import ROOT
from misc.ui.texts import load_texts
from simulator.catalogue import ADMIN, STORAGE, add_posts
from simulator.samples import SampleStore
from simulator.sites.proxy import Authority
from simulator.throttle import Throttle
from tests.e2e.bot_harness import BotHarness
from tests.e2e.browser_harness import BrowserHarness, open_browser, pick, show_page, write

_FOLDER: Final = ROOT / "docs" / "images"
#: Pause between two looks at the page, in seconds.
_FRAME_S: Final = 0.15
#: Pause before something is pressed in an animation, in seconds.
_PAUSE_S: Final = 1.0
#: How long the last frame is shown, and any other at most, in seconds.
_LAST_S: Final = 3.0
_LONGEST_S: Final = 1.5
_COLOURS: Final = 160
#: Speeds of the simulated lines, in bytes a second.
_SITE_BYTES_PER_S: Final = 9_000_000
_UPLOAD_BYTES_PER_S: Final = 7_000_000
_VIDEO: Final = "7300000000000000001"
_WIDE_VIDEO: Final = "7300000000000000002"
_BIG_VIDEO: Final = "7300000000000000070"
_GROUP: Final = -1001001
_SLIDESHOW: Final = "7300000000000000003"
_TEXTS: Final = load_texts()["en"]

Scene = Callable[[BrowserHarness], Awaitable[None]]


async def _slow_video(browser: BrowserHarness) -> None:
    """A video of 70 MB: downloading, converting, uploading, and the answer."""
    simulator = browser.harness.simulator
    simulator.site.posts[_BIG_VIDEO].throttle = Throttle(bytes_per_s=_SITE_BYTES_PER_S)
    simulator.api.uploads.bytes_per_s = _UPLOAD_BYTES_PER_S
    page = await _small_window(browser, "1001/1001")
    await _greet(page)
    async with _recording(page, _FOLDER / "slow-video.webp"):
        await page.fill("#text", f"https://www.tiktok.com/@ferry.demo/video/{_BIG_VIDEO}")
        await _pause()
        await page.press("#text", "Enter")
        video = page.locator("#messages video")
        await expect(video).to_have_count(1, timeout=120_000)
        await video.scroll_into_view_if_needed()
        await _pause()


async def _video_and_sound(browser: BrowserHarness) -> None:
    page = await browser.window("1001/1001")
    await page.click("#samples button >> nth=0")
    await expect(page.locator("#messages video")).to_have_count(1)
    await page.click(".keys button:has-text('🎵')")
    await expect(page.locator(".audio b")).to_have_text("Harbour bell")
    await _shoot(page, "video-and-sound")


async def _slideshow(browser: BrowserHarness) -> None:
    """A slideshow of eleven pictures: two albums, and the video that is made of them."""
    page = await _small_window(browser, "1001/1001")
    await _greet(page)
    async with _recording(page, _FOLDER / "slideshow.webp"):
        await page.fill("#text", f"https://www.tiktok.com/@ferry.demo/photo/{_SLIDESHOW}")
        await _pause()
        await page.press("#text", "Enter")
        for count in (6, 11):
            await expect(page.locator(".mosaic img").nth(count - 1)).to_be_attached()
            await _pause()
        await page.click(f".keys button:has-text('{_TEXTS['slides_button']}')")
        await expect(page.locator("#messages video")).to_have_count(1)
        await _pause()


async def _arabic_phone_dark(browser: BrowserHarness) -> None:
    page = await browser.window("1003/1003", dark=True, phone=True)
    await write(page, "/start")
    bot = page.locator("#messages li:not(.mine)")
    await expect(bot).to_have_count(1)
    await pick(page, "deleted")
    await expect(bot).to_have_count(2)
    await _shoot(page, "arabic-phone-dark")


async def _versions(browser: BrowserHarness) -> None:
    """The card behind the ⚙️ button of a video."""
    page = await _small_window(browser, "1001/1001")
    await write(page, f"https://www.tiktok.com/@ferry.demo/video/{_WIDE_VIDEO}")
    await page.click(".keys button:has-text('⚙️')")
    await expect(page.locator(".keys button:has-text('MP3')")).to_be_visible()
    await _shoot(page, "versions")


async def _list_card(browser: BrowserHarness) -> None:
    page = await _small_window(browser, "1001/1001")
    await write(page, "https://www.tiktok.com/@ferry.demo")
    await page.click(f".keys button:has-text('{_TEXTS['list_choose_button']}')")
    for number in (1, 2):
        await page.click(f".keys button >> nth={number}")
        await expect(page.locator(".keys button:has-text('✅')")).to_have_count(number)
    await expect(page.locator(".keys button").last).to_be_in_viewport(ratio=1)
    await _shoot(page, "list-card")


async def _group(browser: BrowserHarness) -> None:
    page = await _small_window(browser, f"{_GROUP}/1002")
    await write(page, f"https://www.tiktok.com/@ferry.demo/video/{_VIDEO}")
    await expect(page.locator("#messages video")).to_have_count(1)
    await _shoot(page, "group")


async def _inline(browser: BrowserHarness) -> None:
    """Inline mode in a group: the query, the choice, and the message that becomes the video."""
    page = await _small_window(browser, f"{_GROUP}/1001")
    await write(page, "Have you seen this?")
    link = f"https://www.tiktok.com/@ferry.demo/video/{_VIDEO}"
    async with _recording(page, _FOLDER / "inline.webp"):
        await page.fill("#text", f"@clipferry_demo_bot {link}")
        card = page.locator("#popup button", has_text=_TEXTS["inline_post"])
        await expect(card).to_be_visible()
        await _pause()
        await card.click()
        await expect(page.locator("#messages video")).to_have_count(1)
        await _pause()


async def _broadcast(browser: BrowserHarness) -> None:
    """A broadcast: the text, the card with the audience, and the result."""
    for person in (1001, 1002, 1003):
        await _greet(await browser.window(f"{person}/{person}"))
    page = await _small_window(browser, f"{ADMIN}/{ADMIN}")
    await write(page, "/admin")
    keys, words = page.locator(".keys button"), page.locator("#messages .words")
    await keys.filter(has_text=_TEXTS["admin_broadcasts"]).click()
    await expect(keys.filter(has_text=_TEXTS["broadcast_new"])).to_be_visible()
    async with _recording(page, _FOLDER / "broadcast.webp"):
        await keys.filter(has_text=_TEXTS["broadcast_new"]).click()
        await expect(words.last).to_have_text(_TEXTS["broadcast_compose"])
        await page.fill("#text", "The ferry sails at noon. ⛴")
        await _pause()
        await page.press("#text", "Enter")
        for button in ("▶️ Send to", "✅ Yes, send to"):
            await expect(keys.filter(has_text=button)).to_be_visible()
            await _pause()
            await keys.filter(has_text=button).click()
        await expect(words.filter(has_text=_TEXTS["broadcast_done"])).to_have_count(1)
        await _pause()


async def _privacy(browser: BrowserHarness) -> None:
    page = await _small_window(browser, "1001/1001")
    await write(page, "/privacy")
    await expect(page.locator(".keys button")).to_have_count(2)
    await _shoot(page, "privacy")


async def _greet(page: Page) -> None:
    """Start the bot, so that what follows stands where it does in a chat that is in use."""
    await write(page, "/start")
    await expect(page.locator("#messages li:not(.mine)")).to_have_count(1)


async def _pause() -> None:
    """Give whoever watches the animation time to read."""
    await asyncio.sleep(_PAUSE_S)


async def _small_window(browser: BrowserHarness, place: str) -> Page:
    page = await browser.window(place, phone=True)
    await page.set_viewport_size({"width": 390, "height": 640})
    return page


SCENES: Final[tuple[Scene, ...]] = (
    _slow_video,
    _video_and_sound,
    _slideshow,
    _arabic_phone_dark,
    _versions,
    _list_card,
    _group,
    _inline,
    _broadcast,
    _privacy,
)


async def _shoot(page: Page, name: str) -> None:
    """Save a picture of the page in few colours, which takes a third of the space."""
    await page.mouse.move(0, 0)  # what is pointed at looks different
    picture = Image.open(io.BytesIO(await page.screenshot()))
    reduced = picture.convert("RGB").quantize(_COLOURS, kmeans=3)
    reduced.save(_FOLDER / f"{name}.png", optimize=True)


@asynccontextmanager
async def _recording(page: Page, path: Path) -> AsyncIterator[None]:
    """Save what the page shows meanwhile as an animation, one frame for each change."""
    frames: list[tuple[float, bytes]] = []

    async def look() -> None:
        while True:
            # What moves by itself is no reason for another frame.
            picture = await page.screenshot(animations="disabled")
            if not frames or frames[-1][1] != picture:
                frames.append((time.monotonic(), picture))
            await asyncio.sleep(_FRAME_S)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    _save(frames, path)


def _save(frames: list[tuple[float, bytes]], path: Path) -> None:
    times = [at for at, _ in frames]
    shown_s = [min(b - a, _LONGEST_S) for a, b in itertools.pairwise(times)]
    first, *others = (Image.open(io.BytesIO(picture)).convert("RGB") for _, picture in frames)
    first.save(
        path,
        save_all=True,
        append_images=others,
        duration=[round(seconds * 1_000) for seconds in [*shown_s, _LAST_S]],
        loop=0,
        quality=50,
        method=6,
    )


async def _make(scene: Scene, samples: SampleStore) -> None:
    with tempfile.TemporaryDirectory() as folder:
        harness = BotHarness(Path(folder), samples, Authority(Path(folder)))
        async with open_browser() as browser, show_page(harness, browser) as shown:
            add_posts(harness.simulator)
            await harness.start(
                LIMITS_PATIENCE_S="1", INLINE_STORAGE_CHAT=str(STORAGE), BOT_ADMINS=str(ADMIN)
            )
            await scene(shown)


def main() -> int:
    """Make the pictures whose names are arguments, or all of them."""
    names = set(sys.argv[1:])
    samples = SampleStore(ROOT / "var" / "samples")
    for scene in SCENES:
        if not names or scene.__name__.strip("_") in names:
            asyncio.run(_make(scene, samples))
    return 0


if __name__ == "__main__":
    sys.exit(main())
