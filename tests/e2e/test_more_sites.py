"""Posts of the other sites, and the list of allowed sites."""

from core.facts import FileSize
from misc.ui.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.facebook import FacebookPost
from simulator.sites.instagram import Media
from simulator.sites.pinterest import Pin
from simulator.sites.posts import ThreadsPost, TumblrPost
from simulator.sites.reddit import RedditPost
from simulator.sites.x import XPost
from tests.e2e.bot_harness import BotHarness

TEXTS = load_texts()
EN = TEXTS["en"]
X_ID = "1790000000000000001"
X_LINK = f"https://twitter.com/ferry_demo/status/{X_ID}?s=20"
REDDIT_LINK = "https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/"


async def test_a_post_on_x_with_two_videos_is_an_album(harness: BotHarness):
    path = harness.samples.video(VideoSpec())
    harness.simulator.x.posts[X_ID] = XPost(X_ID, ((path,), (path,)))
    await harness.start()
    await harness.say("hello")
    await harness.say(X_LINK)
    *videos, below = harness.answers()[1:]
    assert [m["video"]["duration"] for m in videos] == [3, 3]
    assert "👁 345" in str(below["reply_markup"])


async def test_a_thread_and_a_post_on_tumblr_arrive_with_text_and_pictures(harness: BotHarness):
    photos = [harness.samples.picture(400 + n, 500, "p") for n in range(2)]
    media = tuple(Media(path, width=400 + n, height=500) for n, path in enumerate(photos))
    harness.simulator.threads.posts["DemoThread1"] = ThreadsPost("DemoThread1", media)
    tumblr, number = harness.simulator.tumblr, "730000000000000001"
    blocks = (tumblr.picture(photos[0]), tumblr.picture(harness.samples.gif(300, 200)))
    tumblr.posts[number] = TumblrPost(number, blocks)
    await harness.start()
    await harness.say("hello")
    await harness.say("https://www.threads.net/@ferry.demo/post/DemoThread1?xmt=x")
    *album, below = harness.answers()[1:]
    assert [m["photo"][0]["width"] for m in album] == [400, 401]
    assert below["text"] == "A crossing\nferry.demo · Threads"
    await harness.say(f"https://ferry-demo.tumblr.com/post/{number}/a-crossing")
    photo, gif, _ = harness.answers()[4:]
    assert photo["photo"][0]["width"] == 400
    assert gif["video"]["width"] == 300  # albums have no animations


async def test_a_post_on_facebook_arrives_in_order_and_counts_what_was_removed(harness: BotHarness):
    photos = [harness.samples.picture(400 + n, 500, "f") for n in range(2)]
    files = (photos[0], None, harness.samples.video(VideoSpec()), photos[1])
    harness.simulator.facebook.posts["ferry.demo/posts/73"] = FacebookPost(files, number="73")
    harness.simulator.facebook.posts["photo/74"] = FacebookPost((photos[0],), "One of them")
    harness.simulator.facebook.shared_links["share/p/Demo01"] = (
        "https://www.facebook.com/story.php?story_fbid=73&id=1"
    )
    harness.simulator.facebook.posts["1/posts/73"] = FacebookPost(files, number="73")
    await harness.start()
    await harness.say("hello")
    await harness.say("https://www.facebook.com/ferry.demo/posts/73")
    assert kinds(harness) == ["photo", "video", "photo"]
    below = harness.answers()[-1]["text"]
    assert below.startswith("A crossing\n")
    assert TEXTS("en", "album_missing", count=1) in below
    assert "Ferry Demo · Facebook" in below
    await harness.say("https://www.facebook.com/photo/?fbid=74&set=pcb.73")
    photo = harness.answers()[-1]
    assert (photo["photo"][-1]["width"], photo["caption"]) == (
        400,
        "One of them\nFerry Demo · Facebook",
    )
    await harness.say("https://www.facebook.com/share/p/Demo01/")
    assert kinds(harness)[4:] == ["photo", "video", "photo"]


async def test_a_post_that_facebook_shows_to_members_only_says_so(harness: BotHarness):
    harness.simulator.facebook.posts["photo/74"] = FacebookPost((None,), trouble="form")
    await harness.start()
    await harness.say("hello")
    await harness.say("https://www.facebook.com/photo/?fbid=74")
    assert harness.texts()[-1] == TEXTS("en", "media_login")


async def test_a_silent_video_on_x_is_an_animation(harness: BotHarness):
    path = harness.samples.video(VideoSpec(has_sound=False))
    harness.simulator.x.posts[X_ID] = XPost(X_ID, ((path,),))
    await harness.start()
    await harness.say("hello")
    await harness.say(X_LINK)
    assert harness.answers()[-1]["animation"]["width"] == 576


