"""Pictures of every kind become what Telegram takes, and broken ones are named."""

import errno
import gc
import io
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw

from core.errors import BrokenFileError
from media import images
from media.images import make_native, with_true_name
from media.integrity import is_truncated
from simulator.samples import SampleStore


def drawn(width: int = 300, height: int = 200, mode: str = "RGB") -> Image.Image:
    """Draw a picture that is red on its left."""
    image = Image.new(mode, (width, height), "blue" if mode == "RGB" else (0, 0, 0, 0))
    ImageDraw.Draw(image).rectangle((0, 0, width // 2, height), fill="red")
    return image


def checked(path: Path) -> Image.Image:
    """Open a result and hold it to Telegram's rules."""
    with Image.open(path) as image:
        image.load()
    assert image.format in {"JPEG", "PNG", "WEBP"}
    assert path.stat().st_size <= 10 * 1024 * 1024
    assert image.width + image.height <= 10_000
    assert max(image.size) <= 20 * min(image.size)
    return image


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_telegram_takes_is_left_alone_whatever_its_name(tmp_path: Path, kind: str):
    path = tmp_path / "post_1"
    drawn().save(path, kind)
    assert make_native(path) == path


@pytest.mark.parametrize("kind", ["AVIF", "TIFF", "BMP", "GIF"])
def test_other_kinds_become_jpeg(tmp_path: Path, kind: str):
    path = tmp_path / "post_1"
    drawn().save(path, kind)
    image = checked(make_native(path))
    assert (image.format, image.size) == ("JPEG", (300, 200))
    left = image.convert("RGB").getpixel((20, 100))
    assert isinstance(left, tuple)
    assert left[0] > 200 > 100 > left[2]


def test_heic_becomes_jpeg(samples: SampleStore, tmp_path: Path):
    path = tmp_path / "post_1"
    path.write_bytes(samples.heic(300, 200, "x").read_bytes())
    assert checked(make_native(path)).size == (300, 200)


def test_a_moving_webp_becomes_a_still(tmp_path: Path):
    path = tmp_path / "post_1"
    frames = [drawn(), drawn().rotate(180)]
    frames[0].save(path, "WEBP", save_all=True, append_images=frames[1:])
    assert checked(make_native(path)).format == "JPEG"


def test_what_lies_on_its_side_is_put_upright(tmp_path: Path):
    path = tmp_path / "post_1"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    drawn().save(path, "JPEG", exif=exif)
    image = checked(make_native(path))
    assert image.size == (200, 300)


def test_what_is_transparent_becomes_white_and_not_black(tmp_path: Path):
    path = tmp_path / "post_1"
    drawn(mode="RGBA").save(path, "TIFF")
    pixel = checked(make_native(path)).getpixel((290, 100))
    assert isinstance(pixel, tuple)
    assert min(pixel) > 240


@pytest.mark.parametrize(("width", "height"), [(9_000, 6_000), (5_000, 100), (3, 4_000)])
def test_what_is_too_large_or_too_long_is_fitted(tmp_path: Path, width: int, height: int):
    path = tmp_path / "post_1"
    drawn(width, height).save(path, "PNG")
    checked(make_native(path))


def test_what_is_too_heavy_is_made_lighter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "post_1"
    Image.effect_noise((900, 900), 100).convert("RGB").save(path, "PNG")
    monkeypatch.setattr(images, "MAX_BYTES", 100_000)
    assert make_native(path).stat().st_size <= 100_000


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"\xff\xd8\xff\xe0 broken", b"\x00\x00\x00\x18ftypheic" + b"x" * 50]
)
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes):
    path = tmp_path / "post_1"
    path.write_bytes(content)
    for work in (make_native, with_true_name):
        with pytest.raises(BrokenFileError):
            work(path)


def test_half_a_picture_is_broken(tmp_path: Path):
    path = tmp_path / "post_1"
    drawn().save(path, "TIFF")
    path.write_bytes(path.read_bytes()[:-50_000])
    with pytest.raises(BrokenFileError):
        make_native(path)


