"""Links, the posts behind them, and the files that result, as pure values."""

import re
from dataclasses import dataclass, field, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a text that a platform recognises."""

    #: Name of the platform.
    platform: str
    #: The URL as sent, without trailing punctuation.
    url: str
    #: The platform's id of the post, or None for a short link that must be resolved first.
    post_id: str | None


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoding of a video that the site offers."""

    #: URLs of the same bytes, best first. They are signed: never change their encoding.
    urls: tuple[str, ...]
    #: "h264", "h265" or another name that the site uses.
    codec: str
    #: Pixels; 0 if unknown.
    width: int = 0
    height: int = 0
    #: None if unknown.
    size_bytes: int | None = None
    #: Bits per second; 0 if unknown.
    bitrate: int = 0
    #: URLs of a separate audio file; empty if the audio is part of the video file.
    audio_urls: tuple[str, ...] = ()
    #: The site's own ranking: higher is better; 0 if it has none.
    quality: int = 0
    #: The file may be missing or have no audio track, so it is used only if there is no other.
    is_doubtful: bool = False

    @property
    def short_side(self) -> int:
        """Return the length of the shorter known side in pixels; 0 if both are unknown."""
        return min(self.width or self.height, self.height or self.width)


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a post."""

    #: URLs of the same picture, best first.
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subtitles:
    """The subtitles of a video in one language, as a file that the site offers."""

    #: As the site names it, such as "en" or "pt-BR": letters, digits and hyphens.
    language: str
    #: URLs of files with the same content in different formats, best first.
    urls: tuple[str, ...]
    #: Made by a program: recognised speech, or a translation.
    is_automatic: bool = False
    #: The language is that of the video.
    is_original: bool = False


@dataclass(frozen=True, slots=True)
class Clip:
    """One video of a post, in every encoding that the site offers."""

    renditions: tuple[Rendition, ...]
    #: Seconds; 0 if unknown.
    duration_s: int = 0
    #: URLs of still images of the video, best first.
    cover_urls: tuple[str, ...] = ()
    #: The video has no audio.
    is_silent: bool = False
    subtitles: tuple[Subtitles, ...] = ()


@dataclass(frozen=True, slots=True)
class LivePhoto:
    """A picture, and the short video of the moment in which it was taken."""

    picture: Picture
    clip: Clip


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that the site lists without files, or in an unknown form. It keeps its place."""


@dataclass(frozen=True, slots=True)
class Audio:
    """The audio of a post: music or speech. As an item, it is the post itself: a track."""

    #: URLs of the same audio, best first. Their formats and bit rates may differ.
    urls: tuple[str, ...]
    title: str = ""
    author: str = ""
    #: Seconds; 0 if unknown.
    duration_s: int = 0
    #: URLs of square cover images, best first.
    cover_urls: tuple[str, ...] = ()


Item = Clip | Picture | LivePhoto | Audio | Unreadable