async def test_of_two_sizes_that_are_not_stated_the_one_that_fits_is_sent(harness: BotHarness):
    small = harness.samples.video(VideoSpec(width=288, height=512))
    large = harness.samples.video(VideoSpec(padded_bytes=84_000_000))
    harness.simulator.x.posts[X_ID] = XPost(X_ID, ((small, large),))
    await harness.start()
    await harness.say("hello")
    await harness.say(X_LINK)
    video = harness.answers()[-1]["video"]
    assert (video["width"], video["file_size"]) == (288, small.stat().st_size)


async def test_a_refusal_for_size_names_telegrams_limit(harness: BotHarness):
    huge = harness.samples.video(VideoSpec(padded_bytes=900_000_000))
    harness.simulator.x.posts[X_ID] = XPost(X_ID, ((huge,),))
    await harness.start()
    await harness.say("hello")
    await harness.say(X_LINK)
    assert harness.texts()[-1] == TEXTS(
        "en", "too_large", size=FileSize(900_000_000), limit=FileSize(50_000_000)
    )


async def test_a_reddit_video_has_its_sound(harness: BotHarness):
    video = harness.samples.video(VideoSpec(has_sound=False))
    harness.simulator.reddit.posts["1demo01"] = RedditPost(
        "1demo01", video, harness.samples.sound(3, "aac", "mp4")
    )
    await harness.start()
    await harness.say("hello")
    await harness.say(REDDIT_LINK)
    assert harness.answers()[-1]["video"]["duration"] == 3
    (stored,) = [f for f in harness.api.files.by_id.values() if f.kind == "video"]
    assert stored.has_sound
    await harness.press(harness.answers()[-1], "sound/reddit/1demo01")
    assert harness.answers()[-1]["audio"]["file_name"] == "1demo01.m4a"


def kinds(harness: BotHarness) -> list[str]:
    """Return the kinds of the media in the answers, in order."""
    found = ("photo", "animation", "video")
    return [next(kind for kind in found if kind in m) for m in harness.answers() if "text" not in m]


async def test_a_mixed_post_on_x_arrives_in_order_and_counts_what_is_lost(harness: BotHarness):
    video, loop = (harness.samples.video(VideoSpec(has_sound=has)) for has in (True, False))
    photo = harness.samples.picture(400, 500, "x")
    others = (photo, loop, None, photo)
    harness.simulator.x.posts["1"] = XPost("1", ((video,),), others=others)
    harness.simulator.x.posts[X_ID] = XPost(X_ID, quotes="1")
    await harness.start()
    await harness.say("hello")
    await harness.say(X_LINK)
    # Telegram's albums have no animations.
    assert kinds(harness) == ["video", "photo", "video", "photo"]
    assert TEXTS("en", "album_missing", count=1) in str(harness.answers())


async def test_a_video_behind_a_link_on_reddit_is_sent(harness: BotHarness):
    link = "https://www.redgifs.com/watch/demogif"
    harness.simulator.reddit.gifs["demogif"] = harness.samples.video(VideoSpec())
    harness.simulator.reddit.posts["1demo01"] = RedditPost("1demo01", link=link)
    await harness.start()
    await harness.say("hello")
    await harness.say(REDDIT_LINK)
    assert kinds(harness) == ["video"]
    assert {entry.host for entry in harness.simulator.log} <= {
        *("old.reddit.com", "www.reddit.com", "api.redgifs.com", "media.redgifs.com"),
    }


async def test_an_idea_pin_is_an_album_of_its_pages(harness: BotHarness):
    photo = harness.samples.picture(400, 500, "pin")
    files = (photo, harness.samples.video(VideoSpec()), photo)
    harness.simulator.pinterest.pins["73"] = Pin(files, "pages", lacks_originals=True)
    harness.simulator.pinterest.short_links["demo001"] = "73"
    await harness.start()
    await harness.say("hello")
    await harness.say("https://pin.it/demo001")
    assert kinds(harness) == ["photo", "video", "photo"]


async def test_a_site_that_is_not_allowed_is_unsupported(harness: BotHarness):
    await harness.start(SITES_ALLOWED="tiktok, instagram")
    await harness.say("hello")
    await harness.say(X_LINK)
    assert harness.texts()[-1] == TEXTS("en", "foreign_link", platforms=("TikTok", "Instagram"))
    assert harness.simulator.log == []
