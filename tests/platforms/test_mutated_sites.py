"""Every site with changed answers: a post, or an error of ours, and no request elsewhere."""

import asyncio
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import web as http

from core.errors import ClipferryError
from core.media import Clip, Item, LivePhoto, Post, Unreadable
from platforms import FileRequest, FileVersion, load_registry
from platforms._fetcher import Attempt, Fetcher
from platforms._http import HostRule
from platforms._linked_media import LINKED_HOSTS
from platforms._proxies import Proxy
from simulator.samples import VideoSpec
from simulator.sites.bilibili import BilibiliVideo
from simulator.sites.facebook import FacebookPost
from simulator.sites.instagram import InstagramPost, Media
from simulator.sites.music import Track
from simulator.sites.music_lists import SampleList
from simulator.sites.pinterest import Board, Pin
from simulator.sites.posts import BlueskyFeed, BlueskyPost, ThreadsPost, TumblrPost
from simulator.sites.reddit import RedditFeed, RedditPost
from simulator.sites.tiktok import SampleProfile
from simulator.sites.videos import Clip as SiteClip
from simulator.sites.web import Sites
from simulator.sites.x import XPost
from simulator.sites.youtube import Stream, YouTubeVideo
from simulator.sites.youtube_lists import YouTubeList
from tests.platforms.mutation import MutatedSite
from tests.sites import Web

#: Changes of each site per run.
SEEDS: Final = range(10)
HEX: Final = "7300000000000000000000000000de01"
REGISTRY: Final = load_registry()
COOKIES: Final = (
    "# Netscape HTTP Cookie File\n"
    ".instagram.com\tTRUE\t/\tTRUE\t2147483647\tsessionid\tferry-session\n"
)


@dataclass(frozen=True)
class Example:
    """A post, or a list of posts, of one site."""

    url: str
    add: Callable[[Web], object]
    #: The operator's cookie file; with one the post is read with the account only.
    cookies: str = ""
    is_list: bool = False


def _media(web: Web) -> tuple[Media, ...]:
    picture = web.samples.picture(400, 500, "i")
    return Media(picture), Media(web.samples.video(VideoSpec()), is_video=True, still=picture)


def _track(web: Web, site: str) -> None:
    track = Track(web.samples.sound(), cover=web.samples.picture(500, 500, "cover"))
    web.music.tracks[f"{site}/ferry-demo/harbour-bell"] = track


def _clip(web: Web, key: str, container: str = "mp4") -> None:
    web.videos.clips[key] = SiteClip(web.samples.video(VideoSpec(container=container)))


def _bilibili(web: Web) -> None:
    tracks = web.samples.video(VideoSpec(has_sound=False)), web.samples.sound()
    web.videos.bilibili.videos["BV1demo00001"] = BilibiliVideo((tracks,))


def _youtube(web: Web) -> None:
    stream = Stream(web.samples.video(VideoSpec()), 136, size=(576, 1024))
    web.youtube.videos["DemoShort01"] = YouTubeVideo((stream,))


def _youtube_list(web: Web) -> None:
    ids = [f"DemoVide{number:03}" for number in range(30)]
    web.youtube.lists.by_key["PLdemo0001"] = YouTubeList("Crossings", ids)


def _rutube_list(web: Web) -> None:
    ids = [f"{number:032x}" for number in range(25)]
    web.videos.rutube_lists.by_key["custom/73"] = SampleList("Crossings", ids)


def _tiktok_list(web: Web) -> None:
    ids = [f"73000000000000000{number}" for number in range(30, 10, -1)]
    web.site.profiles["ferry.demo"] = SampleProfile("ferry.demo", ids)


def _pin(web: Web) -> None:
    pictures = web.samples.picture(400, 500, "deck"), web.samples.video(VideoSpec())
    web.pinterest.pins["7300000001"] = Pin(pictures, "pages")


def _board(web: Web) -> None:
    web.pinterest.boards["ferry_demo/boats"] = Board([f"73000000{n}" for n in range(25)])