@dataclass(frozen=True, slots=True)
class Access:
    """How to download the post's files: proxy, headers and cookies.

    Signed URLs work only for the client that fetched the page, so file downloads reuse the page's
    proxy and cookies.
    """

    #: Name of the proxy that fetched the page.
    proxy: str
    headers: dict[str, str] = field(default_factory=dict)
    #: Cookies of the page that the signed URLs depend on; empty if the site set none.
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    #: URL of the operator's own service that relays the files; empty if the site serves them.
    relay: str = ""
    #: The URLs never expire, so a file that the server does not find (HTTP 404) does not exist.
    is_permanent: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """What a site says about a post besides its media; empty or None where it says nothing."""

    author: str = ""
    text: str = ""
    likes: int | None = None
    views: int | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """One post, as its platform describes it."""

    platform: str
    id: str
    #: Canonical URL of the post, without tracking parameters.
    url: str
    access: Access
    details: Details = Details()
    #: The media of the post, in order: one clip, the pictures of a slideshow, or a mix. Or a track.
    items: tuple[Item, ...] = ()
    #: The audio apart from the items; of a track, the track.
    audio: Audio | None = None
    #: The site marks the post as sensitive.
    is_sensitive: bool = False
    #: A name for what the post consists of now, if that changes every day, as a person's stories
    #: do; empty for all others. Letters and digits.
    edition: str = ""

    @property
    def file_name(self) -> str:
        """Return the id as a safe file name, without extension."""
        return re.sub(r"[^A-Za-z0-9_-]", "_", self.id)

    @property
    def number(self) -> int | None:
        """Return the id as an integer, or None if it is not purely numeric."""
        return int(self.id) if self.id.isascii() and self.id.isdigit() else None

    @property
    def has_pictures(self) -> bool:
        """Return True unless the post is a single video: any picture or second item counts."""
        return len(self.items) > 1 or bool(self.pictures)

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """Return the pictures, with those of live photos, in order."""
        stills = (item.picture if isinstance(item, LivePhoto) else item for item in self.items)
        return tuple(still for still in stills if isinstance(still, Picture))

    @property
    def is_track(self) -> bool:
        """Return True if the post is a piece of music or speech, without a video."""
        return len(self.items) == 1 and isinstance(self.items[0], Audio)

    @property
    def is_silent(self) -> bool:
        """Return True if the post is a single video without audio."""
        return len(self.items) == 1 and all(
            isinstance(item, Clip) and item.is_silent for item in self.items
        )

    @property
    def subtitles(self) -> tuple[Subtitles, ...]:
        """Return the subtitles of a single video; empty for other posts."""
        match self.items:
            case (Clip() as clip,):
                return clip.subtitles
        return ()

    @property
    def cover_urls(self) -> tuple[str, ...]:
        """Return the cover URLs of the first clip, best first; empty if there is no clip."""
        return next((item.cover_urls for item in self.items if isinstance(item, Clip)), ())


@dataclass(frozen=True, slots=True)
class AudioFile:
    """An audio file on disk, ready to be sent."""

    path: Path
    title: str
    performer: str
    duration_s: int
    #: JPEG of at most 320 x 320 pixels, or None if there is none.
    thumbnail: Path | None = None


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A picture on disk in a format and size that Telegram accepts as a photo."""

    path: Path


@dataclass(frozen=True, slots=True)
class DocumentFile:
    """A file on disk that is sent unchanged, as a document."""

    path: Path
    #: See `VideoFile`.
    label: str = ""


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A video on disk, probed and ready to be sent."""

    path: Path
    size_bytes: int
    #: Pixels as displayed, after rotation.
    width: int
    height: int
    duration_s: int
    #: JPEG of at most 320 x 320 pixels, or None if none could be made.
    thumbnail: Path | None = None
    #: JPEG in the video's own size, or None if none could be made.
    cover: Path | None = None
    #: Caption in an album: the part number of a split video. Empty for other videos.
    label: str = ""
    #: Short and silent: Telegram plays it automatically, in a loop.
    is_animation: bool = False


@dataclass(frozen=True, slots=True)
class LivePhotoFile:
    """A live photo on disk, ready to be sent."""

    #: The still picture.
    path: Path
    video: VideoFile


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that Telegram already stores and sends again by its file id."""

    #: "photo", "video", "animation", "document", "audio" or "live_photo".
    kind: str
    file_id: str
    #: See `VideoFile`.
    label: str = ""
    #: File id of a live photo's still; empty for other kinds.
    still_id: str = ""


#: A file to upload.
LocalFile = PhotoFile | VideoFile | LivePhotoFile | DocumentFile | AudioFile
#: A file to send: an upload or a file id.
File = LocalFile | RemoteFile


def named_after(post: Post, audio: AudioFile) -> AudioFile:
    """Return an audio file that has a title and a performer, if need be those of its post."""
    return replace(
        audio,
        title=audio.title or post.details.text.partition("\n")[0][:64] or post.id,
        performer=audio.performer or post.details.author,
    )
