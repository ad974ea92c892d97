"""Posts of the other sites in a chat, and what the operator's list does."""

from misc.texts import load_texts
from simulator.samples import VideoSpec
from simulator.sites.others import RedditPost, XPost
from tests.journeys.ferry import Ferry

EN = load_texts()["en"]
X_ID = "1790000000000000001"
X_LINK = f"https://twitter.com/ferry_demo/status/{X_ID}?s=20"
REDDIT_LINK = "https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/"


async def test_a_post_on_x_with_two_videos_is_an_album(ferry: Ferry):
    path = ferry.samples.video(VideoSpec())
    ferry.simulator.x.posts[X_ID] = XPost(X_ID, ((path,), (path,)))
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(X_LINK)
    *videos, below = ferry.answers()[1:]
    assert [m["video"]["duration"] for m in videos] == [3, 3]
    assert "👁 345" in str(below["reply_markup"])


async def test_a_gif_of_x_is_an_animation(ferry: Ferry):
    path = ferry.samples.video(VideoSpec(has_sound=False))
    ferry.simulator.x.posts[X_ID] = XPost(X_ID, ((path,),))
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(X_LINK)
    assert ferry.answers()[-1]["animation"]["width"] == 576


async def test_reddits_video_comes_with_its_sound(ferry: Ferry):
    video = ferry.samples.video(VideoSpec(has_sound=False))
    ferry.simulator.reddit.posts["1demo01"] = RedditPost(
        "1demo01", video, ferry.samples.sound(3, "aac", "mp4")
    )
    await ferry.start()
    await ferry.say("hello")
    await ferry.say(REDDIT_LINK)
    assert ferry.answers()[-1]["video"]["duration"] == 3
    (stored,) = [f for f in ferry.api.files.by_id.values() if f.kind == "video"]
    assert stored.has_sound
    await ferry.press(ferry.answers()[-1], "sound/reddit/1demo01")
    assert ferry.answers()[-1]["audio"]["file_name"] == "1demo01.m4a"


async def test_a_site_that_is_not_allowed_is_a_foreign_one(ferry: Ferry):
    await ferry.start(SITES_ALLOWED="tiktok, instagram")
    await ferry.say("hello")
    await ferry.say(X_LINK)
    assert ferry.texts()[-1] == EN["foreign_link"].format(platforms="TikTok, Instagram")
    assert ferry.simulator.log == []
