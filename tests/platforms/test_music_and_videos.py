"""Sites of music, and video sites that serve playlists, through yt-dlp's real extractors."""

from typing import Any
from unittest.mock import Mock

import pytest
from yt_dlp.extractor.bilibili import BilibiliBaseIE

from core.errors import (
    ClipferryError,
    DrmError,
    ListError,
    LiveError,
    LoginRequiredError,
    MediaPrivateError,
    NoMediaError,
    NotAvailableError,
    NotFoundError,
    PlatformChangedError,
    PlatformRateLimitedError,
    PlatformRefusedError,
    PlatformUnreachableError,
    PreviewError,
    RegionBlockedError,
    UnderReviewError,
)
from core.media import Access, Audio, Clip, Post
from platforms import FileRequest, FileVersion, load_registry
from platforms._reader_cache import ReaderCache
from platforms._ytdlp_tracks import read_track
from simulator.samples import VideoSpec
from simulator.sites.bilibili import BilibiliVideo
from simulator.sites.music import Track
from simulator.sites.videos import Clip as SiteClip
from tests.sites import Web

TRACKS = {
    "soundcloud/ferry-demo/harbour-bell": "https://soundcloud.com/ferry-demo/harbour-bell?in=x",
    "bandcamp/ferry-demo/harbour-bell": "https://ferry-demo.bandcamp.com/track/harbour-bell",
    "mixcloud/ferry-demo/harbour-bell": "https://www.mixcloud.com/ferry-demo/harbour-bell/",
}
SOUNDCLOUD = "soundcloud/ferry-demo/harbour-bell"
MIXCLOUD = "mixcloud/ferry-demo/harbour-bell"
HEX = "7300000000000000000000000000de01"
CLIPS = {
    "dailymotion/x9demo1": "https://www.dailymotion.com/video/x9demo1_a-crossing",
    f"rutube/{HEX}": f"https://rutube.ru/shorts/{HEX}/",
    "ok/7300000001": "https://ok.ru/video/7300000001",
    "vk/-730_1001": "https://vkvideo.ru/video-730_1001",
    f"loom/{HEX}": f"https://www.loom.com/share/{HEX}?sid=1",
}


def add_track(web: Web, key: str, **options) -> Track:
    cover = web.samples.picture(500, 500, "cover")
    track = Track(**{"path": web.samples.sound(), "cover": cover, **options})
    return web.music.tracks.setdefault(key, track)


def add_clip(web: Web, key: str, **options) -> SiteClip:
    is_list = key.startswith(("dailymotion", "rutube"))
    path = web.samples.video(VideoSpec(container="ts" if is_list else "mp4"))
    return web.videos.clips.setdefault(key, SiteClip(path, **options))


async def read(web: Web, url: str, attempts: int = 1) -> Post:
    async with web.fetcher(attempts=attempts) as fetcher:
        link = fetcher.registry.find(url)
        assert link
        return await fetcher.attempt(link, lambda attempt: attempt.read())


async def read_and_save(web: Web, url: str) -> tuple[Post, list[bytes]]:
    """Return a post, and the content of its first file and, for a track, of its cover."""
    async with web.fetcher(attempts=1) as fetcher:
        link = fetcher.registry.find(url)
        assert link

        async def work(attempt):
            post = await attempt.read()
            (item,) = post.items
            if isinstance(item, Audio):
                urls = [item.urls[:1], item.cover_urls]
            else:
                urls = [item.renditions[-1].urls]
            wanted = [
                FileRequest((FileVersion(one, 50_000_000),), str(n)) for n, one in enumerate(urls)
            ]
            async with web.spool().workspace() as space:
                files = await attempt.save(post, wanted, space)
                return post, [file.path.read_bytes() for file in files]

        return await fetcher.attempt(link, work)


@pytest.mark.parametrize("key", TRACKS)
async def test_a_track_is_audio_with_title_performer_and_cover(web: Web, key: str):
    track = add_track(web, key)
    post, (audio, cover) = await read_and_save(web, TRACKS[key])
    assert post.is_track
    assert post.audio == post.items[0]
    assert post.audio is not None
    about = (
        post.audio.title,
        post.audio.author,
        post.audio.duration_s,
        post.details.author,
        post.details.text,
    )
    assert about == ("Harbour bell", "Ferry Demo", 3, "Ferry Demo", "")
    assert audio == track.path.read_bytes()
    assert track.cover
    assert cover == track.cover.read_bytes()


