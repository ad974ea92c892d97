"""Define the demo's sample posts: one for each outcome that a link can have."""

from dataclasses import dataclass, replace
from pathlib import Path

from simulator.samples import SampleStore, VideoSpec
from simulator.server import Simulator
from simulator.sites.bilibili import BilibiliVideo
from simulator.sites.facebook import FacebookPost, FacebookSite
from simulator.sites.instagram import InstagramPost, InstagramSite, Media
from simulator.sites.music import MusicSites, Track
from simulator.sites.music_lists import SampleList
from simulator.sites.pinterest import Board, Pin, PinterestSite
from simulator.sites.posts import BlueskyFeed, BlueskyPost, ThreadsPost, TumblrPost
from simulator.sites.reddit import RedditFeed, RedditPost, RedditSite
from simulator.sites.tiktok import Encoding, SamplePost, SampleProfile, TikTokSite
from simulator.sites.videos import Clip, VideoSites
from simulator.sites.x import XPost, XSite
from simulator.sites.youtube import Stream, YouTubeSite, YouTubeVideo
from simulator.telegram.world import Chat, World
from simulator.throttle import Throttle


@dataclass(frozen=True, slots=True)
class SampleLink:
    """What a click sends: a link to a sample post, several messages, or an album of pictures."""

    #: Shown by the page.
    title: str
    #: The text of the message; each line is a message of its own.
    url: str
    #: Number of pictures to send as an album without a text; 0 for a text.
    album: int = 0
    #: Heading under which the page shows it; the headings are in the order of their first samples.
    group: str = "More sites"
    #: What there is to see, in a few words.
    about: str = ""
    #: Text in the picture of the thumbnail (see `SampleStore.picture`); empty: the icon alone.
    picture: str = ""
    #: A character that says what it is.
    icon: str = "🔗"
    #: User who sends it, in the chat with the bot; 0: whoever is chosen in the page.
    person: int = 0
    #: Only put into the composer, as an inline query is.
    is_typed: bool = False
    #: Fault that is switched on first: a kind of `FaultRule`, or "site:" and one of
    #: `simulator.sites.faults.KINDS`.
    fault: str = ""


#: The bot's names of the sites that are simulated, which the demo's bot answers.
SITES = (
    *("tiktok", "instagram", "threads", "x", "facebook", "pinterest", "reddit", "bluesky"),
    *("tumblr", "youtube", "soundcloud", "bandcamp", "mixcloud", "dailymotion", "vk", "ok"),
    *("rutube", "loom", "bilibili"),
)
#: User id of the demo's administrator, who may send broadcasts.
ADMIN = 1900
#: Channel to which the demo's bot uploads the media of inline messages.
STORAGE = -100_7777

_USER = "https://www.tiktok.com/@ferry.demo/video/"
_X = "https://x.com/ferry_demo/status/"
#: Posts for many links at once.
_MANY = tuple(f"73000000000000002{number:02}" for number in range(30))

_TRY, _ERRORS, _LARGE = "Try first", "Errors", "Large files"
_INLINE, _ADMIN, _FAULTS = "Inline", "Admin", "Faults"