def _x(web: Web) -> None:
    video, photo = web.samples.video(VideoSpec()), web.samples.picture(400, 500, "pier")
    web.x.posts["1790000000000000001"] = XPost(
        "1790000000000000001", ((video, video),), others=(photo,)
    )


def _reddit(web: Web) -> None:
    first = web.samples.picture(400, 500, "quay")
    web.reddit.posts["1demo01"] = RedditPost("1demo01", pictures=(first, first))


def _reddit_user(web: Web) -> None:
    picture = web.samples.picture(400, 500, "quay")
    posts = [f"1post{number}" for number in range(25)]
    for number in posts:
        web.reddit.posts[number] = RedditPost(number, pictures=(picture,))
    web.reddit.feeds["user/ferry_demo"] = RedditFeed(posts)


def _redgifs(web: Web) -> None:
    link = "https://www.redgifs.com/watch/demogif"
    web.reddit.posts["1demo02"] = RedditPost("1demo02", link=link)
    web.reddit.gifs["demogif"] = web.samples.video(VideoSpec())


def _bluesky_profile(web: Web) -> None:
    picture = web.samples.picture(400, 500, "q")
    posts = [f"3post{number}" for number in range(25)]
    for number in posts:
        web.bluesky.add(BlueskyPost((picture,), number=number))
    web.bluesky.feeds["ferry.example"] = BlueskyFeed(posts)


def _tumblr(web: Web) -> None:
    number = "730000000000000001"
    blocks = (web.tumblr.picture(web.samples.picture(400, 500, "q")),)
    web.tumblr.posts[number] = TumblrPost(number, blocks)


def _facebook(web: Web, post_id: str, *files: Path) -> None:
    web.facebook.posts[post_id] = FacebookPost(files)


def _facebook_album(web: Web) -> None:
    files = web.samples.picture(400, 500, "q"), web.samples.video(VideoSpec())
    web.facebook.posts["set/a.7300000030"] = FacebookPost(files, key="grid_media")


def _stored(_web: Web) -> None:
    """Serve the pages of `STORED`, which are always there."""