async def test_a_track_in_segments_is_one_file(web: Web):
    path = web.samples.sound(encoder="aac", kind="mp4")
    add_track(web, SOUNDCLOUD, path=path, is_list=True)
    _, (audio, _) = await read_and_save(web, TRACKS[SOUNDCLOUD])
    assert audio == path.read_bytes()
    assert "playback.media-streaming.soundcloud.cloud" in web.asked_hosts()


async def test_private_and_short_links_lead_to_their_track(web: Web):
    add_track(web, f"{SOUNDCLOUD}/s-Demo01")
    web.music.short_links["Demo01"] = "ferry-demo/harbour-bell/s-Demo01?utm_source=x"
    post = await read(web, "https://on.soundcloud.com/Demo01")
    assert post.id == "ferry-demo/harbour-bell/s-Demo01"
    url = "https://soundcloud.com/ferry-demo/harbour-bell?secret_token=s-Demo01"
    assert (await read(web, url)).id == post.id
    url = "https://w.soundcloud.com/player/?url=https%3A//on.soundcloud.com/Demo01"
    assert (await read(web, url)).id == post.id


@pytest.mark.parametrize(
    "url",
    [
        "https://on.soundcloud.com/Demo01?secret_token=s-Demo01",
        "https://on.soundcloud.com/Demo01?si=x&secret_token=s-Demo01&a=1",
        "https://w.soundcloud.com/player/"
        "?url=https%3A//on.soundcloud.com/Demo01%3Fsecret_token%3Ds-Demo01&color=x",
        "https://w.soundcloud.com/player/"
        "?url=https%3A//on.soundcloud.com/Demo01&secret_token=s-Demo01",
    ],
)
@pytest.mark.parametrize("target", ["ferry-demo/harbour-bell", "ferry-demo/harbour-bell?si=x"])
async def test_the_key_of_a_short_link_opens_the_track_behind_it(web: Web, url: str, target: str):
    add_track(web, f"{SOUNDCLOUD}/s-Demo01")
    web.music.short_links["Demo01"] = target
    assert (await read(web, url)).id == "ferry-demo/harbour-bell/s-Demo01"


async def test_the_key_of_the_track_outweighs_that_of_its_short_link(web: Web):
    add_track(web, f"{SOUNDCLOUD}/s-Demo01")
    for n, end in enumerate(("/s-Demo01", "?secret_token=s-Demo01")):
        web.music.short_links[f"Demo{n}"] = f"ferry-demo/harbour-bell{end}"
        url = f"https://on.soundcloud.com/Demo{n}?secret_token=s-Other"
        assert (await read(web, url)).id == "ferry-demo/harbour-bell/s-Demo01"


@pytest.mark.parametrize(
    ("key", "refusal", "error"),
    [
        (SOUNDCLOUD, "drm", DrmError),
        (SOUNDCLOUD, "region", RegionBlockedError),
        (SOUNDCLOUD, "preview", PreviewError),
        (MIXCLOUD, "tracklist", RegionBlockedError),
        (MIXCLOUD, "repeat_play", PlatformRateLimitedError),
        (MIXCLOUD, "other", NotAvailableError),
    ],
)
async def test_refused_tracks_have_their_own_errors(
    web: Web, key: str, refusal: str, error: type[ClipferryError]
):
    add_track(web, key, refusal=refusal)
    with pytest.raises(error):
        await read(web, TRACKS[key])


@pytest.mark.parametrize("url", TRACKS.values())
async def test_a_track_that_is_gone_is_not_found(web: Web, url: str):
    with pytest.raises(NotFoundError):
        await read(web, url)


async def test_the_key_of_soundclouds_client_is_asked_for_once_until_it_changes(web: Web):
    add_track(web, SOUNDCLOUD)

    def pages() -> int:
        return sum(entry.host == "a-v2.sndcdn.com" for entry in web.log)

    async with web.fetcher(attempts=1) as fetcher:
        link = fetcher.registry.find(TRACKS[SOUNDCLOUD])
        assert link
        for client_id, expected in (("a" * 32, 1), ("a" * 32, 1), ("b" * 32, 2)):
            web.music.client_id = client_id
            await fetcher.attempt(link, lambda attempt: attempt.read())
            assert pages() == expected


