"""The bot's own process names the work on files, and loads neither FFmpeg nor Pillow for it."""

import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from data.config import ROOT
from media.worker_names import NamedModule
from media.worker_pool import WorkerPool

IMAGES = NamedModule("media.images")
LOADED = "import app.container, sys; sys.stdout.write(str({'av', 'PIL'} & set(sys.modules)))"


def test_the_program_starts_without_the_libraries_of_its_workers():
    process = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert process.stdout == "set()"


async def test_a_worker_runs_what_is_named(tmp_path: Path):
    path = tmp_path / "picture"
    Image.new("RGB", (640, 480)).save(path, "PNG")
    worker_pool = WorkerPool(1, limit_s=60, memory_mb=800)
    try:
        thumbnail = await worker_pool.run(IMAGES.make_thumbnail, path)
        with Image.open(thumbnail) as image:
            assert image.size == (320, 240)
    finally:
        worker_pool.close()


def test_names_survive_the_way_to_a_worker_with_their_arguments():
    work = partial(IMAGES.open_upright, side=1)
    restored = pickle.loads(pickle.dumps(work))
    assert (restored.func, restored.keywords) == (work.func, {"side": 1})


def test_a_name_of_nothing_is_noticed_where_it_is_called():
    with pytest.raises(AttributeError, match="make_tea"):
        IMAGES.make_tea()
