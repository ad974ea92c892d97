"""One more post of each shape that a simulated site has, for the demo's scripted conversation.

A shape is what a post is made of, or the kind of a list. Those that the script shows in more detail
are in `simulator.catalogue`.
"""

from dataclasses import dataclass

from simulator.samples import SampleStore, VideoSpec
from simulator.server import Simulator
from simulator.sites.bilibili import BilibiliVideo
from simulator.sites.facebook import FacebookPost
from simulator.sites.instagram import InstagramPost, Media
from simulator.sites.music import Track
from simulator.sites.music_lists import SampleList
from simulator.sites.pinterest import Pin
from simulator.sites.posts import BlueskyPost, ThreadsPost, TumblrPost
from simulator.sites.reddit import RedditFeed, RedditPost
from simulator.sites.x import XPost
from simulator.sites.youtube import Stream, YouTubeVideo
from simulator.sites.youtube_lists import YouTubeList


@dataclass(frozen=True, slots=True)
class Shape:
    """A link, and what it is answered with."""

    title: str
    url: str
    #: The kinds of the messages with media, in order; or the text of the card of a list.
    answer: tuple[str, ...] | str


_PHOTO, _VIDEO, _GIF, _SOUND = ("photo",), ("video",), ("animation",), ("audio",)
_X = "https://x.com/ferry_demo/status/"
_REDDIT = "https://www.reddit.com/r/ferries/comments/"
_TUMBLR = "https://www.tumblr.com/ferry-demo/"
_CROSSINGS = "Crossings\n2 posts"

SHAPES = (
    Shape(
        "TikTok, a collection",
        "https://www.tiktok.com/@ferry.demo/collection/Crossings-7300000000000000301",
        "ferry.demo-Crossings\n2 posts",
    ),
    Shape("Instagram, a photo", "https://www.instagram.com/p/DemoPhoto01/", _PHOTO),
    Shape("Instagram, a shared reel", "https://www.instagram.com/share/reel/DemoShare1", _VIDEO),
    Shape("Threads, a shared video", "https://www.threads.com/share/DemoShare1", _VIDEO),
    Shape("Threads, a quoted post", "https://www.threads.com/@ferry.demo/post/DemoThread3", _PHOTO),
    Shape("X, a GIF", f"{_X}1790000000000000004", _GIF),
    Shape("X, a video, a photo and a GIF", f"{_X}1790000000000000005", (*_VIDEO, *_PHOTO, *_VIDEO)),
    Shape("X, a quoted GIF", f"{_X}1790000000000000006", _GIF),
    Shape("X, two videos by a short link", "https://pic.x.com/Demo01", _VIDEO * 2),
    Shape("Facebook, a shared reel", "https://www.facebook.com/share/v/Demo01/", _VIDEO),
    Shape("Facebook, a photo", "https://www.facebook.com/photo/?fbid=7300000031", _PHOTO),
    Shape(
        "Facebook, an album",
        "https://www.facebook.com/media/set/?set=a.7300000030",
        _CROSSINGS,
    ),
    Shape("Pinterest, a picture", "https://www.pinterest.com/pin/7300000002/", _PHOTO),
    Shape("Pinterest, a GIF", "https://www.pinterest.com/pin/7300000003/", _GIF),
    Shape("Pinterest, a video", "https://www.pinterest.com/pin/7300000004/", _VIDEO),
    Shape("Pinterest, a carousel", "https://www.pinterest.com/pin/7300000005/", _PHOTO * 2),
    Shape("Pinterest, a board", "https://www.pinterest.com/ferry_demo/boats/", "Boats\n1 post"),
    Shape("Reddit, a picture", f"{_REDDIT}1demo03/a_crossing/", _PHOTO),
    Shape("Reddit, a GIF alone", "https://i.redd.it/demo01.gif", _GIF),
    Shape("Reddit, a shared video", "https://www.reddit.com/r/ferries/s/Demo01", _VIDEO),
    Shape("Reddit, a crosspost", f"{_REDDIT}1demo05/a_crossing/", (*_PHOTO, *_VIDEO, *_PHOTO)),
    Shape("RedGifs, behind a post", f"{_REDDIT}1demo02/a_crossing/", _VIDEO),
    Shape("Imgur, an album behind a post", f"{_REDDIT}1demo06/a_crossing/", (*_PHOTO, *_VIDEO)),
    Shape("Imgur, a picture behind a post", f"{_REDDIT}1demo07/a_crossing/", _PHOTO),
    Shape("Reddit, a community", "https://www.reddit.com/r/ferries/", "r/ferries\n2 posts"),
    Shape("Bluesky, a video", "https://bsky.app/profile/ferry.example/post/3demo03", _VIDEO),
    Shape(
        "Bluesky, a quoted post", "https://bsky.app/profile/ferry.example/post/3demo04", _PHOTO * 2
    ),
    Shape("Tumblr, a video and a picture", f"{_TUMBLR}730000000000000002", (*_VIDEO, *_PHOTO)),
    Shape("Tumblr, a GIF by a short link", "https://tmblr.co/ZDemo01", _GIF),
    Shape("YouTube, a video", "https://www.youtube.com/watch?v=DemoVideo01", _VIDEO),
    Shape("YouTube, a playlist", "https://www.youtube.com/playlist?list=PLdemo0001", _CROSSINGS),
    Shape("YouTube, a channel", "https://www.youtube.com/@ferry", "Ferry - Videos\n2 posts"),
    Shape("SoundCloud, a track by a short link", "https://on.soundcloud.com/Demo01", _SOUND),
    Shape("SoundCloud, a set", "https://soundcloud.com/ferry-demo/sets/crossings", _CROSSINGS),
    Shape("Bandcamp, an album", "https://ferry-demo.bandcamp.com/album/crossings", _CROSSINGS),
    Shape(
        "Mixcloud, a playlist",
        "https://www.mixcloud.com/ferry-demo/playlists/crossings/",
        _CROSSINGS,
    ),
    Shape(
        "Dailymotion, a playlist", "https://www.dailymotion.com/playlist/x9crossings", _CROSSINGS
    ),
    Shape("Rutube, a playlist", "https://rutube.ru/plst/73/", _CROSSINGS),
    Shape("Bilibili, a part by a short link", "https://b23.tv/Demo01", _VIDEO),
)


