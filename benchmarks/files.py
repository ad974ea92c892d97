"""Measure media processing against FFmpeg's command line, or Pillow, doing the same work alone."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from PIL import Image
from pillow_heif import register_heif_opener

from benchmarks.results import Result
from benchmarks.stage import World
from core.playback import encoding_for
from media import encoding, images, video
from media.worker_pool import WorkerPool
from simulator.samples import SampleStore, VideoSpec

_ROUNDS = 5


def files(world: World) -> list[Result]:
    """Measure probing with stills, remuxing, encoding and picture conversion, one file each."""
    return asyncio.run(_measure(world.folder))


async def _measure(folder: Path) -> list[Result]:
    samples = SampleStore(folder / "samples")
    plain = samples.video(VideoSpec(width=1080, height=1920, seconds=10, bit_rate=4_000_000))
    late = samples.video(
        VideoSpec(width=1080, height=1920, seconds=10, bit_rate=4_000_000, is_fast_start=False)
    )
    h265 = samples.video(VideoSpec(width=1080, height=1920, seconds=5, encoder="libx265"))
    heic = samples.heic(1440, 1920, "bench")
    jpeg = samples.picture(1440, 1920, "bench")
    plan = encoding_for(video.measure(h265), 50_000_000)
    assert plan
    out = str(folder / "baseline")
    scale = f"scale={plan.width}:{plan.height}"
    still = ["-ss", "1", "-i", str(plain), "-frames:v", "1"]
    return [
        await _result(
            "probe a video, thumbnail and cover",
            partial(video.examine, plain, None, 50_000_000),
            *_ffmpeg(*still, f"{out}.jpg"),
        ),
        await _result(
            "moov to the front, 10 s 1080p",
            partial(encoding.move_index, late),
            *_ffmpeg("-i", str(late), "-c", "copy", "-movflags", "+faststart", f"{out}.mp4"),
        ),
        await _result(
            "H.265 to H.264, 5 s 1080p",
            partial(encoding.encode, h265, plan),
            *_ffmpeg("-i", str(h265), "-vf", scale, "-preset", "veryfast", f"{out}2.mp4"),
            rounds=1,
        ),
        await _result(
            "HEIC to JPEG, 1440 x 1920",
            partial(images.make_native, heic),
            "Pillow alone",
            lambda: _convert(heic, f"{out}.jpg"),
        ),
        await _result(
            "JPEG without conversion",
            partial(images.make_native, jpeg),
            "Pillow alone",
            lambda: Image.open(jpeg).close(),
        ),
    ]


async def _result(
    what: str,
    ours: Callable[[], object],
    baseline_name: str,
    baseline: Callable[[], object] | None,
    *,
    rounds: int = _ROUNDS,
) -> Result:
    """Measure one kind of work in a worker of its own: the order of the rows plays no part."""
    worker_pool = WorkerPool(1, limit_s=120, memory_mb=800)
    try:
        await worker_pool.run(os.getpid)  # not measured: the start of the worker
        times, baselines = [], []
        for _ in range(rounds):
            times.append(await _time(worker_pool.run(ours)))
            if baseline:
                baselines.append(await _time(asyncio.to_thread(baseline)))
        took = sorted(times)[rounds // 2] * 1000
        value = f"{took:.0f} ms ({await _peak_mb(worker_pool):.0f} MiB worker)"
    finally:
        worker_pool.close()
    if not baselines:
        return Result(what, value, "ffmpeg is not installed", "-", "-", is_met=True)
    baseline_took = sorted(baselines)[rounds // 2] * 1000
    ratio = took / baseline_took
    return Result(
        what, value, f"{baseline_took:.0f} ms {baseline_name}", f"{ratio:.2f}", "-", is_met=True
    )


async def _time(work: Awaitable[object]) -> float:
    started = time.perf_counter()
    await work
    return time.perf_counter() - started


def _ffmpeg(*arguments: str) -> tuple[str, Callable[[], object] | None]:
    program = shutil.which("ffmpeg")
    if program is None:
        return "", None
    command = [program, "-v", "error", "-y", *arguments]
    return "ffmpeg", lambda: subprocess.run(command, check=True)


def _convert(source: Path, target: str) -> None:
    register_heif_opener()
    with Image.open(source) as image:
        image.convert("RGB").save(target, "JPEG", quality=85)


async def _peak_mb(worker_pool: WorkerPool) -> float:
    """Return the peak memory of the worker process in MiB."""
    pid = await worker_pool.run(os.getpid)
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024