LINKS = (
    SampleLink(
        "A video",
        f"{_USER}7300000000000000001",
        group=_TRY,
        about="TikTok, with a button for its sound",
        picture="dawn",
        icon="▶",
    ),
    SampleLink(
        "A slideshow of eleven pictures",
        "https://www.tiktok.com/@ferry.demo/photo/7300000000000000003",
        group=_TRY,
        about="Two even albums, one picture is HEIC",
        picture="slide 1",
        icon="▦",
    ),
    SampleLink(
        "A profile, to choose posts from",
        "https://www.tiktok.com/@ferry.demo",
        group="More kinds",
        about="The latest, some, or all of its posts",
        icon="👤",
    ),
    SampleLink(
        "A reel",
        "https://www.instagram.com/reel/DemoReel001/",
        group=_TRY,
        about="Instagram, without an account",
        picture="dusk",
        icon="▶",
    ),
    SampleLink(
        "An album of pictures and videos",
        "https://www.instagram.com/p/DemoMixed01/",
        group=_TRY,
        about="Instagram, in the order of the post",
        picture="harbour 0",
        icon="▦",
    ),
    SampleLink(
        "Two videos on X",
        "https://x.com/ferry_demo/status/1790000000000000001",
        group=_TRY,
        about="One post, two videos",
        picture="two crossings",
        icon="▶",
    ),
    SampleLink(
        "The same video, as a short link",
        "https://vm.tiktok.com/ZMdemo001/",
        group=_TRY,
        about="Known by now: answered from the cache",
        picture="dawn",
        icon="⚡",
    ),
    SampleLink(
        "A wide video, H.265 and H.264",
        f"{_USER}7300000000000000002",
        group="More kinds",
        about="H.264 is taken, it plays everywhere",
        picture="wide",
        icon="▶",
    ),
    SampleLink(
        "A live photo, through a mirror",
        "https://ddinstagram.com/p/DemoLive001/",
        group="More kinds",
        about="The mirror itself is never asked",
        picture="live",
        icon="◉",
    ),
    SampleLink(
        "Twelve links in one message",
        " ".join(_USER + post for post in _MANY[:12]),
        group="More kinds",
        about="Five at once, a button for the others",
        icon="🔗",
    ),
    SampleLink(
        "A flood of thirty links",
        "\n".join(_USER + post for post in _MANY),
        group="More kinds",
        about="They wait in a queue, in order",
        icon="🌊",
    ),
    SampleLink(
        "An album of ten pictures to the bot",
        "",
        album=10,
        group="More kinds",
        about="One hint, not ten",
        icon="🖼",
    ),
    SampleLink(
        "A deleted post",
        f"{_USER}7300000000000000404",
        group=_ERRORS,
        about="A sentence instead of silence",
        icon="🗑",
    ),
    SampleLink(
        "A private post",
        f"{_USER}7300000000000000403",
        group=_ERRORS,
        about="Only friends of its author see it",
        icon="🔒",
    ),
    SampleLink(
        "A post blocked in this country",
        f"{_USER}7300000000000000451",
        group=_ERRORS,
        about="The site refuses this region",
        icon="🌍",
    ),
    SampleLink(
        "A dead short link",
        "https://vm.tiktok.com/ZMdead000/",
        group=_ERRORS,
        about="It leads nowhere",
        icon="⛓",
    ),
    SampleLink(
        "An album with an unreadable video",
        "https://www.instagram.com/p/DemoBroken1/",
        group=_ERRORS,
        about="The rest arrives, what is missing is counted",
        picture="harbour 1",
        icon="⚠",
    ),
    SampleLink(
        "A profile, which is no post",
        "https://www.instagram.com/ferry.demo/",
        group=_ERRORS,
        about="Named as what it is",
        icon="👤",
    ),
    SampleLink(
        "A story, which needs a login",
        "https://www.instagram.com/stories/ferry.demo/3700000000000000001/",
        group=_ERRORS,
        about="Says so, once",
        icon="🔑",
    ),
    SampleLink(
        "A site that is down, then recovers",
        f"{_USER}7300000000000000503",
        group=_ERRORS,
        about="Try again finds it back",
        icon="🔌",
    ),
    SampleLink(
        "A video on a slow site",
        f"{_USER}7300000000000000006",
        group=_LARGE,
        about="A note with progress, and a way to cancel",
        picture="slow",
        icon="▶",
    ),
    SampleLink(
        "A video of 70 MB, encoded smaller",
        f"{_USER}7300000000000000070",
        group=_LARGE,
        about="Telegram takes 50 MB from bots",
        icon="🗜",
    ),
    SampleLink(
        "A video of 900 MB, refused",
        f"{_USER}7300000000000000900",
        group=_LARGE,
        about="Says how large it is, and links to it",
        icon="🐘",
    ),
    SampleLink(
        "A video in any chat",
        f"@clipferry_demo_bot {_USER}7300000000000000001",
        group=_INLINE,
        about="Type @ and the bot's name, then a link",
        picture="dawn",
        icon="@",
        is_typed=True,
    ),
    SampleLink(
        "Inline mode without a link",
        "@clipferry_demo_bot ",
        group=_INLINE,
        about="What it offers before there is a link",
        icon="@",
        is_typed=True,
    ),
    SampleLink(
        "The administrator's menu",
        "/admin",
        group=_ADMIN,
        about="Broadcasts, bans, exports: sent as Captain",
        icon="🛠",
        person=ADMIN,
    ),
    SampleLink(
        "The statistics",
        "/stats",
        group=_ADMIN,
        about="Numbers and curves: sent as Captain",
        icon="📊",
        person=ADMIN,
    ),
    SampleLink(
        "The settings of a chat",
        "/settings",
        group=_ADMIN,
        about="Captions, files, language: anybody may",
        icon="⚙",
    ),
    SampleLink(
        "Telegram asks for a pause (429)",
        f"{_USER}7300000000000000100",
        group=_FAULTS,
        about="It waits as long as it is told, then sends",
        icon="⏱",
        fault="429",
    ),
    SampleLink(
        "Telegram's answer is lost",
        f"{_USER}7300000000000000101",
        group=_FAULTS,
        about="Never sent twice blindly",
        icon="❓",
        fault="lost",
    ),
    SampleLink(
        "The site wants a captcha solved",
        _USER + _MANY[-1],
        group=_FAULTS,
        about="Switch it off again in the tab Faults",
        icon="🤖",
        fault="site:captcha",
    ),
    SampleLink(
        "A carousel on Threads",
        "https://www.threads.com/@ferry.demo/post/DemoThread1",
        about="Two pictures, without an account",
        icon="▦",
    ),
    SampleLink(
        "A picture on Bluesky",
        "https://bsky.app/profile/ferry.example/post/3demo01",
        about="In the size in which it was posted",
        icon="🖼",
    ),
    SampleLink(
        "A picture on Tumblr",
        "https://www.tumblr.com/ferry-demo/730000000000000001",
        about="From a blog",
        icon="🖼",
    ),
    SampleLink(
        "Photos and a video on Facebook",
        "https://www.facebook.com/ferry.demo/posts/7300000002",
        about="A post, in its order",
        icon="▦",
    ),
    SampleLink(
        "A photo, a GIF and a lost video on X",
        f"{_X}1790000000000000002",
        about="What is missing is counted",
        icon="▦",
    ),
    SampleLink(
        "A post on X that quotes them",
        f"{_X}1790000000000000003",
        about="It has no media of its own",
        icon="❝",
    ),
    SampleLink(
        "A gallery on Reddit, with a video",
        "https://www.reddit.com/gallery/1demo01",
        about="Pictures and a video, in order",
        icon="▦",
    ),
    SampleLink(
        "A RedGifs video behind a post on Reddit",
        "https://redd.it/1demo02",
        about="Fetched from where it is",
        icon="▶",
    ),
    SampleLink(
        "An idea pin of three pages",
        "https://pin.it/demo001",
        about="Pinterest, behind a short link",
        icon="▦",
    ),
    SampleLink(
        "A track on SoundCloud",
        "https://soundcloud.com/ferry-demo/harbour-bell",
        about="With title, performer and cover",
        icon="🎵",
    ),
    SampleLink(
        "A track on Spotify, which is protected",
        "https://open.spotify.com/track/7300000001",
        about="One honest sentence",
        icon="🔒",
    ),
    SampleLink(
        "A video in segments, on Dailymotion",
        "https://www.dailymotion.com/video/x9demo1",
        about="Put together from its parts",
        icon="▶",
    ),
)


