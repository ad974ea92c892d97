"""What the house talks about: a link, the post behind it, and the files that come out."""

import re
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
    #: Addresses of the sound, where it is a file of its own; empty when it is inside.
    audio_urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a post."""

    #: Addresses of the same bytes, best first.
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """One video of a post, in every encoding that the site offers."""

    renditions: tuple[Rendition, ...]
    #: 0 when the site does not say.
    duration_s: int = 0
    #: Still pictures of it, best first.
    cover_urls: tuple[str, ...] = ()


Item = Clip | Picture


@dataclass(frozen=True, slots=True)
class Audio:
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
    proxy: str
    headers: dict[str, str] = field(default_factory=dict)
    #: Cookies for requests that are signed with them; empty when none were set.
    cookies: dict[str, str] = field(default_factory=dict, repr=False)
    #: Address of the operator's own service that passes the files on; empty when the site serves them.
    relay: str = ""


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
    likes: int | None = None
    views: int | None = None
    #: What the post shows, in order: one clip, the pictures of a slideshow, or both mixed.
    items: tuple[Item, ...] = ()
    audio: Audio | None = None
    #: The site itself warns of it.
    is_sensitive: bool = False

    @property
    def file_name(self) -> str:
        """Give the id in a form that is a file's name, without extension."""
        return re.sub(r"[^A-Za-z0-9_-]", "_", self.id)

    @property
    def number(self) -> int | None:
        """Give the id where it is one of digits, or None."""
        return int(self.id) if self.id.isascii() and self.id.isdigit() else None

    @property
    def has_pictures(self) -> bool:
        """Tell whether it is more than one plain video."""
        return len(self.items) > 1 or any(isinstance(item, Picture) for item in self.items)

    @property
    def cover_urls(self) -> tuple[str, ...]:
        """Give the stills of its first clip, best first."""
        return next((item.cover_urls for item in self.items if isinstance(item, Clip)), ())


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A sound on disk, ready to be sent."""

    path: Path
    title: str
    performer: str
    duration_s: int
    #: JPEG of at most 320 x 320 pixels, or None when there is none.
    thumbnail: Path | None = None


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A picture on disk that Telegram takes as a photo."""

    path: Path


@dataclass(frozen=True, slots=True)
class DocumentFile:
    """A file on disk that is sent untouched."""

    path: Path


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
    #: Stands under it in an album: which part of a long video it is.
    label: str = ""
    #: Short and without sound: it plays by itself, in a loop.
    is_animation: bool = False


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file that Telegram has already, and sends again by its id."""

    #: "photo", "video", "animation", "document" or "audio".
    kind: str
    file_id: str
    #: See `VideoFile`.
    label: str = ""


#: What is uploaded, and what can be sent.
LocalFile = PhotoFile | VideoFile | DocumentFile
File = LocalFile | RemoteFile
