"""The posts that people ask for in a chaos run: small files of varying size."""

import itertools
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Final

from simulator.samples import SampleStore, VideoSpec
from simulator.sites.tiktok import Encoding, SamplePost, TikTokSite

#: Most pictures of an album: Telegram takes ten in one call, so that it needs two.
PICTURES: Final = 12
_CLIP: Final = VideoSpec(width=144, height=256, seconds=1, bit_rate=60_000)
_NAME_BYTES: Final = len("7500000000000000001-00.jpg")
#: Sizes of the videos, in bytes.
_SIZES: Final = range(50_000, 400_000, 30_000)


class Posts:
    """Adds new posts to the site, and knows which of them nobody else has asked for yet."""

    def __init__(self, site: TikTokSite, samples: SampleStore, folder: Path) -> None:
        """`folder` gets the files of albums: each has its name behind the picture."""
        self._site = site
        self._folder = folder
        folder.mkdir()
        self._numbers = itertools.count(1)
        self._videos = [samples.video(replace(_CLIP, padded_bytes=size)) for size in _SIZES]
        self._pictures = [samples.picture(240, 80, f"scene {n}") for n in range(PICTURES)]
        self._sound = samples.sound()
        #: Names of each album's pictures, by its id.
        self._albums: dict[str, list[str]] = {}
        #: Posts that one person has asked for, with that person's id: videos and albums.
        self._asked: dict[bool, deque[tuple[str, int]]] = {False: deque(), True: deque()}

    def new(self, person_id: int, *, is_album: bool = False) -> str:
        """Add a post that a person asks for, and return its id."""
        post_id = self._add_album() if is_album else self._add_video()
        self._asked[is_album].append((post_id, person_id))
        return post_id

    def known(self, person_id: int, *, is_album: bool = False) -> str | None:
        """Return the id of a post that somebody else has asked for once; None without one.

        A chat never asks for the same post twice: what is asked for twice at the same time is sent
        once.
        """
        asked = self._asked[is_album]
        found = next((each for each in asked if each[1] != person_id), None)
        if found is None:
            return None
        asked.remove(found)
        return found[0]

    def pictures(self, post_id: str) -> list[Path]:
        """Return the files of an album's pictures."""
        return [self._folder / name for name in self._albums[post_id]]

    def is_album(self, post_id: str) -> bool:
        """Return True for the id of an album."""
        return post_id in self._albums

    def _add_video(self) -> str:
        number = next(self._numbers)
        path = self._videos[number % len(self._videos)]
        encoding = Encoding(path, width=_CLIP.width, height=_CLIP.height)
        post = SamplePost(f"75{number:017}", encodings=(encoding,), sound=self._sound)
        return self._site.add(replace(post, duration_s=_CLIP.seconds)).id

    def _add_album(self) -> str:
        number = next(self._numbers)
        post_id = f"75{number:017}"
        self._albums[post_id] = []
        for place, picture in enumerate(self._pictures[: 2 + number % (PICTURES - 1)]):
            name = f"{post_id}-{place:02}.jpg"
            (self._folder / name).write_bytes(picture.read_bytes() + name.encode())
            self._albums[post_id].append(name)
        pictures = tuple(self.pictures(post_id))
        return self._site.add(SamplePost(post_id, pictures=pictures, sound=self._sound)).id


def picture_name(file: Path) -> str:
    """Return the name of an album's picture from a copy of its file."""
    return file.read_bytes()[-_NAME_BYTES:].decode(errors="replace")