def _slides(samples: SampleStore) -> tuple[Path, ...]:
    """Return the paths of eleven pictures of different shapes; the last one is HEIC."""
    slides = [samples.picture(1080, 1440 - 60 * n, f"slide {n + 1}") for n in range(10)]
    return (*slides, samples.heic(1080, 1440, "slide 11"))


def add_people(world: World) -> None:
    """Create the demo's users and one group."""
    ada = world.person(1001, "Ada", language_code="en")
    world.person(1002, "Бо", language_code="uk")
    world.person(1003, "نور", language_code="ar")
    world.person(ADMIN, "Captain", language_code="en")
    crew = world.group(-100_1001, "Crew")
    crew.members[ada.id] = "creator"


def add_posts(simulator: Simulator) -> None:
    """Create the demo's media files and add its posts to the sites."""
    simulator.world.chats[STORAGE] = Chat(STORAGE, "channel", title="Storage")
    _fill_tiktok(simulator.site, simulator.samples)
    _fill_instagram(simulator.instagram, simulator.samples)
    _fill_posts(simulator)
    _fill_facebook(simulator.facebook, simulator.samples)
    _fill_x(simulator.x, simulator.samples)
    _fill_reddit(simulator.reddit, simulator.samples)
    _fill_pinterest(simulator.pinterest, simulator.samples)
    _fill_music(simulator.music, simulator.samples)
    _fill_videos(simulator.videos, simulator.samples)
    _fill_youtube(simulator.youtube, simulator.samples)