TRACK = {"title": "Bell", "formats": []}
ABOUT = Post("soundcloud", "a/b", "https://soundcloud.com/a/b", Access("x"))


def audio(name: str, **options) -> dict[str, object]:
    return {"url": f"https://i.sndcdn.com/{name}", "vcodec": "none", **options}


@pytest.mark.parametrize(
    ("formats", "names"),
    [
        # What Telegram plays comes before what must be converted, then the better one.
        (
            [
                audio("opus", ext="opus", acodec="opus", abr=160),
                audio("wav", ext="wav"),
                audio("low", ext="mp3", acodec="mp3", abr=64),
                audio("high", ext="mp3", acodec="mp3", abr=128),
                audio("aac.m3u8", ext="m4a", acodec="mp4a.40.2", abr=160, protocol="m3u8_native"),
            ],
            ["aac.m3u8", "high", "low", "opus", "wav"],
        ),
        (
            [
                audio("lossless", acodec="flac", tbr=900),
                audio("signed.m3u8", protocol="m3u8", extra_param_to_segment_url="x"),
                audio("drm", acodec="mp3", has_drm=True),
                audio("mp3", acodec="mp3"),
                {"url": "http://i.sndcdn.com/insecure", "vcodec": "none"},
                {"url": "https://i.sndcdn.com/video.mp4"},
            ],
            ["mp3", "lossless"],
        ),
    ],
)
def test_the_files_of_a_track_are_in_order(formats: list[dict[str, object]], names: list[str]):
    post = read_track(TRACK | {"formats": formats}, ABOUT, ("uploader",))
    assert post.audio is not None
    assert [url.rpartition("/")[2] for url in post.audio.urls] == names


@pytest.mark.parametrize(
    ("info", "error"),
    [
        (TRACK, NoMediaError),
        (TRACK | {"formats": [{"url": "https://i.sndcdn.com/v.mp4"}]}, NoMediaError),
        (TRACK | {"formats": [audio("x", has_drm=True)]}, DrmError),
        ({"_type": "playlist", "entries": []}, ListError),
        (TRACK | {"is_live": True, "formats": [audio("x")]}, LiveError),
    ],
)
def test_what_is_no_single_track_is_refused(info, error: type[ClipferryError]):
    with pytest.raises(error):
        read_track(info, ABOUT, ("uploader",))


def test_artists_and_covers_of_a_track():
    covers = [{"url": f"https://i1.sndcdn.com/{n}", "width": n} for n in (100, 500, 300, 800)]
    info = TRACK | {"formats": [audio("x")], "thumbnails": covers, "artists": ["A", "", "B"]}
    post = read_track(info, ABOUT, ("artists", "uploader"))
    assert post.audio is not None
    assert (post.audio.author, post.audio.cover_urls) == ("A, B", ("https://i1.sndcdn.com/500",))
    small = info | {"thumbnails": covers[:1], "artists": [], "uploader": "C"}
    post = read_track(small, ABOUT, ("artists", "uploader"))
    assert post.audio is not None
    assert (post.audio.author, post.audio.cover_urls) == ("C", ("https://i1.sndcdn.com/100",))
    none = read_track(TRACK | {"formats": [audio("x")]}, ABOUT, ("uploader",)).audio
    assert none is not None
    assert (none.author, none.cover_urls) == ("", ())


@pytest.mark.parametrize("key", CLIPS)
async def test_a_video_is_read_and_saved(web: Web, key: str):
    clip = add_clip(web, key)
    post, (content,) = await read_and_save(web, CLIPS[key])
    (item,) = post.items
    assert isinstance(item, Clip)
    assert (item.duration_s, post.details.author) == (3, "Ferry Demo")
    assert content == clip.path.read_bytes()


@pytest.mark.parametrize("key", ["dailymotion/x9demo1", f"rutube/{HEX}"])
async def test_every_playlist_of_a_video_is_a_rendition(web: Web, key: str):
    add_clip(web, key)
    (item,) = (await read(web, CLIPS[key])).items
    assert isinstance(item, Clip)
    found = [(r.width, r.height, r.codec, r.bitrate > 0) for r in item.renditions]
    assert found == [(288, 512, "h264", True), (576, 1024, "h264", True)]


