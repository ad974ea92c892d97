"""The version of a post that somebody asks for: by words beside a link, or by a button."""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import parse_qs, urlsplit

from core.errors import NoMediaError, TooLargeError
from core.formats import Quality, expected_bytes, rank_renditions
from core.media import Audio, Clip, Post, Rendition

#: What the words beside a link name; fillers, such as "please", name nothing.
WordKind = Literal["best", "small", "audio", "file", "subtitles", "filler"]

#: Longest piece that is cut, in seconds.
_MAX_PIECE_S: Final = 24 * 3600
#: "0:30-1:10", "30-70", "1:02:03–1:03:00" and, to the end, "0:30-".
_PIECE: Final = re.compile(
    r"(?P<start>\d{1,2}(?::\d{2}){1,2}|\d{1,5})\s*[-–—]\s*"
    r"(?P<end>\d{1,2}(?::\d{2}){1,2}|\d{1,5})?",
    re.ASCII,
)
#: Words that are the same in every language. People with a Cyrillic keyboard type the letters that
#: look like "p", "k" and "mp".
_QUALITIES: Final = {
    "hd": Quality.HD,
    "fullhd": Quality.BEST,
    "480": Quality.SMALL,
    "720": Quality.HD,
    "1080": Quality.BEST,
    **{f"{side}p": Quality.SMALL for side in (144, 240, 360, 480)},
    "720p": Quality.HD,
    **{f"{side}p": Quality.BEST for side in (1080, 1440, 2160)},
    "4k": Quality.BEST,
}
_AUDIO_FORMATS: Final = {"mp3": True, "m4a": False}
#: What a video is sent as anyway.
_VIDEO_FORMAT: Final = "mp4"
_LOOK_ALIKES: Final = (
    (re.compile(r"(?<=\d)[\u0440\u043f]\b"), "p"),
    (re.compile(r"(?<=\d)\u043a\b"), "k"),
    (re.compile(r"\b\u043c[\u043f\u0440](?=[34]\b)"), "mp"),
)
#: Words, with links and mentions, of the longest text that may be an order and not a comment.
_MOST_WORDS: Final = 50
#: Words of the longest phrase.
_MAX_PHRASE: Final = 4
#: The dashes that people write, and a minus sign and tilde, between two times.
_DASHES: Final = re.compile(r"[\u2010-\u2015\u2212~\u301c]")
#: A command, which may name a bot.
_COMMAND: Final = re.compile(r"/([a-z0-9_]{1,32})(?:@\w+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a video or of an audio file; times in whole seconds."""

    start_s: int
    #: None means until the end.
    end_s: int | None = None

    def __str__(self) -> str:
        """Return the form that callback data and cache keys contain: "30-70", or "30-"."""
        return f"{self.start_s}-{'' if self.end_s is None else self.end_s}"

    @classmethod
    def parse(cls, text: str) -> "Piece | None":
        """Parse "0:30-1:10", "30-70" or "30-"; return None if it is no such range."""
        found = _PIECE.fullmatch(text)
        if found is None:
            return None
        start, end = _seconds(found["start"]), found["end"] and _seconds(found["end"])
        if start is None or (found["end"] and end is None):
            return None
        piece = cls(start, end or None)
        is_real = piece.end_s is None or piece.start_s < piece.end_s
        return piece if is_real and start <= _MAX_PIECE_S and piece != cls(0) else None


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes of a file that a piece needs, besides the beginning of the file."""

    start: int
    #: Behind the last byte.
    end: int
    #: Where the content ends, if only an index follows it that describes all of the file.
    content_end: int | None = None


def _seconds(text: str) -> int | None:
    """Return the seconds of "m:ss", "h:mm:ss" or a plain number; None for "0:75"."""
    first, *others = (int(part) for part in text.split(":"))
    if any(part >= 60 for part in others):
        return None
    for part in others:
        first = first * 60 + part
    return first


#: Sites whose links name a time, and the parameters that do. X's `t` is a tracking token.
_TIMED: Final = {"youtube": ("t", "start", "time_continue")}
#: "90", "90s" and "1h2m3s".
_START: Final = re.compile(
    r"(?:(?P<hours>\d{1,2})h)?(?:(?P<minutes>\d{1,3})m)?(?:(?P<seconds>\d{1,5})s?)?", re.ASCII
)


def start_in(platform: str, url: str) -> int | None:
    """Return the time, in seconds, at which a link starts its video; None if it names none."""
    query = parse_qs(urlsplit(url).query)
    for name in _TIMED.get(platform, ()):
        if found := _START.fullmatch(query.get(name, ["-"])[0]):
            parts = (int(found[part] or 0) for part in ("hours", "minutes", "seconds"))
            return sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=True)) or None
    return None


@dataclass(frozen=True, slots=True)
class Choice:
    """What somebody asks for; the chat's settings decide everything that is None."""

    quality: Quality | None = None
    #: The untouched file.
    is_file: bool = False
    #: The audio as an MP3 file, whatever the site's own format is.
    is_mp3: bool = False
    piece: Piece | None = None
    #: Only the subtitles in this language; empty means the chat's language, or the video's own.
    subtitles: str | None = None

    def __str__(self) -> str:
        """Return the form that callback data contain, such as "720p", "mp3,30-70" or "subs.en"."""
        version = "file" if self.is_file else "mp3" if self.is_mp3 else self.quality or ""
        if self.subtitles is not None:
            version = f"{_SUBTITLES}{self.subtitles}"
        return ",".join(filter(None, (version, str(self.piece or ""))))

    @classmethod
    def parse(cls, text: str) -> "Choice | None":
        """Parse the form of callback data; return None if it is none."""
        choice = NO_CHOICE
        for part in text.split(","):
            if piece := Piece.parse(part):
                choice = replace(choice, piece=piece)
            elif found := _SUBTITLES_IN.fullmatch(part):
                choice = Choice(piece=choice.piece, subtitles=found["language"])
            elif part in _VERSIONS:
                choice = replace(_VERSIONS[part], piece=choice.piece)
            else:
                return None
        return choice


_SUBTITLES: Final = "subs."
_SUBTITLES_IN: Final = re.compile(r"subs\.(?P<language>[A-Za-z0-9-]{0,20})")
#: Everything as the chat's settings say.
NO_CHOICE: Final = Choice()
_VERSIONS: Final = {
    **{str(quality): Choice(quality) for quality in Quality},
    "file": Choice(is_file=True),
    "mp3": Choice(Quality.SOUND, is_mp3=True),
}


def choice_in(text: str, words: Mapping[WordKind, Collection[str]]) -> Choice | None:
    """Return the choice that the words beside a link name; None if there is any other word.

    `text` may contain links and mentions, which do not count, and commands, which count if they are
    such a word: other bots have "/mp3". `words` are words and phrases in the form of `comparable`.
    A chat whose members only comment on a link must not be misunderstood, so one unknown word makes
    all of them a comment, and "best" with an emoji is praise.
    """
    choice = NO_CHOICE
    if len(text.split()) > _MOST_WORDS:
        return None
    for word in _terms(list(_bare_words(text)), words.values()):
        if word in words["filler"] or word == _VIDEO_FORMAT:
            continue
        changed = _with_word(choice, word.removeprefix("/"), words)
        if changed is None and not word.startswith("/"):
            return None
        choice = changed or choice
    is_praise = choice == Choice(Quality.BEST) and any(map(_is_emoji, text))
    return None if choice == NO_CHOICE or is_praise else choice


def comparable(text: str) -> str:
    """Return the form in which words are compared: as they are typed on any keyboard.

    Without upper case, full-width letters and, in scripts such as Arabic, marks above or below
    letters, which many people leave out; with ASCII digits. Latin letters keep their marks, because
    those make another word in Vietnamese: "nhất" is "best", and "nhạt" is "dull".
    """
    if text.isascii():
        return text.lower()
    return "".join(map(_plain, unicodedata.normalize("NFKC", text.casefold())))


def spellings(phrase: str) -> tuple[str, str]:
    """Return the forms in which `comparable` texts have a word or phrase: with its marks, without.

    Many people type Vietnamese without any.
    """
    form = comparable(phrase)
    return form, _unmarked(form.replace("đ", "d"))


def _plain(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    bare = _unmarked(character)
    return character if bare.isascii() and bare else bare


def _unmarked(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(part for part in decomposed if unicodedata.category(part) != "Mn")


def _with_word(
    choice: Choice, word: str, words: Mapping[WordKind, Collection[str]]
) -> Choice | None:
    """Return the choice with what one more word names; None if it names nothing."""
    if piece := Piece.parse(word):
        return replace(choice, piece=piece)
    if (quality := _quality_of(word, words)) is not None:
        return replace(choice, quality=quality, is_mp3=_AUDIO_FORMATS.get(word, False))
    if word in words["file"]:
        return replace(choice, is_file=True)
    return replace(choice, subtitles="") if word in words["subtitles"] else None


def _terms(words: Sequence[str], known: Collection[Collection[str]]) -> Iterator[str]:
    """Yield words, and those that are a known phrase together as one."""
    start = 0
    while start < len(words):
        ends = range(min(start + _MAX_PHRASE, len(words)), start + 1, -1)
        phrases = (" ".join(words[start:end]) for end in ends)
        found = (phrase for phrase in phrases if any(phrase in kind for kind in known))
        term = next(found, words[start])
        yield term
        start += term.count(" ") + 1


def _bare_words(text: str) -> Iterator[str]:
    """Yield the words of a text without links, mentions, and marks around them.

    A command keeps its slash.
    """
    plain = _DASHES.sub("-", comparable(text))
    for alike, letters in _LOOK_ALIKES:
        plain = alike.sub(letters, plain)
    # Spaces around the dash of a range belong to it.
    for token in re.sub(r"(?<=\d)\s*-\s*(?=\d)", "-", plain).split():
        if command := _COMMAND.fullmatch(token):
            yield f"/{command[1]}"
        elif not ("/" in token or "@" in token or re.search(r"\w\.\w", token)):
            yield from filter(None, [_without_marks(token)])


def _without_marks(token: str) -> str:
    """Return a word without punctuation and emoji around it; "0:30-" keeps its dash."""
    inner = [index for index, character in enumerate(token) if _is_in_word(character)]
    if not inner:
        return ""
    end = inner[-1] + 1
    is_open_range = token[end - 1].isdigit() and token[end : end + 1] == "-"
    return token[inner[0] : end + is_open_range]


def _is_emoji(character: str) -> bool:
    return unicodedata.category(character) == "So"


def _is_in_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


def _quality_of(word: str, words: Mapping[WordKind, Collection[str]]) -> Quality | None:
    if word in _AUDIO_FORMATS or word in words["audio"]:
        return Quality.SOUND
    if word in words["best"]:
        return Quality.BEST
    if word in words["small"]:
        return Quality.SMALL
    return _QUALITIES.get(word)


@dataclass(frozen=True, slots=True)
class Offer:
    """One version of a post that can be chosen."""

    choice: Choice
    #: Length of the frame's short side in pixels; 0 for audio, and if it is unknown.
    side: int = 0
    #: Size as stated or estimated, in bytes; None if unknown.
    size_bytes: int | None = None
    #: See `core.media.Subtitles`.
    is_automatic: bool = False


def offers_of(post: Post, ceiling_bytes: int) -> list[Offer]:
    """Return the versions of a post with one video, best first, each rendition once.

    Subtitles are not among them, see `core.subtitles`. Return an empty list for other posts, and if
    no rendition fits into `ceiling_bytes`.
    """
    match post.items:
        case (Clip() as clip,):
            return [*_video_offers(clip, ceiling_bytes), *_audio_offers(clip, post.audio)]
    return []


def _video_offers(clip: Clip, ceiling_bytes: int) -> list[Offer]:
    offers: list[Offer] = []
    taken: set[Rendition] = set()
    for quality in (Quality.BEST, Quality.HD, Quality.SMALL):
        best = _first_choice(clip, quality, ceiling_bytes)
        if best and best not in taken:
            taken.add(best)
            offers.append(
                Offer(Choice(quality), best.short_side, expected_bytes(best, clip.duration_s))
            )
    if offers:
        offers.append(replace(offers[0], choice=Choice(is_file=True)))
    return offers


def _first_choice(clip: Clip, quality: Quality, ceiling_bytes: int) -> Rendition | None:
    try:
        first, *_ = rank_renditions(
            clip.renditions, ceiling_bytes, quality=quality, duration_s=clip.duration_s
        )
    except (NoMediaError, TooLargeError):
        return None
    size = expected_bytes(first.rendition, clip.duration_s)
    return first.rendition if (size or 0) <= ceiling_bytes else None


def _audio_offers(clip: Clip, audio: Audio | None) -> list[Offer]:
    if clip.is_silent and audio is None:
        return []
    return [Offer(Choice(Quality.SOUND)), Offer(Choice(Quality.SOUND, is_mp3=True))]
