"""Pictures of every kind become what Telegram takes, and broken ones are named."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from core.errors import BrokenFileError
from media import images
from media.images import make_native, with_true_name
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
