"""Links in the forms in which people paste them; only the sites' own hosts are requested."""

import random
import re

import pytest
from PIL import Image

from misc.ui.texts import load_texts
from platforms import load_registry
from simulator.samples import VideoSpec
from simulator.sites.reddit import RedditPost
from simulator.sites.x import XPost
from simulator.telegram.world import Json
from tests.e2e.bot_harness import BOTH_SOURCES, BotHarness
from tests.links import draw

EN = load_texts()["en"]
ID = "7300000000000000001"
X_ID = "1790000000000000001"


async def test_only_hosts_of_the_sites_are_requested(harness: BotHarness):
    allowed = [name for name, site in load_registry().by_name.items() if not site.needs_cobalt]
    await harness.start(
        LIMITS_ATTEMPTS="1",
        SITES_ALLOWED=",".join(allowed),
        NETWORK_BREAKER_FAILURES="1000",
    )
    rng = random.Random(20261123)
    samples = [draw(rng) for _ in range(200)]
    assert 60 < sum(bool(sample.platform) for sample in samples) < 140
    for sample in samples:
        harness.world.say(harness.ada, sample.text)
    await harness.settled()
    sites = load_registry().by_name.values()
    # Players and lists of formats are on the hosts of the media files.
    rules = [rule for site in sites for rule in (site.page_hosts, site.media_hosts)]
    asked = {entry.host for entry in harness.simulator.log}
    assert asked
    for host in asked:
        assert any(rule.allows(f"https://{host}/") for rule in rules), host
        assert not re.search(r"evil|127\.0\.0\.1", host)
    # Every real link was requested; no look-alike was.
    tried = [r for r in harness.home.reactions.values() if r == "😢"]
    assert len(tried) == sum(sample.platform in allowed for sample in samples)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("https://www.tiktok.com/music/bell-7100?lang=en", "link_audio"),
        ("look: instagram.com/ferry.demo/", "link_profile"),
        ("https://www.snapchat.com/@ferry/highlight/18", "link_highlights"),
        ("https://t.co/AbC12", "link_unnamed"),
        ("https://www.tiktok.com/@ferry.demo/live", "media_live"),
        ("https://kkinstagram.com/explore/tags/ferry/", "link_tag"),
    ],
)
async def test_a_page_that_is_no_post_is_named_without_a_request(
    harness: BotHarness, text: str, key: str
):
    crew = harness.world.group(-1001)
    await harness.start()
    await harness.say("hello")
    await harness.say(text)
    assert harness.texts()[-1] == EN[key]
    await harness.say(text, chat=crew)
    assert harness.answers(crew) == []
    assert harness.simulator.log == []


async def test_a_link_on_a_mirror_is_answered_by_the_site_itself(harness: BotHarness):
    harness.simulator.x.posts[X_ID] = XPost(X_ID, ((harness.samples.video(VideoSpec()),),))
    harness.video()
    harness.site.short_links["ZMdemo001"] = f"https://www.tiktok.com/@ferry.demo/video/{ID}"
    await harness.start()
    await harness.say("hello")
    await harness.say(f"fxtwitter.com/ferry_demo/status/{X_ID} https://vm.vxtiktok.com/ZMdemo001/")
    assert len(harness.videos()) == 2
    asked = {entry.host for entry in harness.simulator.log}
    assert {"vm.tiktok.com", "www.tiktok.com", "api.x.com"} <= asked
    assert not any(re.search(r"fxtwitter|vxtiktok", host) for host in asked)


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("https://www.tiktok.com/@ferry.demo/live?enter_method=share", "media_live"),
        ("https://www.tiktok.com/tag/ferry", "link_tag"),
        ("https://www.tiktok.com/hk/notfound", "media_region"),
        ("https://www.tiktok.com/?_r=1", "link_expired"),
    ],
)
async def test_a_short_link_to_another_page_is_explained(
    harness: BotHarness, target: str, key: str
):
    harness.site.short_links["ZMdemo001"] = target
    await harness.start()
    await harness.say("hello")
    await harness.say("看看这个https://vm.tiktok.com/ZMdemo001/复制此链接")
    assert harness.texts()[-1] == EN[key]
    assert {entry.host for entry in harness.simulator.log} <= {"vm.tiktok.com", "www.tiktok.com"}


