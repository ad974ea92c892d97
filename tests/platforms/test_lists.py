"""Lists of posts through the real yt-dlp, against the simulated sites."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from aiohttp import web as http

from core.errors import (
    ClipferryError,
    EmptyListError,
    ListFoundError,
    MediaDeletedError,
    MediaPrivateError,
    NotFoundError,
    PlatformRefusedError,
    PlatformUnreachableError,
)
from core.lists import Listing
from core.media import Link
from platforms import load_registry
from simulator.sites.music_lists import SampleList
from simulator.sites.tiktok import SampleProfile
from simulator.sites.youtube_lists import YouTubeList
from tests.sites import Web

PROFILE = "https://www.tiktok.com/@ferry.demo"
COLLECTION = f"{PROFILE}/collection/Best-of-7371330159376370462"
PLAYLIST = "https://www.youtube.com/playlist?list=PLdemo0001"
SET = "https://soundcloud.com/ferry-demo/sets/crossings"
SET_BY_NUMBER = "https://api.soundcloud.com/playlists/7300000009"
PRIVATE_SET_BY_NUMBER = f"{SET_BY_NUMBER}?secret_token=s-Demo01"
PLAYER = "https://w.soundcloud.com/player/?url=https%3A%2F%2F"
TRACKS = "https://soundcloud.com/ferry-demo/tracks"
ALBUM = "https://ferry-demo.bandcamp.com/album/crossings"
SHOWS = "https://www.mixcloud.com/ferry-demo/playlists/crossings/"
UPLOADS = "https://www.mixcloud.com/ferry-demo/uploads/"
VIDEOS = "https://www.dailymotion.com/playlist/x9demo"
CHANNEL = "https://www.dailymotion.com/ferry.demo"
BOARD = "https://www.pinterest.com/ferry_demo/boats/"
REDDIT_USER = "https://www.reddit.com/user/ferry_demo/submitted"
COMMUNITY = "https://www.reddit.com/r/ferries/new"
BLUESKY = "https://bsky.app/profile/ferry.example"
FACEBOOK_ALBUM = "https://www.facebook.com/media/set/?set=a.73"
RUTUBE = "https://rutube.ru/channel/73/"
RUTUBE_SHORTS = "https://rutube.ru/channel/73/shorts/"
RUTUBE_USER = "https://rutube.ru/u/ferry/"
RUTUBE_PLAYLIST = "https://rutube.ru/plst/73/"
RUTUBE_SERIES = "https://rutube.ru/metainfo/tv/73/"
REGISTRY = load_registry()

#: URLs, and the URLs of the lists that they show; None for pages whose posts cannot be listed.
FORMS = {
    PROFILE: PROFILE,
    "https://www.tiktok.com/@ferry.demo?lang=en&_t=8": PROFILE,
    "https://m.tiktok.com/@ferry.demo/": PROFILE,
    COLLECTION: COLLECTION,
    f"{COLLECTION}?lang=en": COLLECTION,
    f"{PROFILE}/playlist/Crossings-7371330159376370463": (
        f"{PROFILE}/playlist/Crossings-7371330159376370463"
    ),
    f"{PROFILE}/live": None,
    "https://www.tiktok.com/tag/ferry": None,
    "https://www.tiktok.com/music/bell-7100": None,
    "https://www.tiktok.example/@ferry.demo": None,
    PLAYLIST: PLAYLIST,
    "https://m.youtube.com/playlist?app=desktop&list=PLdemo0001&index=2": PLAYLIST,
    "https://music.youtube.com/playlist?list=OLAK5uy_demo": (
        "https://www.youtube.com/playlist?list=OLAK5uy_demo"
    ),
    "https://www.youtube.com/embed/videoseries?list=PLdemo0001": PLAYLIST,
    "https://www.youtube.com/watch?list=PLdemo0001": PLAYLIST,
    "https://youtu.be/playlist?list=PLdemo0001&si=x": PLAYLIST,
    "https://www.youtube.com/playlist?list=WL": None,
    "https://www.youtube.com/watch?list=RDdemo": None,
    "https://www.youtube.com/@ferry": "https://www.youtube.com/@ferry/videos",
    "https://www.youtube.com/@ferry/featured": "https://www.youtube.com/@ferry/videos",
    "https://www.youtube.com/@ferry/shorts": "https://www.youtube.com/@ferry/shorts",
    "https://www.youtube.com/channel/UCdemo/videos": "https://www.youtube.com/channel/UCdemo/videos",
    "https://www.youtube.com/@ferry/streams": "https://www.youtube.com/@ferry/streams",
    "https://www.youtube.com/@ferry/live": None,
    "https://www.youtube.com/@ferry/playlists": None,
    "https://www.youtube.com/hashtag/ferry": None,
    "https://www.instagram.com/ferry.demo/": None,
    SET: SET,
    f"https://m.soundcloud.com/{SET.partition('com/')[2]}?si=1&utm_source=x": SET,
    f"{SET}/s-Demo01": f"{SET}/s-Demo01",
    "https://api-v2.soundcloud.com/playlists/7300000009?x=1": SET_BY_NUMBER,
    f"{SET}/s-Demo01/?si=1": f"{SET}/s-Demo01",
    f"{SET}?secret_token=s-Demo01": f"{SET}/s-Demo01",
    f"{SET}/?si=1&secret_token=s-Demo01&x=1": f"{SET}/s-Demo01",
    SET_BY_NUMBER: SET_BY_NUMBER,
    f"{SET_BY_NUMBER}/": SET_BY_NUMBER,
    f"{SET_BY_NUMBER}?secret_token=s-Demo01": PRIVATE_SET_BY_NUMBER,
    f"{SET_BY_NUMBER}/?secret_token=s-Demo01": PRIVATE_SET_BY_NUMBER,
    f"{SET_BY_NUMBER}?client_id=x&secret_token=s-Demo01&y=1": PRIVATE_SET_BY_NUMBER,
    "https://api.soundcloud.com/playlists/soundcloud:playlists:7300000009"
    "?secret_token=s-Demo01": PRIVATE_SET_BY_NUMBER,
    "https://api.soundcloud.com/playlists/soundcloud%3Aplaylists%3A7300000009": SET_BY_NUMBER,
    f"{PLAYER}api.soundcloud.com%2Fplaylists%2F7300000009&color=x": SET_BY_NUMBER,
    f"{PLAYER}api.soundcloud.com%2Fplaylists%2F7300000009%3Fsecret_token%3Ds-Demo01": (
        PRIVATE_SET_BY_NUMBER
    ),
    f"{PLAYER}api.soundcloud.com%2Fplaylists%2F7300000009&x=1&secret_token=s-Demo01": (
        PRIVATE_SET_BY_NUMBER
    ),
    f"{PLAYER}evil.example%2Fplaylists%2F7300000009": None,
    f"{PLAYER}soundcloud.com%2Fferry-demo%2Fharbour-bell": None,
    "https://soundcloud.com/ferry-demo": TRACKS,
    "https://soundcloud.com/ferry-demo/tracks/": TRACKS,
    "https://soundcloud.com/ferry-demo/likes": None,
    "https://soundcloud.com/ferry-demo/sets": None,
    "https://soundcloud.com/discover": None,
    "https://soundcloud.com/discover/sets/charts-top:all-music": None,
    "https://soundcloud.com/charts/sets/top": None,
    ALBUM: ALBUM,
    f"{ALBUM}/?from=x#y": ALBUM,
    "https://ferry-demo.bandcamp.com/music": None,
    "https://daily.bandcamp.com/album/crossings": None,
    SHOWS: SHOWS,
    "https://beta.mixcloud.com/ferry-demo/playlists/crossings": SHOWS,
    "https://www.mixcloud.com/ferry-demo": UPLOADS,
    UPLOADS: UPLOADS,
    "https://www.mixcloud.com/ferry-demo/favorites/": None,
    "https://www.mixcloud.com/ferry%22demo/": None,
    "https://www.mixcloud.com/discover/": None,
    "https://www.dailymotion.com/playlist/x9demo": VIDEOS,
    "https://www.dailymotion.com/embed/playlist/x9demo?autoplay=1": VIDEOS,
    "https://geo.dailymotion.com/player/xabc.html?playlist=x9demo": VIDEOS,
    "https://www.dailymotion.com/ferry.demo": CHANNEL,
    "https://www.dailymotion.com/user/ferry.demo": CHANNEL,
    "https://www.dailymotion.com/ferry.demo/videos": CHANNEL,
    "https://www.dailymotion.com/search/ferry/videos": None,
    "https://www.dailymotion.com/user": None,
    "https://www.dailymotion.com/library": None,
    "https://vimeo.com/album/7300001": None,
    FACEBOOK_ALBUM: FACEBOOK_ALBUM,
    "https://m.facebook.com/media/set?vanity=ferry&set=a.73&type=3": FACEBOOK_ALBUM,
    "https://www.facebook.com/media/set/?set=a.73.74.75&type=1": f"{FACEBOOK_ALBUM}.74.75",
    "https://www.facebook.com/media/set/?set=a.73x": None,
    "https://www.facebook.com/media/set/?set=pcb.73": None,
    "https://www.facebook.com/media/set/?x=set=a.73": None,
    "https://www.facebook.com/ferry/photos": None,
    REDDIT_USER: REDDIT_USER,
    "https://www.reddit.com/user/ferry_demo": REDDIT_USER,
    "https://old.reddit.com/u/ferry_demo/?utm_source=share": REDDIT_USER,
    "https://www.reddit.com/user/ferry_demo/comments": None,
    "https://www.reddit.com/user/ferry_demo/m/boats": None,
    COMMUNITY: COMMUNITY,
    "https://www.reddit.com/r/ferries": COMMUNITY,
    "https://rxddit.com/r/ferries/": COMMUNITY,
    "https://www.reddit.com/r/ferries/top/?t=all": None,
    "https://www.reddit.com/r/all/": None,
    "https://www.reddit.com/r/ferries/search?q=x": None,
    BOARD: BOARD,
    "https://www.pinterest.com/ferry_demo/boats": BOARD,
    "https://de.pinterest.com/ferry_demo/boats/?invite_code=x&sender=1": BOARD,
    "https://www.pinterest.co.uk/ferry_demo/boats/": BOARD,
    "https://www.pinterest.com/ferry_demo/f%C3%A4hren/": (
        "https://www.pinterest.com/ferry_demo/f%C3%A4hren/"
    ),
    "https://www.pinterest.com/ferry_demo/": None,
    "https://www.pinterest.com/ferry_demo/_saved/": None,
    "https://www.pinterest.com/ferry_demo/pins/": None,
    "https://www.pinterest.com/ferry_demo/boats/ferries/": None,
    "https://www.pinterest.com/search/pins/?q=ferry": None,
    "https://www.pinterest.com/ideas/boats/73/": None,
    "https://www.pinterest.com/pin/x/": None,
    "https://www.pinterest.com/pin-lover/pins-of-boats/": (
        "https://www.pinterest.com/pin-lover/pins-of-boats/"
    ),
    RUTUBE: RUTUBE,
    "https://rutube.ru/channel/73?r=wd": RUTUBE,
    "https://rutube.ru/video/person/73/": RUTUBE,
    RUTUBE_SHORTS: RUTUBE_SHORTS,
    RUTUBE_USER: RUTUBE_USER,
    "https://rutube.ru/u/ferry/videos": "https://rutube.ru/u/ferry/videos/",
    RUTUBE_PLAYLIST: RUTUBE_PLAYLIST,
    "https://rutube.ru/channel/73/playlists/": None,
    RUTUBE_SERIES: RUTUBE_SERIES,
    "https://rutube.ru/metainfo/tv/73/video": RUTUBE_SERIES,
    BLUESKY: BLUESKY,
    f"{BLUESKY}/?ref=x": BLUESKY,
    "https://main.bsky.dev/profile/ferry.example": BLUESKY,
    "https://fxbsky.app/profile/ferry.example": BLUESKY,
    "https://bsky.app/profile/did:plc:demo01": "https://bsky.app/profile/did:plc:demo01",
    f"{BLUESKY}/feed/boats": None,
    f"{BLUESKY}/lists/3kx": None,
    f"{BLUESKY}/followers": None,
}


def ids(listing: Listing) -> list[str]:
    return [entry.post_id for entry in listing.entries]


async def read(web: Web, url: str, most: int = 50, **policy) -> Listing:
    async with web.fetcher(**policy) as fetcher:
        link = fetcher.registry.find_list(url)
        assert link is not None
        return await fetcher.read_list(link, most)


def posts(number: int) -> list[str]:
    return [f"73000000000000003{place:02}" for place in range(number)]


@pytest.mark.parametrize("url", FORMS)
def test_lists_are_recognised(url: str):
    found = REGISTRY.find_list(f"look: {url}, nice?")
    assert (found and found.url) == FORMS[url]
    # What is read again from the database is the same list.
    assert found is None or REGISTRY.find_list(found.url) == found


def test_a_mirror_of_the_site_and_a_hidden_link_count():
    assert REGISTRY.find_list("vxtiktok.com/@ferry.demo", []) == REGISTRY.find_list(PROFILE)
    assert REGISTRY.find_list("here", ["www.tiktok.com/@ferry.demo"]) == REGISTRY.find_list(PROFILE)


#: Short links, and the lists to which they lead.
SHORT_LINKS = {
    "https://vm.tiktok.com/ZMlist": PROFILE,
    "https://on.soundcloud.com/Demo02": f"{SET}/s-Demo01",
    "https://www.facebook.com/share/Album01": FACEBOOK_ALBUM,
    "https://pin.it/board01": BOARD,
    "https://www.reddit.com/u/ferry_demo/s/Demo02": "https://www.reddit.com/user/ferry_demo/",
}


@pytest.mark.parametrize("url", SHORT_LINKS)
async def test_a_short_link_to_a_list_says_which(web: Web, url: str):
    target = SHORT_LINKS[url]
    web.site.short_links["ZMlist"] = f"{target}?_r=1"
    web.music.short_links["Demo02"] = target.partition("com/")[2]
    web.facebook.shared_links["share/Album01"] = web.reddit.shared["Demo02"] = target
    web.pinterest.short_links["board01"] = target
    link = REGISTRY.find(url)
    assert link is not None
    async with web.fetcher(attempts=1) as fetcher:
        with pytest.raises(ListFoundError) as raised:
            await fetcher.resolve(link)
    assert raised.value.link == REGISTRY.find_list(target)


async def test_a_profile_lists_its_posts(web: Web):
    web.site.profiles["ferry.demo"] = SampleProfile("ferry.demo", posts(32))
    listing = await read(web, PROFILE)
    assert ids(listing) == posts(32)
    assert (listing.title, listing.total, listing.has_more) == ("ferry.demo", 32, False)
    assert listing.is_by_date
    first, second, *_ = listing.entries
    assert (first.title, first.posted_at) == ("Crossing 0", 1_760_000_000)
    assert second.posted_at == first.posted_at - 86_400


async def test_no_more_of_a_profile_is_read_than_is_offered(web: Web):
    web.site.profiles["ferry.demo"] = SampleProfile("ferry.demo", posts(90))
    listing = await read(web, PROFILE, most=20)
    assert (ids(listing), listing.total, listing.has_more) == (posts(20), 90, True)
    assert len([asked for asked in web.log if "item_list" in asked.path]) == 2


async def test_a_site_that_fails_in_the_middle_has_said_what_comes_first(web: Web):
    web.site.profiles["ferry.demo"] = SampleProfile("ferry.demo", posts(40), pages=1)
    listing = await read(web, PROFILE)
    assert (ids(listing), listing.total, listing.has_more) == (posts(15), 40, True)


@pytest.mark.parametrize("kind", ["collection", "playlist"])
async def test_a_collection_lists_its_posts(web: Web, kind: str):
    web.site.collections["7371330159376370462"] = posts(45)
    listing = await read(web, COLLECTION.replace("collection", kind))
    assert ids(listing) == posts(45)
    assert not listing.is_by_date
    assert "Best-of" in listing.title


PROFILES: dict[str, tuple[SampleProfile | None, type[ClipferryError]]] = {
    "gone": (None, MediaDeletedError),
    "private": (SampleProfile("ferry.demo", status=10222), MediaPrivateError),
    "empty": (SampleProfile("ferry.demo"), EmptyListError),
    "refused": (SampleProfile("ferry.demo", posts(2), status=10101), PlatformRefusedError),
}


@pytest.mark.parametrize("name", PROFILES)
async def test_a_profile_that_cannot_be_listed_says_why(web: Web, name: str):
    profile, error = PROFILES[name]
    if profile:
        web.site.profiles["ferry.demo"] = profile
    with pytest.raises(error):
        await read(web, PROFILE, attempts=1)


async def test_an_empty_collection_is_empty(web: Web):
    with pytest.raises(EmptyListError):
        await read(web, COLLECTION)


async def test_lists_have_a_circuit_breaker_of_their_own(web: Web):
    web.site.refused_proxies.add("exit-1")
    async with web.fetcher(attempts=1, failure_threshold=1) as fetcher:
        link = fetcher.registry.find_list(PROFILE)
        assert link is not None
        with pytest.raises(PlatformRefusedError):
            await fetcher.read_list(link, 5)
        assert fetcher.open_routes() == ["tiktok/page lists by exit-1"]


async def test_the_account_reads_a_list_that_is_hidden_from_strangers(web: Web):
    web.site.profiles["ferry.demo"] = SampleProfile("ferry.demo", status=10222)
    cookies = "# Netscape HTTP Cookie File\n.tiktok.com\tTRUE\t/\tTRUE\t0\tsid_tt\tdemo\n"
    with pytest.raises(MediaPrivateError):
        await read(web, PROFILE, attempts=1, cookies=cookies)
    pages = [asked for asked in web.log if asked.path == "/@ferry.demo"]
    assert len(pages) == 2  # signed out, then signed in; cobalt is not asked


async def test_a_playlist_of_youtube_lists_its_videos(web: Web):
    videos = [f"DemoVideo{number:02}" for number in range(45)]
    web.youtube.lists.by_key["PLdemo0001"] = YouTubeList("Crossings", videos)
    listing = await read(web, PLAYLIST)
    assert ids(listing) == videos
    assert (listing.title, listing.total, listing.is_by_date) == ("Crossings", 45, False)
    assert (listing.entries[1].title, listing.entries[1].duration_s) == ("Crossing 2", 61)


async def test_a_long_playlist_of_youtube_says_how_long_it_is(web: Web):
    videos = [f"DemoVideo{number:02}" for number in range(45)]
    web.youtube.lists.by_key["PLdemo0001"] = YouTubeList("Crossings", videos)
    listing = await read(web, PLAYLIST, most=30)
    assert (ids(listing), listing.total, listing.has_more) == (videos[:30], 45, True)


async def test_a_playlist_of_which_only_the_first_page_is_served_has_its_first_videos(web: Web):
    videos = [f"DemoVideo{number:02}" for number in range(45)]
    web.youtube.lists.by_key["PLdemo0001"] = YouTubeList("Crossings", videos)
    web.youtube.lists.is_cut_off = True
    listing = await read(web, PLAYLIST)
    assert (ids(listing), listing.has_more) == (videos[:20], True)


async def test_a_channel_lists_its_videos_and_what_its_other_tabs_have(web: Web):
    for tab in ("videos", "shorts", "streams"):
        web.youtube.lists.by_key[f"@ferry/{tab}"] = YouTubeList("Ferry", [f"Demo{tab:_<7}"])
    listing = await read(web, "https://www.youtube.com/@ferry")
    assert (ids(listing), listing.is_by_date) == (["Demovideos_"], True)
    assert ids(await read(web, "https://www.youtube.com/@ferry/shorts")) == ["Demoshorts_"]
    assert ids(await read(web, "https://www.youtube.com/@ferry/streams")) == ["Demostreams"]


async def test_a_playlist_or_channel_of_youtube_that_is_gone_is_not_found(web: Web):
    with pytest.raises(NotFoundError):
        await read(web, PLAYLIST, attempts=1)
    with pytest.raises(NotFoundError):
        await read(web, "https://www.youtube.com/@nobody", attempts=1)


async def test_youtube_that_is_down_is_no_empty_list(web: Web):
    web.youtube.status = 503
    with pytest.raises(PlatformUnreachableError):
        await read(web, PLAYLIST, attempts=1)


TRACK_IDS = [f"ferry-demo/bell-{number}" for number in range(1, 31)]
RUTUBE_IDS = [f"{number:032x}" for number in range(1, 31)]
VIDEO_IDS = [f"x9demo{number}" for number in range(1, 31)]
AT = 1_760_000_000


_RUTUBE_KEYS = {
    **dict.fromkeys((RUTUBE, RUTUBE_USER), "person/73"),
    RUTUBE_SHORTS: "person/73/rshorts",
    RUTUBE_PLAYLIST: "custom/73",
    RUTUBE_SERIES: "tv/73",
}


def add(web: Web, url: str, found: SampleList) -> None:
    key = url.partition("://")[2].removeprefix("www.").rstrip("/")
    web.music.lists.by_key[key] = found
    web.videos.lists.by_key[key.rpartition("/")[2]] = found
    web.videos.rutube_lists.by_key[_RUTUBE_KEYS.get(url, "")] = found


@pytest.mark.parametrize(
    ("url", "posts", "is_by_date", "first"),
    [
        (SET, TRACK_IDS[:5], False, ("Bell 1", 3, 0)),
        (SET_BY_NUMBER, TRACK_IDS[:5], False, ("Bell 1", 3, 0)),
        (TRACKS, TRACK_IDS, True, ("Bell 1", 0, 0)),
        (ALBUM, [f"ferry-demo/bell-{n}" for n in range(1, 9)], False, ("Bell 1", 0, 0)),
        (SHOWS, TRACK_IDS, False, ("Crossing 1", 3_600, AT)),
        (UPLOADS, TRACK_IDS, False, ("Crossing 1", 3_600, AT)),
        (VIDEOS, VIDEO_IDS, False, ("Crossing 1", 61, AT)),
        (CHANNEL, VIDEO_IDS, True, ("Crossing 1", 61, AT)),
        (RUTUBE, RUTUBE_IDS, True, ("Crossing 1", 61, AT)),
        (RUTUBE_SHORTS, RUTUBE_IDS, True, ("Crossing 1", 61, AT)),
        (RUTUBE_USER, RUTUBE_IDS, True, ("Crossing 1", 61, AT)),
        (RUTUBE_PLAYLIST, RUTUBE_IDS, False, ("Crossing 1", 61, AT)),
        (RUTUBE_SERIES, RUTUBE_IDS, False, ("Crossing 1", 61, AT)),
    ],
)
async def test_lists_of_music_and_videos_have_titles(
    web: Web, url: str, posts: list[str], is_by_date: bool, first: tuple[str, int, int]
):
    names = [post.rpartition("/")[2] for post in posts] if url == ALBUM else posts
    add(web, url, SampleList("Crossings", names))
    listing = await read(web, url)
    assert (ids(listing), listing.total, listing.has_more) == (posts, len(posts), False)
    # The title of a profile's list is the profile.
    assert listing.title in {"Crossings", "ferry-demo (Tracks)"}
    assert listing.is_by_date == is_by_date
    entry = listing.entries[0]
    assert (entry.title, entry.duration_s, entry.posted_at) == first


async def test_no_more_of_a_channel_on_rutube_is_read_than_its_first_pages(web: Web):
    add(web, RUTUBE, SampleList("Crossings", [f"{number:032x}" for number in range(90)]))
    listing = await read(web, RUTUBE, most=25)
    assert (len(listing.entries), listing.has_more) == (25, True)
    assert len(web.log) == 2


async def test_a_channel_on_rutube_without_videos_is_empty(web: Web):
    add(web, RUTUBE, SampleList("Crossings", []))
    with pytest.raises(EmptyListError):
        await read(web, RUTUBE)


@pytest.mark.parametrize("url", [TRACKS, SHOWS, CHANNEL])
async def test_no_more_of_a_list_is_read_than_its_first_pages(web: Web, url: str):
    posts = [f"x9demo{number}" if url == CHANNEL else f"a/{number}" for number in range(90)]
    add(web, url, SampleList("Crossings", posts))
    listing = await read(web, url, most=25)
    assert (len(listing.entries), listing.has_more) == (25, True)
    paths = [f"{one.host}{one.path.partition('?')[0]}" for one in web.log]
    assert (
        sum(
            path.endswith(("/users/73/tracks", "/graphql", "api.dailymotion.com/"))
            for path in paths
        )
        == 2
    )


async def test_a_second_page_of_mixcloud_that_is_refused_leaves_the_first(
    web: Web, monkeypatch: pytest.MonkeyPatch
):
    posts = [f"ferry-demo/crossing-{number}" for number in range(90)]
    add(web, SHOWS, SampleList("Crossings", posts))
    answer = type(web.music.lists).mixcloud

    def refuse(lists: Any, query: str) -> Any:
        refusal = http.json_response({"data": None, "errors": [{"message": "Slow down"}]})
        return refusal if "after:" in query else answer(lists, query)

    monkeypatch.setattr(type(web.music.lists), "mixcloud", refuse)
    listing = await read(web, SHOWS, most=80)
    assert listing.entries
    assert len(listing.entries) < 80
    assert listing.has_more


@pytest.mark.parametrize("is_refused", [False, True])
async def test_tracks_that_a_set_does_not_name_are_asked_for(web: Web, is_refused: bool):
    add(web, SET, SampleList("Crossings", TRACK_IDS[:8]))
    web.music.lists.hides_titles = is_refused
    listing = await read(web, SET)
    assert ids(listing) == [*TRACK_IDS[:5], "tracks/6", "tracks/7", "tracks/8"]
    titles = [entry.title for entry in listing.entries[4:]]
    assert titles == ["Bell 5", *([""] * 3 if is_refused else ["Bell 6", "Bell 7", "Bell 8"])]


@pytest.mark.parametrize(
    "url", [f"{SET}?secret_token=s-Demo01", f"{SET_BY_NUMBER}/?a=1&secret_token=s-Demo01"]
)
async def test_a_private_set_is_asked_for_with_its_key(web: Web, url: str):
    add(web, f"{SET}/s-Demo01", SampleList("Crossings", TRACK_IDS[:2]))
    add(web, PRIVATE_SET_BY_NUMBER, SampleList("Crossings", TRACK_IDS[:2]))
    assert ids(await read(web, url)) == TRACK_IDS[:2]


@pytest.mark.parametrize("is_refused", [False, True])
async def test_the_tracks_of_a_private_set_keep_its_key(web: Web, is_refused: bool):
    add(web, f"{SET}/s-Demo01", SampleList("Crossings", TRACK_IDS[:8]))
    web.music.lists.hides_titles = is_refused
    listing = await read(web, f"{SET}/s-Demo01")
    assert ids(listing) == [*TRACK_IDS[:5], *(f"tracks/{n}/s-Demo01" for n in (6, 7, 8))]
    link = REGISTRY["soundcloud"].link_to(listing.entries[-1].post_id)
    assert link == "https://api.soundcloud.com/tracks/8?secret_token=s-Demo01"


GONE = [SET, SET_BY_NUMBER, TRACKS, ALBUM, SHOWS, UPLOADS, VIDEOS, CHANNEL]


@pytest.mark.parametrize("url", [*GONE, RUTUBE, RUTUBE_USER, RUTUBE_PLAYLIST, RUTUBE_SERIES])
async def test_a_list_of_music_or_videos_that_is_gone_is_not_found(web: Web, url: str):
    with pytest.raises(NotFoundError):
        await read(web, url, attempts=1)


async def test_an_old_key_of_soundclouds_client_is_replaced(web: Web):
    add(web, SET, SampleList("Crossings", TRACK_IDS[:2]))
    async with web.fetcher(attempts=1) as fetcher:
        link = fetcher.registry.find_list(SET)
        assert link
        await fetcher.read_list(link, 5)
        web.music.client_id = "another0client0another0client000"
        assert len((await fetcher.read_list(link, 5)).entries) == 2


def test_a_list_belongs_to_its_site_only():
    tiktok, youtube = REGISTRY["tiktok"].lists, REGISTRY["youtube"].lists
    assert tiktok
    assert youtube
    assert tiktok.find(urlsplit(PLAYLIST)) is None
    assert youtube.find(urlsplit(PROFILE)) is None
    assert tiktok.find(urlsplit(PROFILE)) == Link("tiktok", PROFILE, "@ferry.demo")