EXAMPLES: Final[Mapping[str, Example]] = {
    "tiktok": Example(
        "https://www.tiktok.com/@ferry.demo/video/7300000000000000001", Web.video_post
    ),
    "tiktok, a profile": Example("https://www.tiktok.com/@ferry.demo", _tiktok_list, is_list=True),
    "instagram": Example(
        "https://www.instagram.com/p/DemoPhoto01/",
        lambda web: web.instagram.add(InstagramPost("DemoPhoto01", _media(web))),
    ),
    "instagram, stories": Example(
        "https://www.instagram.com/stories/ferry.demo/",
        lambda web: web.instagram.stories.update({"37": InstagramPost("story", _media(web)[:1])}),
        COOKIES,
    ),
    "threads": Example(
        "https://www.threads.com/@ferry.demo/post/DemoThread1",
        lambda web: web.threads.posts.update(
            DemoThread1=ThreadsPost("DemoThread1", _media(web), "Two quays")
        ),
    ),
    "x": Example("https://x.com/ferry_demo/status/1790000000000000001", _x),
    "reddit": Example("https://www.reddit.com/r/ferries/comments/1demo01/a_crossing/", _reddit),
    "reddit, a link": Example("https://www.reddit.com/r/ferries/comments/1demo02/a/", _redgifs),
    "reddit, a user": Example(
        "https://www.reddit.com/user/ferry_demo/", _reddit_user, is_list=True
    ),
    "pinterest": Example("https://www.pinterest.com/pin/7300000001/", _pin),
    "pinterest, a board": Example(
        "https://www.pinterest.com/ferry_demo/boats/", _board, is_list=True
    ),
    "bluesky": Example(
        "https://bsky.app/profile/ferry.example/post/3demo01",
        lambda web: web.bluesky.add(BlueskyPost((web.samples.picture(400, 500, "q"),))),
    ),
    "bluesky, a profile": Example(
        "https://bsky.app/profile/ferry.example", _bluesky_profile, is_list=True
    ),
    "tumblr": Example("https://www.tumblr.com/ferry-demo/730000000000000001", _tumblr),
    "soundcloud": Example(
        "https://soundcloud.com/ferry-demo/harbour-bell", lambda web: _track(web, "soundcloud")
    ),
    "bandcamp": Example(
        "https://ferry-demo.bandcamp.com/track/harbour-bell", lambda web: _track(web, "bandcamp")
    ),
    "mixcloud": Example(
        "https://www.mixcloud.com/ferry-demo/harbour-bell/", lambda web: _track(web, "mixcloud")
    ),
    "dailymotion": Example(
        "https://www.dailymotion.com/video/x9demo1",
        lambda web: _clip(web, "dailymotion/x9demo1", "ts"),
    ),
    "rutube": Example(
        f"https://rutube.ru/video/{HEX}/", lambda web: _clip(web, f"rutube/{HEX}", "ts")
    ),
    "rutube, a playlist": Example("https://rutube.ru/plst/73/", _rutube_list, is_list=True),
    "ok": Example("https://ok.ru/video/7300000001", lambda web: _clip(web, "ok/7300000001")),
    "vk": Example("https://vkvideo.ru/video-730_1001", lambda web: _clip(web, "vk/-730_1001")),
    "loom": Example(f"https://www.loom.com/share/{HEX}", lambda web: _clip(web, f"loom/{HEX}")),
    "youtube": Example("https://www.youtube.com/shorts/DemoShort01", _youtube),
    "youtube, a playlist": Example(
        "https://www.youtube.com/playlist?list=PLdemo0001", _youtube_list, is_list=True
    ),
    "facebook": Example(
        "https://www.facebook.com/reel/7300000001",
        lambda web: _facebook(web, "7300000001", web.samples.video(VideoSpec())),
    ),
    "facebook, a post": Example(
        "https://www.facebook.com/ferry.demo/posts/7300000002",
        lambda web: _facebook(
            web,
            "ferry.demo/posts/7300000002",
            *(web.samples.picture(400, 500, "q"), web.samples.video(VideoSpec())),
        ),
    ),
    "facebook, a photo": Example(
        "https://www.facebook.com/photo/?fbid=7300000031",
        lambda web: _facebook(web, "photo/7300000031", web.samples.picture(400, 500, "q")),
    ),
    "facebook, an album": Example(
        "https://www.facebook.com/media/set/?set=a.7300000030", _facebook_album, is_list=True
    ),
    "snapchat": Example("https://www.snapchat.com/spotlight/W7_demo01", _stored),
    "twitch": Example("https://clips.twitch.tv/DemoFerryClip-abc", _stored),
    "bilibili": Example("https://www.bilibili.com/video/BV1demo00001", _bilibili),
    "streamable": Example("https://streamable.com/demo01", _stored),
}


def _snapchat() -> str:
    video = {
        "name": "A crossing",
        "contentUrl": "https://cf-st.sc-cdn.net/d/a.mp4",
        "width": 576,
        "height": 1024,
        "durationMs": "3000",
        "creator": {"personCreator": {"username": "ferry"}},
    }
    story = {"story": {"storyId": {"value": "W7_demo01"}}, "metadata": {"videoMetadata": video}}
    props = {"pageProps": {"spotlightFeed": {"spotlightStories": [story]}}}
    data = json.dumps({"props": props})
    return f'<script id="__NEXT_DATA__" type="application/json">{data}</script>'


def _twitch() -> str:
    quality = {"sourceURL": "https://production.assets.clips.twitchcdn.net/a.mp4", "quality": "720"}
    clip = {
        "id": "73",
        "title": "A crossing",
        "durationSeconds": 3,
        "curator": {"displayName": "Ferry", "id": "7"},
        "broadcaster": {"displayName": "Ferry", "id": "7", "followers": {"totalCount": 7}},
        "playbackAccessToken": {"signature": "a", "value": "{}"},
        "assets": [{"aspectRatio": 1.7, "videoQualities": [quality, quality]}],
    }
    return json.dumps([{"data": {"clip": clip}}])


