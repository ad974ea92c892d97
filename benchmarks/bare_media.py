"""Work on media files by PyAV and Pillow alone: the baseline of what the bot does to them.

Runs in worker processes as well, and therefore imports little.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from PIL import Image
from pillow_heif import register_heif_opener


@dataclass(frozen=True)
class Video:
    """What an upload needs to know of a video."""

    path: Path
    width: int
    height: int
    duration_s: int
    thumbnail: Path
    cover: Path


def timed(work: Callable[[], object]) -> float:
    """Do some work, and return how long it took, in milliseconds; runs in a worker."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000


def look_into(path: Path) -> Video:
    """Return the facts of a video; its first frame becomes thumbnail and cover."""
    cover, thumbnail = path.with_suffix(".cover.jpg"), path.with_suffix(".thumb.jpg")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        frame = next(container.decode(stream))
        duration_s = round((container.duration or 0) / av.time_base)
        share = min(1280 / max(frame.width, frame.height), 1)
        image: Any = frame.to_image(  # type: ignore[no-untyped-call]
            width=round(frame.width * share), height=round(frame.height * share)
        )
    image.save(cover, "JPEG", quality=85)
    image.thumbnail((320, 320))
    image.save(thumbnail, "JPEG", quality=85)
    return Video(path, frame.width, frame.height, duration_s, thumbnail, cover)


def shrink(still: Path, target: Path) -> None:
    """Make a cover and a thumbnail of a picture."""
    with Image.open(still) as image:
        image.draft("RGB", (720, 1280))
        image.thumbnail((1280, 1280))
        image.save(target, "JPEG", quality=85)
        image.thumbnail((320, 320))
        image.save(target, "JPEG", quality=85)


def convert(source: Path, target: Path) -> None:
    """Make a JPEG of a picture."""
    register_heif_opener()
    with Image.open(source) as image:
        image.convert("RGB").save(target, "JPEG", quality=85)


def open_only(source: Path) -> None:
    """Read the header of a picture."""
    Image.open(source).close()
