"""Convert pictures for Telegram. Runs in worker processes, so it imports little.

A photo is a JPEG, PNG or still WebP of at most 10 MB. Width and height add up to at most 10 000
pixels, and the longer side is at most 20 times the shorter. Source: https://core.telegram.org/bots/api#sendphoto
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageChops, ImageCms, ImageFile, ImageOps
from pillow_heif import register_heif_opener

from core.errors import BrokenFileError, ClipferryError
from media.worker_call import DISK_FULL

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_SIDES: Final = 10_000
#: Maximum width and height of a thumbnail, in pixels; it may have 200 kB.
#: Source: https://core.telegram.org/bots/api#sendvideo
THUMBNAIL_SIDE: Final = 320
MAX_RATIO: Final = 20
#: Long side of a slideshow's frame, in pixels.
_FRAME_SIDE: Final = 1280
#: Frames of an animated picture that are shown at most.
_MOST_FRAMES: Final = 600
#: Browsers show frames of at most 10 ms for 100 ms instead.
#: Source: https://searchfox.org/mozilla-central/source/image/FrameTimeout.h
_TOO_SHORT_MS: Final = 10
_DEFAULT_FRAME_S: Final = 0.1
#: Minimum ratio of a slideshow frame's short side to its long side.
_FRAME_RATIO: Final = 9 / 16
#: Pictures with more pixels are rejected before decoding: a small file can need gigabytes.
MAX_PIXELS: Final = 100_000_000

_NATIVE = {"JPEG", "PNG", "WEBP"}
#: Formats that are opened; MPO is a kind of JPEG. Pillow knows more: one of them runs Ghostscript.
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "HEIF", "AVIF", "BMP", "TIFF", "JPEG2000")
#: Pillow's colour modes that Telegram accepts; CMYK and 16-bit greys are converted.
_NATIVE_MODES: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})
#: Colours by which a profile is recognised as sRGB under another name, such as Facebook's "c2".
_TEST_COLOURS: Final = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (200, 120, 60))
#: Differences of more levels, of 256, are visible.
_VISIBLE_LEVELS: Final = 6
#: Colour spaces of profiles that are no RGB and convertible. Source: ICC.1:2022, 7.2.6
_OTHER_SPACES: Final = frozenset({"CMYK", "GRAY"})
#: What littleCMS raises for a damaged profile, or one of another kind of colours.
_BAD_PROFILE: Final = (OSError, ImageCms.PyCMSError)
#: Formats whose further frames are an animation. Those of an MPO or a HEIF are other views of a
#: still: depth, brightness for HDR screens, previews; those of a TIFF are pages.
_MOVING: Final = frozenset({"GIF", "PNG", "WEBP", "AVIF"})
#: Minimum share of a damaged JPEG's rows that must be there for the rest to be shown.
_LEAST_ROWS: Final = 0.5
#: The colour of what libjpeg found no data for.
_MISSING: Final = (128, 128, 128)
_JPEG_END: Final = b"\xff\xd9"
_JPEG_SCAN: Final = b"\xff\xda"
_EXTENSIONS = {"JPEG": "jpg", "MPO": "jpg", "HEIF": "heic", "TIFF": "tiff"}
_EXIF_ORIENTATION: Final = 0x0112
#: Values of the orientation tag that swap width and height.
_TURNED: Final = range(5, 9)
#: What turns a picture of each other orientation upright.
#: Source: https://pillow.readthedocs.io/en/stable/reference/ImageOps.html#PIL.ImageOps.exif_transpose
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Sum of width and height that Telegram's apps show: they store photos with at most 2 560 pixels.
_MODEST_SIDES: Final = 5_120
#: Pixels that are converted at a time when a picture is shrunk.
_STRIP_PIXELS: Final = 4_000_000


def make_native(path: Path) -> Path:
    """Return a picture that can be sent as a photo: the file itself, or a new JPEG beside it.

    Raises:
        BrokenFileError: the file is not a picture, is damaged, or has too many pixels.
    """
    try:
        with _OpenImage(path) as image:
            is_native = _is_native(path, image)
        if is_native:
            _check_content(path)
            return path
        return _as_photo(path, path.with_suffix(".sent.jpg"), MAX_SIDES)
    except BrokenFileError:
        if whole := _without_missing_end(path):
            return _as_photo(whole, path.with_suffix(".sent.jpg"), MAX_SIDES)
        raise


def make_modest(path: Path) -> Path:
    """Return a new JPEG of at most Telegram's own display size, for a photo that was refused.

    Raises:
        BrokenFileError: the file is not a picture, or is damaged.
    """
    return _as_photo(path, path.with_suffix(".modest.jpg"), _MODEST_SIDES)


def _as_photo(path: Path, target: Path, max_sides: int) -> Path:
    with _OpenImage(path) as image:
        side = max(image.size) * min(max_sides / sum(image.size), 1)
        _save(_fit(_upright(image, int(side) or 1)), target)
        return target


def with_true_name(path: Path) -> Path:
    """Rename a picture to the file extension of its actual format, and return the new path.

    Raises:
        BrokenFileError: the file is not a picture.
    """
    with _OpenImage(path) as image:
        kind = image.format or ""
    return path.rename(path.with_suffix(f".{_EXTENSIONS.get(kind, kind.lower())}"))


def moving_format(path: Path) -> str:
    """Return Pillow's name of an animated picture's format, or "" for a still.

    Raises:
        BrokenFileError: the file is not a picture.
    """
    with _OpenImage(path) as image:
        return (image.format or "") if _moves(image) else ""


def moving_frames(path: Path) -> Iterator[tuple[Image.Image, float]]:
    """Yield the frames of an animated picture in RGB, with the seconds that each is shown.

    All have the same, even size. A long animation is cut.

    Raises:
        BrokenFileError: the file is not a picture, or is damaged.
    """
    with _OpenImage(path) as image:
        shrink = max(max(image.size) / _FRAME_SIDE, 1)
        width, height = (max(round(side / shrink / 2) * 2, 2) for side in image.size)
        for number in range(min(getattr(image, "n_frames", 1), _MOST_FRAMES)):
            image.seek(number)
            image.load()
            milliseconds = image.info.get("duration") or 0
            seconds = milliseconds / 1000 if milliseconds > _TOO_SHORT_MS else _DEFAULT_FRAME_S
            yield _flatten(image).resize((width, height)), seconds


def common_frame(path: Path) -> tuple[int, int]:
    """Return width and height, in pixels, of a slideshow whose pictures have this one's shape.

    Raises:
        BrokenFileError: the file is not a picture.
    """
    with _OpenImage(path) as image:
        width, height = image.size
        if _orientation(image) in _TURNED:
            width, height = height, width
    share = max(min(width, height) / max(width, height), _FRAME_RATIO)
    long, short = _FRAME_SIDE, round(_FRAME_SIDE * share / 2) * 2
    return (long, short) if width > height else (short, long)


def make_thumbnail(path: Path) -> Path:
    """Make a JPEG thumbnail beside a picture: at most 320 x 320 pixels, always under 200 kB.

    Raises:
        BrokenFileError: the file is not a picture.
    """
    with _OpenImage(path) as image:
        target = path.with_suffix(".thumb.jpg")
        small = _upright(image, THUMBNAIL_SIDE)
        small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
        small.save(target, "JPEG", quality=80)
        return target


def ready_size(path: Path, side: int) -> tuple[int, int] | None:
    """Return width and height of a JPEG that can be sent as it is, with at most `side` pixels each.

    Return None for all other pictures. That it can be decoded is not checked, but that it ends.

    Raises:
        BrokenFileError: the file is not a picture.
    """
    with _OpenImage(path) as image:
        is_small = image.format == "JPEG" and max(image.size) <= side
        is_ready = is_small and _is_native(path, image) and _ends_as_jpeg(path)
        return image.size if is_ready else None


def open_upright(path: Path, side: int) -> Image.Image:
    """Return a picture in RGB as viewers show it, with a long side of at least `side` pixels.

    Larger pictures are shrunk while they are decoded, as far as that needs no filter.

    Raises:
        BrokenFileError: the file is not a picture.
    """
    with _OpenImage(path) as image:
        return _upright(image, side)


class _OpenImage:
    """Context manager that opens a picture and converts errors to `BrokenFileError`.

    The format is detected by content. Errors while the block reads the picture are converted, too:
    for damaged files, Pillow and its plugins raise whatever their parsers run into.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Image.Image:
        register_heif_opener()
        Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own limit also covers embedded frames.
        try:
            self._image = Image.open(self._path, formats=FORMATS)
        except Exception as error:
            raise BrokenFileError(type(error).__name__) from error
        if self._image.width * self._image.height > MAX_PIXELS:
            self._image.close()
            raise BrokenFileError("too many pixels")
        return self._image

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._image.close()
        if _is_damage(error):
            raise BrokenFileError(type(error).__name__) from error