def _fill_facebook(site: FacebookSite, samples: SampleStore) -> None:
    first, last = (samples.picture(1080, 1350, f"mole {n}") for n in (1, 2))
    files = (first, samples.video(VideoSpec()), last)
    site.posts["ferry.demo/posts/7300000002"] = FacebookPost(files, "From the mole")


def _fill_x(site: XSite, samples: SampleStore) -> None:
    video = samples.video(VideoSpec())
    loop = samples.video(VideoSpec(width=480, height=360, has_sound=False))
    photo = samples.picture(1080, 1350, "pier")
    for post in (
        XPost("1790000000000000001", ((video,), (video,)), text="Two crossings"),
        XPost("1790000000000000002", others=(photo, loop, None), text="At the pier"),
        XPost("1790000000000000003", quotes="1790000000000000002", text="Look at this"),
    ):
        site.posts[post.id] = post


def _fill_reddit(site: RedditSite, samples: SampleStore) -> None:
    video = samples.video(VideoSpec())
    first, last = (samples.picture(1080, 1350, f"quay {n}") for n in (1, 2))
    site.posts["1demo01"] = RedditPost("1demo01", pictures=(first, video, last))
    site.posts["1demo02"] = RedditPost("1demo02", link="https://www.redgifs.com/watch/demogif")
    site.feeds["user/ferry_demo"] = RedditFeed(["1demo02", "1demo01"])
    site.gifs["demogif"] = video


def _fill_pinterest(site: PinterestSite, samples: SampleStore) -> None:
    first, last = (samples.picture(1080, 1350, f"deck {n}") for n in (1, 2))
    site.pins["7300000001"] = Pin((first, samples.video(VideoSpec()), last), "pages")
    site.boards["ferry_demo/boats"] = Board(["7300000001"])
    site.short_links["demo001"] = "7300000001"
    site.short_links["demo002"] = "https://www.pinterest.com/ferry_demo/boats/?invite_code=x"


def _fill_music(site: MusicSites, samples: SampleStore) -> None:
    cover = samples.picture(500, 500, "harbour")
    track = Track(samples.sound(20), seconds=20, cover=cover)
    for name in ("soundcloud", "bandcamp", "mixcloud"):
        site.tracks[f"{name}/ferry-demo/harbour-bell"] = track


def _fill_videos(site: VideoSites, samples: SampleStore) -> None:
    number = "7300000000000000000000000000de01"
    segments, video = (
        Clip(samples.video(VideoSpec(container="ts"))),
        Clip(samples.video(VideoSpec())),
    )
    site.clips |= {"dailymotion/x9demo1": segments, f"rutube/{number}": segments}
    site.rutube_lists.by_key["person/73"] = SampleList("Ferry Demo", [number])
    for post in ("ok/7300000001", "vk/-730_1001", f"loom/{number}"):
        site.clips[post] = video
    tracks = samples.video(VideoSpec(has_sound=False)), samples.sound(encoder="aac", kind="mp4")
    site.bilibili.videos["BV1demo00001"] = BilibiliVideo((tracks,))


def _fill_youtube(site: YouTubeSite, samples: SampleStore) -> None:
    audio = samples.sound(encoder="aac", kind="mp4")
    site.videos["DemoShort01"] = YouTubeVideo(
        (
            Stream(samples.video(VideoSpec(has_sound=False)), 136, size=(576, 1024)),
            Stream(audio, 140, 'audio/mp4; codecs="mp4a.40.2"'),
        )
    )


