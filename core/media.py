"""What the house talks about: a link, the post behind it, and the files that come out."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Link:
    """A link that one of our platforms has recognised in a text."""

    #: Name of the platform that answers for it.
    platform: str
    #: The address as it was sent, cleaned of trailing punctuation.
    url: str
    #: The platform's own id of the post, or None for a short link that must be resolved first.
    post_id: str | None


@dataclass(frozen=True, slots=True)
class Rendition:
    """One encoding of a video that the site offers."""

    #: Addresses of the same bytes, best first; signed, so never re-encode them.
    urls: tuple[str, ...]
    #: "h264", "h265" or another name the site uses.
    codec: str
    width: int = 0
    height: int = 0
    #: None when the site does not say.
    size_bytes: int | None = None
    #: Bits per second; 0 when the site does not say.
    bitrate: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a slideshow."""

    #: Addresses of the same bytes, best first.
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sound:
    """The music or speech of a post."""

    urls: tuple[str, ...]
    title: str = ""
    author: str = ""
    duration_s: int = 0
    #: Square pictures of it, best first.
    cover_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Access:
    """What a request for the post's files must carry, and the way it must take.

    Signed addresses answer only to the client that has read the page, so the page's exit and
    cookies go with them.
    """

    #: Name of the exit that read the page.
    exit: str
    headers: dict[str, str] = field(default_factory=dict)
    #: Cookies for requests that are signed with them; empty when none were set.
    cookies: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Post:
    """One post, as its platform describes it."""

    platform: str
    id: str
    #: The post's own address, without tracking.
    url: str
    access: Access
    author: str = ""
    text: str = ""
    duration_s: int = 0
    likes: int | None = None
    views: int | None = None
    renditions: tuple[Rendition, ...] = ()
    #: The pictures of a slideshow, in order; empty for a video.
    pictures: tuple[Picture, ...] = ()
    sound: Sound | None = None
    #: Still pictures of the video, best first.
    cover_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SoundFile:
    """A sound on disk, ready to be sent."""

    path: Path
    title: str
    performer: str
    duration_s: int
    #: JPEG of at most 320 x 320 pixels, or None when there is none.
    thumbnail: Path | None = None


@dataclass(frozen=True, slots=True)
class VideoFile:
    """A video on disk, measured, ready to be sent."""

    path: Path
    size_bytes: int
    #: As shown, after rotation; pixels.
    width: int
    height: int
    duration_s: int
    #: JPEG of at most 320 x 320 pixels, or None when none could be made.
    thumbnail: Path | None = None
    #: JPEG in the video's own size, or None when none could be made.
    cover: Path | None = None