def test_a_bomb_is_refused_unopened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "post_1"
    drawn(2_000, 2_000).save(path, "BMP")
    monkeypatch.setattr(images, "MAX_PIXELS", 1_000_000)
    with pytest.raises(BrokenFileError):
        make_native(path)


@pytest.mark.parametrize(
    ("kind", "extension"), [("JPEG", "jpg"), ("PNG", "png"), ("WEBP", "webp"), ("AVIF", "avif")]
)
def test_a_file_gets_the_extension_of_what_it_holds(tmp_path: Path, kind: str, extension: str):
    path = tmp_path / "post_1"
    drawn().save(path, kind)
    content = path.read_bytes()
    renamed = with_true_name(path)
    assert renamed.name == f"post_1.{extension}"
    assert renamed.read_bytes() == content


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


#: Colour profiles that littleCMS refuses to open.
BAD_PROFILES = {
    "garbage": b"no profile" * 20,
    "one byte": b"x",
    "cut off": srgb_profile()[:200],
    "cut off, of greys": srgb_profile()[:200].replace(b"RGB ", b"GRAY"),
    "without content": srgb_profile()[:128] + bytes(500),
}


@pytest.mark.parametrize("profile", BAD_PROFILES.values(), ids=BAD_PROFILES)
@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "RGB"), ("JPEG", "L"), ("PNG", "RGBA"), ("PNG", "L"), ("PNG", "P"), ("WEBP", "RGB")],
)
def test_a_picture_with_an_unusable_profile_is_sent_untouched(
    kind: str, mode: str, profile: bytes, tmp_path: Path
):
    path = tmp_path / "post_1"
    drawn().convert(mode).save(path, kind, icc_profile=profile)
    before = path.read_bytes()
    assert make_native(path) == path
    assert path.read_bytes() == before


@pytest.mark.parametrize("profile", BAD_PROFILES.values(), ids=BAD_PROFILES)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_picture_with_an_unusable_profile_is_converted(mode: str, profile: bytes, tmp_path: Path):
    path = tmp_path / "post_1"
    drawn().convert(mode).save(path, "TIFF", icc_profile=profile)
    assert checked(make_native(path)).size == (300, 200)


def save_views(path: Path, kind: str) -> None:
    """Save a still with a second picture: another view, a depth map, or a page."""
    drawn().save(path, kind, save_all=True, append_images=[drawn().rotate(180)])


@pytest.mark.parametrize("kind", ["MPO", "HEIF", "TIFF"])
def test_further_views_of_a_still_are_no_animation(kind: str, tmp_path: Path):
    path = tmp_path / "post_1"
    save_views(path, kind)
    with Image.open(path) as views:
        assert getattr(views, "n_frames", 1) == 2
    assert images.moving_format(path) == ""
    image = checked(make_native(path))
    assert (image.format, image.size) == ("JPEG", (300, 200))
    left = image.convert("RGB").getpixel((20, 100))
    assert isinstance(left, tuple)
    assert left[0] > 200 > 100 > left[2]


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_more_than_one_frame_is_an_animation(kind: str, tmp_path: Path):
    path = tmp_path / "post_1"
    save_views(path, kind)
    assert images.moving_format(path) == kind
    drawn().save(path, kind)
    assert images.moving_format(path) == ""


SIZES = [(1, 1), (5, 5), (7, 100), (100, 7), (1, 300)]


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "TIFF", "BMP"])
def test_a_tiny_picture_is_like_any_other(kind: str, size: tuple[int, int], tmp_path: Path):
    path = tmp_path / "post_1"
    drawn(*size).save(path, kind)
    checked(make_native(path))
    checked(images.make_modest(path))
    thumbnail = images.make_thumbnail(path)
    assert max(images.open_upright(thumbnail, 1).size) <= images.THUMBNAIL_SIDE
    assert images.open_upright(path, 1280).size == size
    assert images.moving_format(path) == ""
    assert [frame.size for frame, _ in images.moving_frames(path)] == [
        tuple(max(round(side / 2) * 2, 2) for side in size)
    ]
    assert max(images.common_frame(path)) == 1280
    assert with_true_name(path).exists()