def _streamable() -> str:
    file = {"url": "https://cdn.streamable.com/a.mp4", "width": 576, "height": 1024, "size": 1_000}
    return json.dumps({"status": 2, "title": "A crossing", "files": {"mp4": file}})


#: Made-up answers of the sites that are not simulated, by the beginning of host and path.
STORED: Final = {
    "www.snapchat.com/": _snapchat(),
    "gql.twitch.tv/": _twitch(),
    "ajax.streamable.com/": _streamable(),
}


class StoredSites:
    """Sites that give stored answers to every request."""

    def serves(self, host: str) -> bool:
        """Return True if there are answers of the host."""
        return any(key.startswith(f"{host}/") for key in STORED)

    async def answer(self, request: http.Request, _proxy_name: str) -> http.Response:
        """Return the stored answer."""
        address = f"{request.host}{request.path}"
        text = next((text for key, text in STORED.items() if address.startswith(key)), "")
        return http.Response(text=text, status=200 if text else 404)


def test_every_site_has_an_example():
    read = {name.partition(",")[0] for name in EXAMPLES}
    # See `test_mutated_documents` for cobalt's answers.
    by_cobalt = {name for name, site in REGISTRY.by_name.items() if site.needs_cobalt}
    assert read | by_cobalt == set(REGISTRY.by_name)
    assert not read & by_cobalt


@pytest.mark.parametrize("name", EXAMPLES)
async def test_a_changed_answer_is_a_post_or_an_error_of_ours(
    name: str, web: Web, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "/nowhere")  # no runtime for YouTube's scripts
    example = EXAMPLES[name]
    example.add(web)
    site = MutatedSite(Sites(*web.sites().members, StoredSites()))
    proxy = await web.add_proxy(site, name="exit-2")
    exits = [Proxy("exit-2", proxy.address())]
    policy: dict[str, Any] = {"attempts": 0 if example.cookies else 1}
    async with web.fetcher(exits, example.cookies, **policy) as fetcher:
        assert await use(web, fetcher, example, saves=False)
    policy |= {"budget_s": 5, "stall_s": 2, "failure_threshold": 10_000}
    async with web.fetcher(exits, example.cookies, **policy) as fetcher:
        for seed in SEEDS:
            site.rng = random.Random(f"{name} {seed}")
            try:
                async with asyncio.timeout(20):
                    await use(web, fetcher, example, saves=True)
            except ClipferryError:
                continue
    platform = REGISTRY[name.partition(",")[0]]
    linked = LINKED_HOSTS.domains if platform.name == "reddit" else ()
    allowed = HostRule(platform.page_hosts.domains + platform.media_hosts.domains + linked)
    assert {host for host in web.asked_hosts() if not allowed.allows(f"https://{host}/")} == set()


async def use(web: Web, fetcher: Fetcher, example: Example, *, saves: bool) -> object:
    """Read a post and save its first files, or read a list."""
    if example.is_list:
        listed = fetcher.registry.find_list(example.url)
        assert listed
        return await fetcher.read_list(listed, 25)
    link = fetcher.registry.find(example.url)
    assert link

    async def work(attempt: Attempt) -> Post:
        post = await attempt.read()
        if not saves:
            return post
        versions = [FileVersion(urls, 5_000_000) for item in post.items[:3] for urls in _urls(item)]
        wanted = [FileRequest((version,), str(n)) for n, version in enumerate(versions)]
        async with web.spool().workspace() as space:
            await attempt.save(post, wanted, space)
        return post

    return await fetcher.attempt(link, work)


def _urls(item: Item) -> list[tuple[str, ...]]:
    if isinstance(item, Unreadable):
        return []
    if isinstance(item, LivePhoto):
        return _urls(item.picture) + _urls(item.clip)
    if isinstance(item, Clip):
        return [item.renditions[0].urls, *([item.cover_urls] if item.cover_urls else [])]
    return [item.urls]