def add_shapes(simulator: Simulator) -> None:
    """Add the posts and lists of `SHAPES` to the sites."""
    samples = simulator.samples
    posts = ("7300000000000000001", "7300000000000000002")
    simulator.site.collections["7300000000000000301"] = posts
    _fill_instagram(simulator, samples)
    _fill_x_and_facebook(simulator, samples)
    _fill_pinterest(simulator, samples)
    _fill_reddit(simulator, samples)
    _fill_posts(simulator, samples)
    _fill_videos(simulator, samples)
    _fill_music(simulator, samples)


def _fill_instagram(simulator: Simulator, samples: SampleStore) -> None:
    """Add the posts of Instagram and of Threads, which describe their media alike."""
    picture = samples.picture(1080, 1350, "island")
    photo = Media(picture, width=1080, height=1350)
    video = Media(samples.video(VideoSpec()), is_video=True, still=picture)
    instagram, threads = simulator.instagram, simulator.threads
    instagram.add(InstagramPost("DemoPhoto01", (photo,), text="The island"))
    instagram.add(InstagramPost("DemoReel002", (video,), text="To the island"))
    instagram.shared["/share/reel/DemoShare1"] = "https://www.instagram.com/reel/DemoReel002/"
    threads.posts["DemoThread2"] = ThreadsPost("DemoThread2", (video,), "To the island")
    threads.shared["DemoShare1"] = "https://www.threads.com/@ferry.demo/post/DemoThread2"
    quoted = ThreadsPost("DemoThread4", (photo,), "The island", author="ferry.other")
    threads.posts["DemoThread3"] = ThreadsPost(
        "DemoThread3", text="Look at this", shared={"quoted_post": quoted}
    )


def _fill_x_and_facebook(simulator: Simulator, samples: SampleStore) -> None:
    video, loop = samples.video(VideoSpec()), samples.video(_LOOP)
    photo = samples.picture(1080, 1350, "island")
    for post in (
        XPost("1790000000000000004", others=(loop,), text="Waves"),
        XPost("1790000000000000005", ((video,),), others=(photo, loop), text="The island"),
        XPost("1790000000000000006", quotes="1790000000000000004", text="Look at this"),
    ):
        simulator.x.posts[post.id] = post
    simulator.x.short_links["pic.x.com/Demo01"] = f"{_X}1790000000000000001/video/1"
    facebook = simulator.facebook
    facebook.posts["7300000001"] = FacebookPost((video,), "To the island")
    facebook.shared_links["share/v/Demo01"] = "https://www.facebook.com/reel/7300000001"
    facebook.posts["photo/7300000031"] = FacebookPost((photo,), "The island")
    facebook.posts["set/a.7300000030"] = FacebookPost((photo, video), "Crossings", key="grid_media")