@pytest.mark.parametrize("size", [(1, 1), (5, 5), (7, 100)], ids=str)
def test_a_tiny_jpeg_without_its_end_is_shown_or_refused(size: tuple[int, int], tmp_path: Path):
    path = tmp_path / "post_1"
    drawn(*size).save(path, "JPEG")
    path.write_bytes(path.read_bytes()[:-3])
    try:
        assert checked(make_native(path)).size[0] >= size[0]
    except BrokenFileError as error:
        assert error.detail  # noqa: PT017


#: Errors that Pillow and pillow_heif were seen to raise for damaged files, and the ones they might.
PARSER_ERRORS = [
    IndexError("list index out of range"),
    KeyError(1),
    MemoryError(),
    OverflowError(),
    RuntimeError("Failed to decode frame 0"),
    TypeError("unsupported operand"),
    ZeroDivisionError(),
]


@pytest.mark.parametrize("error", PARSER_ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("when", ["open", "load"])
@pytest.mark.parametrize(
    "work", [make_native, images.make_modest, images.make_thumbnail, list], ids=lambda w: w.__name__
)
def test_whatever_a_parser_raises_is_damage(
    work: Callable[..., object],
    when: str,
    error: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    path = tmp_path / "post_1"
    drawn().save(path, "PNG")

    def failing(*_: object, **__: object) -> None:
        raise error

    if when == "open":
        monkeypatch.setattr(Image, "open", failing)
    else:
        monkeypatch.setattr("PIL.ImageFile.ImageFile.load", failing)
    with pytest.raises(BrokenFileError):
        work(images.moving_frames(path) if work is list else path)


def test_a_full_disk_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "post_1"
    drawn().save(path, "BMP")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    for work in (make_native, images.make_modest, images.make_thumbnail):
        with pytest.raises(OSError, match="No space left"):
            work(path)


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    save_all = kind not in {"JPEG", "BMP"}
    others = {"save_all": True, "append_images": [drawn(48, 32).rotate(180)]} if save_all else {}
    drawn(48, 32).save(buffer, kind, **others)
    return buffer.getvalue()


@hypothesis_settings(
    max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(data=st.data())
def test_damaged_pictures_raise_nothing_but_our_errors(data: st.DataObject, tmp_path: Path):
    kinds = ["PNG", "JPEG", "MPO", "GIF", "WEBP", "AVIF", "HEIF", "TIFF", "BMP"]
    content = bytearray(encoded(data.draw(st.sampled_from(kinds))))
    for _ in range(data.draw(st.integers(1, 30))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "post_1"
    path.write_bytes(content[: data.draw(st.integers(len(content) // 3, len(content)))])
    is_truncated(path)
    for work in (
        images.moving_format,
        lambda path: list(images.moving_frames(path)),
        make_native,
        images.make_modest,
        images.make_thumbnail,
        images.common_frame,
        with_true_name,
    ):
        with suppress(BrokenFileError), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # as in production
            work(path)
        if not path.exists():
            break


def test_profiles_of_many_pictures_are_not_kept(tmp_path: Path):
    """A worker lives for weeks, and a profile may have a megabyte."""
    profile = srgb_profile()
    for number in range(40):
        path = tmp_path / f"post_{number}"
        # The profile's creation date, which changes nothing but the bytes.
        drawn().save(path, "JPEG", icc_profile=profile[:24] + bytes([0, number]) + profile[26:])
        make_native(path)
    kept = [o for o in gc.get_objects() if isinstance(o, ImageCms.ImageCmsTransform)]
    assert 0 < len(kept) <= 16