async def test_the_better_file_of_ok_has_the_better_quality(web: Web):
    add_clip(web, "ok/7300000001")
    (item,) = (await read(web, CLIPS["ok/7300000001"])).items
    assert isinstance(item, Clip)
    low, high = item.renditions
    assert low.quality < high.quality


@pytest.mark.parametrize(
    ("key", "options", "error"),
    [
        ("dailymotion/x9demo1", {"refusal": "DM007"}, RegionBlockedError),
        ("dailymotion/x9demo1", {"is_live": True}, LiveError),
        ("ok/7300000001", {"refusal": "This video is paid"}, LoginRequiredError),
        ("ok/7300000001", {"refusal": "The author of this video is blocked"}, NotFoundError),
        ("ok/7300000001", {"refusal": "Video has not been found"}, NotFoundError),
        ("ok/7300000001", {"refusal": "This is a private video"}, MediaPrivateError),
        ("vk/-730_1001", {"refusal": "3"}, LoginRequiredError),
    ],
)
async def test_refused_videos_have_their_own_errors(
    web: Web, key: str, options: dict[str, object], error: type[ClipferryError]
):
    add_clip(web, key, **options)
    with pytest.raises(error):
        await read(web, CLIPS[key])


@pytest.mark.parametrize("key", [key for key in CLIPS if not key.startswith("loom")])
async def test_a_video_that_is_gone_is_not_found(web: Web, key: str):
    with pytest.raises(NotFoundError):
        await read(web, CLIPS[key])


async def test_a_sites_token_is_not_kept_for_ever(web: Web):
    """yt-dlp keeps it in the class, where it expires after some hours."""
    add_clip(web, "dailymotion/x9demo1")
    for token in ("demo-1", "demo-2"):
        web.videos.token = token
        assert (await read(web, CLIPS["dailymotion/x9demo1"])).items


BILIBILI = "https://www.bilibili.com/video/BV1demo00001"


@pytest.fixture
def bilibili(web: Web, monkeypatch: pytest.MonkeyPatch) -> BilibiliVideo:
    """A video of two parts, and a reader that has no key of the site yet."""
    monkeypatch.setattr(BilibiliBaseIE, "_wbi_key_cache", {})
    sound = web.samples.sound(encoder="aac", kind="mp4")
    first, second = (
        web.samples.video(VideoSpec(seconds=seconds, has_sound=False)) for seconds in (3, 2)
    )
    video = BilibiliVideo(((first, sound), (second, sound)))
    web.videos.bilibili.videos["BV1demo00001"] = video
    web.videos.bilibili.short_links["Demo01"] = "BV1demo00001"
    return video


@pytest.mark.parametrize(
    ("url", "part"),
    [
        (BILIBILI, 0),
        (f"{BILIBILI}?p=2", 1),
        (f"{BILIBILI}?p=3", 0),  # as on the site: there are two
        ("https://player.bilibili.com/player.html?bvid=BV1demo00001&p=2", 1),
        ("https://b23.tv/Demo01", 0),
        ("https://bili2233.cn/Demo01", 0),
    ],
)
async def test_a_video_on_bilibili_is_one_part_with_its_sound(
    web: Web, bilibili: BilibiliVideo, url: str, part: int
):
    post, (picture,) = await read_and_save(web, url)
    (clip,) = post.items
    assert isinstance(clip, Clip)
    (rendition,) = clip.renditions
    assert picture == bilibili.parts[part][0].read_bytes()
    assert rendition.audio_urls == (f"{rendition.urls[0].rpartition('/')[0]}/sound",)
    assert (rendition.width, rendition.height, clip.duration_s) == (576, 1024, 3)
    assert (post.details.author, post.details.text) == ("Ferry Demo", "A crossing")
    assert (post.details.likes, post.details.views) == (12, 730)


async def test_bilibilis_keys_are_asked_for_again_when_they_have_changed(
    web: Web, bilibili: BilibiliVideo, monkeypatch: pytest.MonkeyPatch
):
    assert (await read(web, BILIBILI)).items
    web.videos.bilibili.keys = ("1" * 32, "2" * 32)
    with pytest.raises(PlatformRefusedError):  # signed with the former ones
        await read(web, BILIBILI)
    # What passes after half a minute.
    monkeypatch.setattr(BilibiliBaseIE, "_wbi_key_cache", {})
    assert (await read(web, BILIBILI)).items


