"""What the words beside a link mean, and which versions of a post are offered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.choices import (
    NO_CHOICE,
    Choice,
    Offer,
    Piece,
    WordKind,
    choice_in,
    comparable,
    offers_of,
    spellings,
    start_in,
)
from core.formats import Quality
from core.media import Access, Audio, Clip, Picture, Post, Rendition

WORDS: dict[WordKind, set[str]] = {
    "best": {"best", "best quality", *spellings("nhất"), *spellings("chất lượng cao nhất")},
    "small": {"small", "малое", *spellings("nhỏ")},
    "audio": {"audio", "звук", comparable("صوت"), comparable("ऑडियो"), *spellings("nhạc")},
    "file": {"file", "as a file"},
    "subtitles": {"subs", *spellings("phụ đề")},
    "filler": {"please", comparable("من فضلك"), *spellings("nhé")},
}
LINK = "https://www.tiktok.com/@ferry.demo/video/7300000000000000001"
MB = 1_000_000


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        (f"{LINK} 720", Choice(Quality.HD)),
        (f"720p {LINK}", Choice(Quality.HD)),
        (f"{LINK}\n480p!", Choice(Quality.SMALL)),
        (f"@bot {LINK} BEST", Choice(Quality.BEST)),
        (f"{LINK} малое", Choice(Quality.SMALL)),
        ("tiktok.com/t/abc звук", Choice(Quality.SOUND)),
        (f"{LINK} mp3", Choice(Quality.SOUND, is_mp3=True)),
        (f"{LINK} m4a", Choice(Quality.SOUND)),
        (f"{LINK} file", Choice(is_file=True)),
        (f"{LINK} subs", Choice(subtitles="")),
        (f"{LINK} subs 0:30-1:10", Choice(piece=Piece(30, 70), subtitles="")),
        (f"{LINK} 0:30-1:10", Choice(piece=Piece(30, 70))),
        (f"{LINK} 0:30 – 1:10", Choice(piece=Piece(30, 70))),
        (f"{LINK} 1:02:03—", Choice(piece=Piece(3723))),
        (f"{LINK} 30-70 mp3", Choice(Quality.SOUND, is_mp3=True, piece=Piece(30, 70))),
        ("audio", Choice(Quality.SOUND)),
        # Marks around a word, and emoji.
        (f"audio: {LINK}", Choice(Quality.SOUND)),
        (f"🎵 mp3 👇🏽\n{LINK}", Choice(Quality.SOUND, is_mp3=True)),
        (f"- (HD)… {LINK}", Choice(Quality.HD)),
        (f"{LINK} صوت؟", Choice(Quality.SOUND)),
        (f"{LINK} ऑडियो।", Choice(Quality.SOUND)),
        (f"{LINK}\n「mp3」", Choice(Quality.SOUND, is_mp3=True)),
        (f"{LINK} \u200f720p\u200f", Choice(Quality.HD)),
        # Phrases, and words without a meaning.
        (f"{LINK} mp3 please", Choice(Quality.SOUND, is_mp3=True)),
        (f"{LINK} as a file, please!", Choice(is_file=True)),
        (f"{LINK} best quality", Choice(Quality.BEST)),
        (f"صوت من فضلك {LINK}", Choice(Quality.SOUND)),
        (f"{LINK} Chất lượng cao nhất", Choice(Quality.BEST)),
        (f"{LINK} mp4 480p", Choice(Quality.SMALL)),
        # What keyboards make of it.
        (f"{LINK} phu de", Choice(subtitles="")),
        (f"{LINK} NHẠC", Choice(Quality.SOUND)),
        (f"{LINK} nha\u0323c nhe\u0301", Choice(Quality.SOUND)),
        (f"{LINK} nhac nhe", Choice(Quality.SOUND)),
        (f"{LINK} nhat", Choice(Quality.BEST)),
        (f"{LINK} 720р", Choice(Quality.HD)),
        (f"{LINK} мп3", Choice(Quality.SOUND, is_mp3=True)),
        (f"{LINK} 4К", Choice(Quality.BEST)),
        (f"{LINK} ７２０ｐ", Choice(Quality.HD)),
        (f"{LINK} ٣٠-٧٠", Choice(piece=Piece(30, 70))),
        (f"{LINK} ०:३०-१:१०", Choice(piece=Piece(30, 70))),
        (f"{LINK} 0：30～1：10", Choice(piece=Piece(30, 70))),
        (f"{LINK} 0:30 − 1:10.", Choice(piece=Piece(30, 70))),
        (f"{LINK} (0:30-)", Choice(piece=Piece(30))),
        (f"{LINK} 240p", Choice(Quality.SMALL)),
        (f"{LINK} 2160p", Choice(Quality.BEST)),
        # The commands of other bots.
        (f"/mp3 {LINK}", Choice(Quality.SOUND, is_mp3=True)),
        (f"/audio@demo_bot {LINK}", Choice(Quality.SOUND)),
        (f"/download {LINK} mp3", Choice(Quality.SOUND, is_mp3=True)),
        (f"/download {LINK}", None),
        # Comments, and what cannot be meant.
        (LINK, None),
        ("", None),
        (f"{LINK} best video ever", None),
        (f"{LINK} 0:75-1:10", None),
        (f"{LINK} 1:10-0:30", None),
        (f"{LINK} 0-", None),
        (f"{LINK} 2020", None),
        (f"{LINK} please", None),
        (f"{LINK} please watch", None),
        (f"{LINK} mp4", None),
        (f"{LINK} Best 🔥🔥", None),
        (f"{LINK} 👍", None),
        (f"{LINK} quality", None),
        # Other words with the same letters: Japan, dull, to miss, light music.
        (f"{LINK} Nhật", None),
        (f"{LINK} nhạt", None),
        (f"{LINK} nhớ", None),
        (f"{LINK} nhạc nhẹ", None),
        (f"{LINK} 한국", None),
        ("mp3 " * 50, Choice(Quality.SOUND, is_mp3=True)),
        ("mp3 " * 51, None),
    ],
)
def test_the_words_beside_a_link_choose_a_version(text: str, choice: Choice | None):
    assert choice_in(text, WORDS) == choice


pieces = st.builds(
    lambda start, length: Piece(start, None if length is None else start + length),
    st.integers(1, 80_000),
    st.none() | st.integers(1, 9_999),
)
choices = st.builds(
    lambda base, piece: Choice(base.quality, base.is_file, base.is_mp3, piece),
    st.sampled_from(
        [
            NO_CHOICE,
            *map(Choice, Quality),
            Choice(is_file=True),
            Choice(Quality.SOUND, is_mp3=True),
        ]
    ),
    st.none() | pieces,
)


@given(choices)
def test_callback_data_keep_a_choice(choice: Choice):
    if choice != NO_CHOICE:
        assert Choice.parse(str(choice)) == choice


@pytest.mark.parametrize("data", ["", "4k", "720p,", "mp3,9-1", "720p,30-70,x", "٣-٤"])
def test_other_callback_data_are_no_choice(data: str):
    assert Choice.parse(data) is None


def rendition(side: int, size: int | None, codec: str = "h264") -> Rendition:
    return Rendition((f"https://cdn/{side}",), codec, side, side * 16 // 9, size)


def post(*items: Clip | Picture, audio: Audio | None = None) -> Post:
    return Post("tiktok", "1", "https://x", Access("direct"), items=items, audio=audio)


def test_each_rendition_is_offered_once_with_its_size():
    clip = Clip((rendition(1080, 30 * MB), rendition(720, 12 * MB), rendition(480, 5 * MB)))
    assert offers_of(post(clip), 50 * MB) == [
        Offer(Choice(Quality.BEST), 1080, 30 * MB),
        Offer(Choice(Quality.HD), 720, 12 * MB),
        Offer(Choice(Quality.SMALL), 480, 5 * MB),
        Offer(Choice(is_file=True), 1080, 30 * MB),
        Offer(Choice(Quality.SOUND)),
        Offer(Choice(Quality.SOUND, is_mp3=True)),
    ]
    best, *others = offers_of(post(clip), 20 * MB)
    assert (best.side, best.size_bytes) == (720, 12 * MB)
    assert [offer.side for offer in others] == [480, 720, 0, 0]


def test_what_cannot_be_chosen_is_not_offered():
    silent = Clip((rendition(720, None),), is_silent=True)
    assert [str(offer.choice) for offer in offers_of(post(silent), MB)] == ["best", "file"]
    assert len(offers_of(post(silent, audio=Audio(("https://a",))), MB)) == 4
    assert offers_of(post(Picture(("https://p",))), MB) == []
    assert offers_of(post(silent, silent), MB) == []
    assert [offer.side for offer in offers_of(post(Clip((rendition(720, 2 * MB),))), MB)] == [0, 0]


@pytest.mark.parametrize(
    ("platform", "query", "start"),
    [
        ("youtube", "v=a&t=90", 90),
        ("youtube", "t=1m30s", 90),
        ("youtube", "t=1h0m5s&v=a", 3605),
        ("youtube", "start=30", 30),
        ("youtube", "t=0", None),
        ("youtube", "t=soon", None),
        ("youtube", "t=%D9%A3", None),
        ("youtube", "", None),
        ("x", "t=90", None),  # a tracking token
    ],
)
def test_only_youtubes_links_name_a_time(platform: str, query: str, start: int | None):
    assert start_in(platform, f"https://site.example/watch?{query}") == start