def _fill_pinterest(simulator: Simulator, samples: SampleStore) -> None:
    first, last = (samples.picture(1080, 1350, f"bow {n}") for n in (1, 2))
    simulator.pinterest.pins |= {
        "7300000002": Pin((first,)),
        "7300000003": Pin((samples.gif(320, 240),)),
        "7300000004": Pin((samples.video(VideoSpec()),)),
        "7300000005": Pin((first, last), "carousel"),
    }


def _fill_reddit(simulator: Simulator, samples: SampleStore) -> None:
    """Add posts, and what they link to on RedGifs and Imgur."""
    picture, video = samples.picture(1080, 1350, "island"), samples.video(VideoSpec())
    site = simulator.reddit
    silent = samples.video(VideoSpec(has_sound=False))
    for post in (
        RedditPost("1demo03", pictures=(picture,)),
        RedditPost("1demo04", silent, samples.sound(encoder="aac", kind="mp4")),
        RedditPost("1demo05", repeats="1demo01"),
        RedditPost("1demo06", link="https://imgur.com/a/album1"),
        RedditPost("1demo07", link="https://i.imgur.com/demo1.jpg"),
    ):
        site.posts[post.id] = post
    site.shared["Demo01"] = f"{_REDDIT}1demo04/a_crossing/"
    site.pictures["demo01.gif"] = samples.gif(320, 240)
    site.albums["album1"] = ("demo1.jpg", "demo2.mp4")
    site.imgur_files |= {"demo1.jpg": picture, "demo2.mp4": video}
    site.feeds["r/ferries"] = RedditFeed(["1demo03", "1demo06"])


def _fill_posts(simulator: Simulator, samples: SampleStore) -> None:
    photos = tuple(samples.picture(1080, 1350, f"bow {n}") for n in (1, 2))
    video = samples.video(VideoSpec())
    quoted = BlueskyPost(photos, text="The bow", number="3demo05")
    simulator.bluesky.add(BlueskyPost(video=video, text="A crossing", number="3demo03"))
    simulator.bluesky.add(BlueskyPost(text="Look at this", quoted=quoted, number="3demo04"))
    tumblr = simulator.tumblr
    blocks = tumblr.video(video), tumblr.picture(photos[0])
    tumblr.posts["730000000000000002"] = TumblrPost("730000000000000002", blocks)
    gif = tumblr.picture(samples.gif(320, 240))
    tumblr.posts["730000000000000003"] = TumblrPost("730000000000000003", (gif,))
    tumblr.short_links["/ZDemo01"] = f"{_TUMBLR}730000000000000003/waves?source=share"


def _fill_videos(simulator: Simulator, samples: SampleStore) -> None:
    silent = samples.video(VideoSpec(has_sound=False))
    audio = samples.sound(encoder="aac", kind="mp4")
    streams = (
        Stream(silent, 136, size=(576, 1024)),
        Stream(audio, 140, 'audio/mp4; codecs="mp4a.40.2"'),
    )
    youtube, videos = simulator.youtube, simulator.videos
    youtube.videos["DemoVideo01"] = YouTubeVideo(streams)
    ids = ["DemoVideo01", "DemoShort01"]
    youtube.lists.by_key["PLdemo0001"] = YouTubeList("Crossings", ids)
    youtube.lists.by_key["@ferry/videos"] = YouTubeList("Ferry", ids)
    videos.lists.by_key["x9crossings"] = SampleList("Crossings", ["x9demo1", "x9demo2"])
    number = "7300000000000000000000000000de0"
    videos.rutube_lists.by_key["custom/73"] = SampleList("Crossings", [f"{number}1", f"{number}2"])
    videos.bilibili.videos["BV1demo00002"] = BilibiliVideo(((silent, audio),) * 2)
    videos.bilibili.short_links["Demo01"] = "BV1demo00002?p=2"


def _fill_music(simulator: Simulator, samples: SampleStore) -> None:
    music = simulator.music
    sound, cover = samples.sound(encoder="aac", kind="mp4"), samples.picture(500, 500, "harbour")
    music.tracks["soundcloud/ferry-demo/fog-horn"] = Track(sound, cover=cover, is_list=True)
    music.short_links["Demo01"] = "ferry-demo/fog-horn?utm_source=x"
    names = ["harbour-bell", "fog-horn"]
    crossings = SampleList("Crossings", [f"ferry-demo/{name}" for name in names])
    music.lists.by_key |= {
        "soundcloud.com/ferry-demo/sets/crossings": crossings,
        "ferry-demo.bandcamp.com/album/crossings": SampleList("Crossings", names),
        "mixcloud.com/ferry-demo/playlists/crossings": crossings,
    }


#: A GIF on X is a video without sound.
_LOOP = VideoSpec(width=480, height=360, has_sound=False)