def _fill_instagram(site: InstagramSite, samples: SampleStore) -> None:
    video = Media(
        samples.video(VideoSpec()), is_video=True, still=samples.picture(576, 1024, "dawn")
    )
    photos = [Media(samples.picture(1080, 1350, f"harbour {n}"), width=1080) for n in range(3)]
    site.add(InstagramPost("DemoReel001", (video,), text="Crossing at dawn"))
    site.add(InstagramPost("DemoMixed01", (photos[0], video, *photos[1:], video)))
    unreadable = replace(video, changes={"video_versions": None})
    site.add(InstagramPost("DemoBroken1", (photos[0], unreadable, photos[1])))
    site.add(InstagramPost("DemoLive001", (replace(video, changes={"media_type": 1}),)))
    stories = [str(3_700_000_000_000_000_001 + n) for n in range(3)]
    site.stories = {n: InstagramPost(n, tuple(photos[:1])) for n in stories[:2]}
    site.highlights["highlight:17900000000000001"] = {
        n: InstagramPost(f"1{n}", (photo,)) for n, photo in zip(stories, photos, strict=True)
    }


def _fill_posts(simulator: Simulator) -> None:
    photos = [simulator.samples.picture(1080, 1350, f"quay {n}") for n in range(2)]
    media = tuple(Media(path, width=1080, height=1350) for path in photos)
    threads, number = simulator.threads, "730000000000000001"
    threads.posts["DemoThread1"] = ThreadsPost("DemoThread1", media, "Two quays")
    for name, photo in zip(("3demo01", "3demo02"), photos, strict=True):
        simulator.bluesky.add(BlueskyPost((photo,), text="A quay", number=name))
    simulator.bluesky.feeds["ferry.example"] = BlueskyFeed(["3demo02", "3demo01"])
    block = simulator.tumblr.picture(photos[1])
    simulator.tumblr.posts[number] = TumblrPost(number, (block,))


def _fill_tiktok(site: TikTokSite, samples: SampleStore) -> None:
    tall = samples.video(VideoSpec())
    wide = samples.video(VideoSpec(width=854, height=480, seconds=5, bit_rate=900_000))
    wide_h265 = samples.video(
        VideoSpec(width=854, height=480, seconds=5, bit_rate=500_000, encoder="libx265")
    )
    site.add(
        SamplePost(
            "7300000000000000001",
            text="Crossing at dawn ⛴️ #ferry",
            encodings=(Encoding(tall),),
            cover=samples.picture(576, 1024, "dawn"),
            sound=samples.sound(),
            sound_title="Harbour bell",
        )
    )
    site.add(
        SamplePost(
            "7300000000000000002",
            text="Переправа / العبّارة",
            encodings=(
                Encoding(wide_h265, codec="h265", width=854, height=480),
                Encoding(wide, width=854, height=480),
            ),
            duration_s=5,
            likes=999_950,
            views=48_300_000,
        )
    )
    site.add(SamplePost("7300000000000000003", pictures=_slides(samples), sound=samples.sound(20)))
    site.add(SamplePost("7300000000000000404", status=10204, status_message="status_deleted"))
    site.add(SamplePost("7300000000000000403", status=10222))
    site.add(
        SamplePost("7300000000000000451", status=10231, status_message="cross_border_violation")
    )
    for post_id in ("7300000000000000100", "7300000000000000101", *_MANY):
        site.add(SamplePost(post_id, encodings=(Encoding(tall),)))
    site.profiles["ferry.demo"] = SampleProfile("ferry.demo", _MANY[15:])
    # Three attempts, which is the bot's default, find the site down; "Try again" finds it back.
    site.add(
        SamplePost(
            "7300000000000000503",
            encodings=(Encoding(tall),),
            page_trouble="503",
            trouble_times=3,
        )
    )
    slow = samples.video(VideoSpec(padded_bytes=6_000_000))
    site.add(
        SamplePost(
            "7300000000000000006",
            encodings=(Encoding(slow),),
            throttle=Throttle(bytes_per_s=600_000),
        )
    )
    noise = samples.video(VideoSpec(width=640, height=360, seconds=7, is_noise=True))
    site.add(
        SamplePost(
            "7300000000000000070",
            encodings=(Encoding(noise, width=640, height=360),),
            duration_s=7,
        )
    )
    site.add(
        SamplePost(
            "7300000000000000900",
            encodings=(Encoding(samples.video(VideoSpec(padded_bytes=900_000_000))),),
        )
    )
    site.short_links["ZMdemo001"] = f"{_USER}7300000000000000001?_t=8demo&_r=1"
