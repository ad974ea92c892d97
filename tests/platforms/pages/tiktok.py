"""Detail objects of TikTok's posts."""

from typing import Any, Final

from core.errors import AgeRestrictedError, PlatformChangedError
from tests.platforms.pages import Page

CDN: Final = "https://v16-webapp-prime.tiktok.com"
IMAGES: Final = "https://p16-sign.tiktokcdn-us.com"


def detail(**item: Any) -> dict[str, Any]:
    return {"itemInfo": {"itemStruct": {"author": {"uniqueId": "ferry.demo"}, **item}}}


def slides(*images: Any) -> dict[str, Any]:
    return detail(imagePost={"images": list(images)}, video={"duration": 0, "playAddr": ""})


def image(name: str) -> dict[str, Any]:
    return {"imageURL": {"urlList": [f"{IMAGES}/{name}"]}}


def entry(
    name: str, codec: str = "h264", *, width: int = 576, size: int = 1_000, **values: Any
) -> dict[str, Any]:
    key = {"h264": "h264", "h265_hvc1": "bytevc1"}.get(codec, codec)
    return {
        "CodecType": codec,
        "PlayAddr": {
            "UrlList": [f"{CDN}/{name}", "https://www.tiktok.com/aweme/v1/play/?video_id=1"],
            "UrlKey": f"v09044g40000_{key}_540p_430000",
            "Width": width,
            "Height": width * 16 // 9,
            "DataSize": str(size),
        },
        **values,
    }


def video(*entries: dict[str, Any], **values: Any) -> dict[str, Any]:
    return detail(video={"width": 576, "height": 1024, "bitrateInfo": list(entries), **values})


PLAY: Final = f"{CDN}/play"
HVC1: Final = "media-video-hvc1/?a=1988"
LOGO: Final = f"{CDN}/logo"

BROKEN_IMAGES: Final[list[Any]] = [
    {},
    None,
    {"imageURL": {}},
    {"imageURL": {"urlList": []}},
    {"imageURL": {"urlList": [None, "", "http://127.0.0.1/x"]}},
]

PAGES: Final = [
    Page("pictures", slides(image("a"), image("b")), (f"{IMAGES}/a", f"{IMAGES}/b")),
    *(
        Page(
            f"a slide with the files {broken!r}",
            slides(image("a"), broken, image("c")),
            (f"{IMAGES}/a", None, f"{IMAGES}/c"),
        )
        for broken in BROKEN_IMAGES
    ),
    Page(
        "a live photo between slides",
        slides(image("a"), {**image("b"), "video": {"playAddr": PLAY, "duration": 3}}, image("c")),
        (f"{IMAGES}/a", (f"{IMAGES}/b", PLAY), f"{IMAGES}/c"),
    ),
    Page(
        "a live photo without its picture",
        slides(image("a"), {"video": {"playAddr": PLAY, "duration": 3}}),
        (f"{IMAGES}/a", None),
    ),
    Page("slides without any file", slides({}, {}), (), PlatformChangedError),
    Page(
        "hidden behind an age check",
        detail(video={}, isContentClassified=True),
        (),
        AgeRestrictedError,
    ),
    # Which of the formats.
    Page(
        "H.264 with sound stands only in the player's address",
        video(entry("vvc", "bytevc2", width=1080), playAddr=PLAY, codecType="h264"),
        (PLAY,),
    ),
    Page(
        "the player's address as a list",
        video(playAddr=[{"src": PLAY}]),
        (PLAY,),
    ),
    Page(
        "H.265 that may be silent comes last",
        video(entry(HVC1, "h265_hvc1", width=1080), entry("b", "h265_hvc1"), playAddr=""),
        (f"{CDN}/b",),
        order=(f"{CDN}/b", f"{CDN}/{HVC1}"),
    ),
    Page(
        "H.264 before every H.265, then the player's address",
        video(
            entry(HVC1, "h265_hvc1", width=1080),
            entry("large", width=720),
            entry("small"),
            playAddr=PLAY,
            size=900,
        ),
        (f"{CDN}/large",),
        order=(f"{CDN}/large", f"{CDN}/small", PLAY, f"{CDN}/{HVC1}"),
    ),
    Page(
        "nothing but what may be silent",
        video(entry(HVC1, "h265_hvc1"), downloadAddr=LOGO),
        (f"{CDN}/{HVC1}",),
        order=(f"{CDN}/{HVC1}",),
    ),
    Page(
        "the watermark is never a choice",
        video(entry("a"), playAddr=PLAY, downloadAddr=LOGO),
        (f"{CDN}/a",),
        order=(f"{CDN}/a", PLAY),
    ),
    Page("the watermark is all there is", video(downloadAddr=LOGO), (LOGO,)),
    Page(
        "the player's address is listed, too",
        video(entry("play"), playAddr=PLAY),
        (PLAY,),
        order=(PLAY,),
    ),
    Page(
        "too large by the page's own number",
        video(entry("large", width=1080, size=84_000_000), entry("small", size=400_000)),
        (f"{CDN}/small",),
    ),
    # Numbers and texts.
    Page(
        "hidden numbers",
        detail(
            video={"playAddr": PLAY},
            stats={"diggCount": -1, "playCount": "x"},
            statsV2={"diggCount": "-1"},
        ),
        (PLAY,),
        facts={"likes": None, "views": None},
    ),
    Page(
        "half an emoji in the text",
        detail(video={"playAddr": PLAY}, desc="Dawn \ude00\u2067"),
        (PLAY,),
        facts={"text": "Dawn "},
    ),
    Page(
        "the author of a page of 2022",
        {"itemInfo": {"itemStruct": {"author": "ferry.demo", "video": {"playAddr": PLAY}}}},
        (PLAY,),
        facts={"author": "ferry.demo"},
    ),
]