async def test_two_links_without_a_space_are_both_answered(harness: BotHarness):
    for number in (1, 2):
        harness.video(f"730000000000000000{number}")
    await harness.start()
    await harness.say("hello")
    links = [f"https://www.tiktok.com/@a/video/730000000000000000{n}" for n in (1, 2)]
    await harness.say("".join(links))
    assert len(harness.videos()) == 2


async def test_a_picture_on_reddit_is_sent_as_a_photo(harness: BotHarness):
    harness.simulator.reddit.pictures["demo01.jpg"] = harness.samples.picture(400, 500, "r")
    await harness.start()
    await harness.say("hello")
    await harness.say("https://i.redd.it/demo01.jpg")
    assert "photo" in harness.answers()[-1]
    assert {entry.host for entry in harness.simulator.log} == {"i.redd.it"}


async def test_a_gif_on_reddit_is_sent_as_an_animation(harness: BotHarness):
    path = harness.folder / "demo01.gif"
    frames = [Image.new("RGB", (120, 90), (n * 20, 80, 120)) for n in range(10)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, loop=0)
    harness.simulator.reddit.pictures["demo01.gif"] = path
    await harness.start()
    await harness.say("hello")
    await harness.say("https://i.redd.it/demo01.gif")
    assert harness.answers()[-1]["animation"]["width"] == 120


@BOTH_SOURCES
async def test_a_gallery_on_reddit_arrives_as_an_album_in_order(harness: BotHarness):
    paths = [harness.samples.picture(400, 500 + n, f"r{n}") for n in range(3)]
    harness.simulator.reddit.posts["1demo01"] = RedditPost("1demo01", pictures=tuple(paths))
    await harness.start()
    await harness.say("hello")
    await harness.say("https://www.reddit.com/r/ferries/gallery/1demo01")
    photos = [m for m in harness.answers() if "photo" in m]
    assert len({m["media_group_id"] for m in photos}) == 1
    assert [m["photo"][-1]["height"] for m in photos] == [500, 501, 502]


async def test_a_picture_on_reddit_that_is_gone_is_not_found(harness: BotHarness):
    await harness.start()
    await harness.say("hello")
    await harness.say("https://i.redd.it/gone01.jpg")
    assert harness.texts()[-1] == EN["media_not_found"]
    assert len(harness.simulator.log) == 1


async def test_only_the_link_within_another_one_is_requested(harness: BotHarness):
    harness.video()
    await harness.start()
    await harness.say("hello")
    inner = f"https%3A%2F%2Fwww.tiktok.com%2F%40ferry.demo%2Fvideo%2F{ID}"
    await harness.say(f"https://api.whatsapp.com/send?text=Look%20{inner}")
    assert len(harness.videos()) == 1
    assert not any("whatsapp" in entry.host for entry in harness.simulator.log)


async def test_links_outside_of_the_text_are_answered_in_private_chats_only(harness: BotHarness):
    posts = [f"730000000000000000{number}" for number in range(1, 5)]
    for post_id in posts:
        harness.video(post_id)
    button, poll, quote, external = (
        f"https://www.tiktok.com/@ferry.demo/video/{post_id}" for post_id in posts
    )
    await harness.start()
    await harness.say("/start")
    crew = harness.world.group(-1002)
    forwarded = {"type": "hidden_user", "sender_user_name": "News", "date": 1}
    options = [
        {"persistent_id": str(number), "text": text, "voter_count": 0}
        for number, text in enumerate(("no", poll))
    ]
    switches = ("is_closed", "allows_multiple_answers", "allows_revoting", "members_only")
    contents: list[Json] = [
        {
            "text": "New!",
            "forward_origin": forwarded,
            "reply_markup": {"inline_keyboard": [[{"text": "Watch", "url": button}]]},
        },
        {
            "poll": {
                "id": "1",
                "question": "Seen it?",
                "options": options,
                "total_voter_count": 0,
                "is_anonymous": True,
                "type": "regular",
                **dict.fromkeys(switches, False),
            }
        },
        {"text": "this", "quote": {"text": quote, "position": 0}},
        {
            "text": "this",
            "external_reply": {
                "origin": forwarded,
                "link_preview_options": {"url": external},
            },
        },
    ]
    for content in contents:
        for chat in (harness.home, crew):
            harness.world.post(harness.ada, chat, dict(content))
        await harness.settled()
    assert len(harness.videos()) == len(contents)
    assert harness.answers(crew) == []