def _is_damage(error: BaseException | None) -> bool:
    """Return True for errors that a damaged picture causes."""
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return False
    return isinstance(error, Exception) and not isinstance(error, ClipferryError)


def _moves(image: Image.Image) -> bool:
    return image.format in _MOVING and bool(getattr(image, "is_animated", False))


def _check_content(path: Path) -> None:
    """Decode a whole picture, unless it is a JPEG that ends like one.

    Raises:
        BrokenFileError: it is damaged.
    """
    with _OpenImage(path) as image:
        if image.format != "JPEG" or not _ends_as_jpeg(path):
            image.draft(None, _eighth(image))
            image.load()


def _ends_as_jpeg(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-len(_JPEG_END), os.SEEK_END)
        return file.read() == _JPEG_END


def _eighth(image: Image.Image) -> tuple[int, int]:
    """Return an eighth of a picture's width and height; a draft of 0 pixels is an error."""
    return max(image.width // 8, 1), max(image.height // 8, 1)


def _without_missing_end(path: Path) -> Path | None:
    """Return a copy of a JPEG whose end is missing, with an end; the missing part is grey.

    Return None if it is no such JPEG, or if less than half of it is there.
    """
    with _OpenImage(path) as image:
        if image.format not in {"JPEG", "MPO"}:
            return None
        is_progressive = bool(image.info.get("progressive"))
    data = path.read_bytes()
    # The first scan of a progressive JPEG has the whole picture, at a low quality.
    is_enough = (
        data.count(_JPEG_SCAN) > 1 if is_progressive else _share_of_rows(path) >= _LEAST_ROWS
    )
    if not is_enough:
        return None
    target = path.with_suffix(".whole.jpg")
    target.write_bytes(data + _JPEG_END)
    return target


def _share_of_rows(path: Path) -> float:
    """Return how much of a baseline JPEG can be decoded: what is missing below becomes grey."""
    with _OpenImage(path) as image, _partial_files():
        image.draft(None, _eighth(image))
        small = image.convert("RGB")
        there = ImageChops.difference(small, Image.new("RGB", small.size, _MISSING)).getbbox()
        return there[3] / small.height if there else 0.0


@contextmanager
def _partial_files() -> Iterator[None]:
    """Let Pillow decode the readable part of a file instead of raising an error."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


def _is_native(path: Path, image: Image.Image) -> bool:
    is_upright = _orientation(image) == 1
    return (
        image.format in _NATIVE
        and not _moves(image)
        and is_upright
        and image.mode in _NATIVE_MODES
        and _is_srgb(image.info.get("icc_profile", b""))
        and path.stat().st_size <= MAX_BYTES
        and _sides_fit(image)
    )


def _sides_fit(image: Image.Image) -> bool:
    long, short = max(image.size), min(image.size)
    return image.width + image.height <= MAX_SIDES and long <= short * MAX_RATIO


def _upright(image: Image.Image, side: int) -> Image.Image:
    """Return the picture as viewers show it, in RGB, its long side shrunk to `side` pixels or more.

    It is shrunk first, because every later step copies it: a small file may have 100 megapixels.
    """
    image.draft("RGB", (side, side))  # JPEG only: decodes at a half, a quarter or an eighth
    orientation = _orientation(image)
    # A little smaller is better than an enormous copy.
    factor = int(max(image.size) / side + 0.25)
    if factor > 1:
        small = _reduced(image, factor)
        image.close()
        image = small
    turned = image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
    return _flatten(turned)


def _reduced(image: Image.Image, factor: int) -> Image.Image:
    """Return a picture with a width and height that are smaller by `factor`.

    It is converted and reduced strip by strip, because both make full copies.
    """
    mode = "RGBA" if image.has_transparency_data else "RGB"
    small = Image.new(mode, (-(-image.width // factor), -(-image.height // factor)))
    rows = factor * max(_STRIP_PIXELS // (image.width * factor), 1)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        small.paste(_in_srgb(strip, mode).reduce(factor), (0, top // factor))
    return small


def _orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, from 1 (upright) to 8.

    Pillow decodes a whole PNG to look for EXIF data behind the picture, where nobody puts them.
    """
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    return int(image.getexif().get(_EXIF_ORIENTATION, 1) or 1)


def _flatten(image: Image.Image) -> Image.Image:
    """Return an RGB picture with a white background, because JPEG would show transparency black."""
    if not image.has_transparency_data:
        return _in_srgb(image, "RGB")
    image = _in_srgb(image, "RGBA")
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    return white.convert("RGB")


def _in_srgb(image: Image.Image, mode: str) -> Image.Image:
    """Return a picture in the mode "RGB" or "RGBA", its colours converted from its profile."""
    if image.mode.startswith("I"):  # 16-bit greys, of which Pillow would keep the low bits
        image = image.point(lambda value: value / 256).convert("L")
    profile = image.info.get("icc_profile", b"")
    if _is_srgb(profile):
        return image.convert(mode)
    source = image if image.mode in {"CMYK", "L"} else image.convert(mode)
    target = mode if source.mode == "RGBA" else "RGB"
    try:
        converted = ImageCms.applyTransform(source, _to_srgb(profile, source.mode, target))
    except _BAD_PROFILE:
        return image.convert(mode)
    assert converted
    converted.info.pop("icc_profile", None)
    return converted.convert(mode)


@lru_cache(maxsize=8)
def _to_srgb(profile: bytes, mode: str, target: str) -> ImageCms.ImageCmsTransform:
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(source, srgb, mode, target, ImageCms.Intent.PERCEPTUAL)


def _is_srgb(profile: bytes) -> bool:
    """Return True for no profile, for sRGB under any name, and for one that cannot be used."""
    if not profile:
        return True
    colours = Image.new("RGB", (len(_TEST_COLOURS), 1))
    colours.putdata(_TEST_COLOURS)
    try:
        space = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile.xcolor_space.strip()
        if space in _OTHER_SPACES:
            return False
        shown = ImageCms.applyTransform(colours, _to_srgb(profile, "RGB", "RGB"))
    except _BAD_PROFILE:
        return True
    assert shown
    pairs = zip(colours.tobytes(), shown.tobytes(), strict=True)
    return all(abs(before - after) <= _VISIBLE_LEVELS for before, after in pairs)


def _fit(image: Image.Image) -> Image.Image:
    """Scale down a picture that is too large, and pad a too narrow one with white."""
    if image.width + image.height > MAX_SIDES:
        share = MAX_SIDES / (image.width + image.height)
        image = image.resize((max(int(image.width * share), 1), max(int(image.height * share), 1)))
    shortest = -(-max(image.size) // MAX_RATIO)
    if min(image.size) < shortest:
        frame = (max(image.width, shortest), max(image.height, shortest))
        image = ImageOps.pad(image, frame, color="white")
    return image


def _save(image: Image.Image, target: Path) -> None:
    """Save a JPEG of at most 10 MB: lower the quality first, then the resolution."""
    for quality in (85, 75):
        image.save(target, "JPEG", quality=quality)
        if target.stat().st_size <= MAX_BYTES:
            return
    while target.stat().st_size > MAX_BYTES:
        image = image.resize((image.width * 3 // 4, image.height * 3 // 4))
        image.save(target, "JPEG", quality=75)
