"""Convert pictures for Telegram. Runs in worker processes, so it imports little.

A photo is a JPEG, PNG or still WebP of at most 10 MB. Width and height add up to at most 10 000
pixels, and the longer side is at most 20 times the shorter. Source: https://core.telegram.org/bots/api#sendphoto
"""

from pathlib import Path
from typing import Final

from PIL import Image, ImageOps
from pillow_heif import register_heif_opener

from core.errors import BrokenFileError

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_SIDES: Final = 10_000
#: Maximum width and height of a thumbnail, in pixels.
#: Source: https://core.telegram.org/bots/api#sendaudio
THUMBNAIL_SIDE: Final = 320
MAX_RATIO: Final = 20
#: Long side of a slideshow's frame, in pixels.
_FRAME_SIDE: Final = 1280
#: Minimum ratio of a slideshow frame's short side to its long side.
_FRAME_RATIO: Final = 9 / 16
#: Pictures with more pixels are rejected before decoding: a small file can need gigabytes.
MAX_PIXELS: Final = 100_000_000

_NATIVE = {"JPEG", "PNG", "WEBP"}
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
#: Pixels that are converted at a time when a picture is shrunk.
_STRIP_PIXELS: Final = 4_000_000


def make_native(path: Path) -> Path:
    """Return a picture that can be sent as a photo: the file itself, or a new JPEG beside it.

    Raises:
        BrokenFileError: the file is not a picture, is damaged, or has too many pixels.
    """
    with _OpenImage(path) as image:
        if _is_native(path, image):
            return path
        target = path.with_suffix(".sent.jpg")
        side = max(image.size) * min(MAX_SIDES / sum(image.size), 1)
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


def is_moving(path: Path) -> bool:
    """Return True if a picture is an animated GIF.

    Other animated formats count as stills, and their first frame is sent.

    Raises:
        BrokenFileError: the file is not a picture.
    """
    with _OpenImage(path) as image:
        return image.format == "GIF" and bool(getattr(image, "is_animated", False))


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

    The format is detected by content. Errors while the block reads the picture are converted, too.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Image.Image:
        register_heif_opener()
        Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own limit also covers embedded frames.
        try:
            self._image = Image.open(self._path)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise BrokenFileError(type(error).__name__) from error
        if self._image.width * self._image.height > MAX_PIXELS:
            self._image.close()
            raise BrokenFileError("too many pixels")
        return self._image

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self._image.close()
        if isinstance(error, OSError | ValueError | SyntaxError | Image.DecompressionBombError):
            raise BrokenFileError(type(error).__name__) from error


def _is_native(path: Path, image: Image.Image) -> bool:
    is_upright = _orientation(image) == 1
    is_still = not getattr(image, "is_animated", False)
    return (
        image.format in _NATIVE
        and is_still
        and is_upright
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
        small.paste(strip.convert(mode).reduce(factor), (0, top // factor))
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
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image)
        image = white
    return image.convert("RGB")


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