@pytest.mark.parametrize(
    ("trouble", "status", "error"),
    [
        (-403, 200, LoginRequiredError),
        (-404, 200, NotAvailableError),
        (62002, 200, NotAvailableError),
        (62004, 200, UnderReviewError),
        (-1, 200, PlatformChangedError),
        (0, 412, PlatformUnreachableError),
    ],
)
async def test_a_video_that_bilibili_refuses_says_why(
    web: Web, bilibili: BilibiliVideo, trouble: int, status: int, error: type[ClipferryError]
):
    bilibili.trouble = trouble
    web.videos.bilibili.status = status
    with pytest.raises(error):
        await read(web, BILIBILI)


@pytest.mark.parametrize(
    ("refusal", "error"),
    [
        ({"code": 0, "data": {"v_voucher": "voucher_demo"}}, PlatformRefusedError),
        ({"code": -352, "message": "-352"}, PlatformRefusedError),
        ({"code": -412, "message": "request was banned"}, PlatformRefusedError),
        ({"code": -799, "message": "too often"}, PlatformRateLimitedError),
        ({"code": -10403, "message": "not in this region"}, RegionBlockedError),
        ({"code": -404, "message": "nothing here"}, NotAvailableError),
        ({"code": 62002, "message": "hidden"}, NotAvailableError),
        ({"code": 87008, "message": "for supporters"}, LoginRequiredError),
        ({"code": 0, "data": {}}, NoMediaError),
    ],
)
async def test_a_video_whose_files_bilibili_refuses_says_why(
    web: Web, bilibili: BilibiliVideo, refusal: dict[str, Any], error: type[ClipferryError]
):
    bilibili.refusal = refusal
    with pytest.raises(error):
        await read(web, BILIBILI)


async def test_another_exit_is_tried_if_bilibili_demands_a_captcha(
    web: Web, bilibili: BilibiliVideo
):
    bilibili.refusal = {"code": 0, "data": {"v_voucher": "voucher_demo"}}
    await web.add_proxy(name="exit-2")
    with pytest.raises(PlatformRefusedError):
        await read(web, BILIBILI, attempts=2)
    asked = [entry for entry in web.log if entry.path.startswith("/x/player/wbi/playurl")]
    assert len({entry.proxy for entry in asked}) == 2


async def test_the_preview_of_a_paid_video_is_not_the_video(web: Web, bilibili: BilibiliVideo):
    bilibili.is_preview = True
    with pytest.raises(PreviewError):
        await read(web, BILIBILI)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://b23.tv/BV1demo00001", "https://www.bilibili.com/video/BV1demo00001?p=1"),
        (
            "https://www.bilibili.com/video/BV1demo00001?p=2",
            "https://www.bilibili.com/video/BV1demo00001?p=2",
        ),
    ],
)
def test_one_part_of_a_video_on_bilibili_is_asked_for(url: str, asked: str):
    platform = load_registry()["bilibili"]
    reader, link = platform.recognise.__self__, platform.find(url)  # type: ignore[attr-defined]
    assert link
    assert link.post_id
    extractor = Mock(extract=Mock(return_value={}))
    reader.extract(extractor, platform.link_to(link.post_id))
    extractor.extract.assert_called_once_with(asked)
    assert reader.load_extractor().suitable(asked)


def test_readers_remember_short_and_young_values_only():
    now = 0.0
    cache = ReaderCache(lambda: now)
    cache.store("soundcloud", "client_id", {"a": [1]})
    cache.load("soundcloud", "client_id")["a"].append(2)
    assert cache.load("soundcloud", "client_id") == {"a": [1]}
    cache.store("youtube", "player", "x" * 2_001)
    assert cache.load("youtube", "player", default="none") == "none"
    now = 3_601.0
    assert cache.load("soundcloud", "client_id") is None
    for number in range(300):
        cache.store("s", str(number), number)
    kept = [n for n in range(300) if cache.load("s", str(n)) == n]
    assert kept == list(range(100, 300))
