"""Measure media processing against the ffmpeg program, PyAV or Pillow doing the same work alone.

Both sides run in the worker process and are timed there: they have the same priority.
"""

import asyncio
import os
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

import imageio_ffmpeg

from benchmarks import bare_media
from benchmarks.results import Result, Rounds, ratios
from benchmarks.stage import World
from core.playback import encoding_for
from media import encoding, images, video
from media.worker_pool import WorkerPool
from simulator.samples import SampleStore, VideoSpec

_LIMIT_BYTES = 50_000_000
Work = Callable[[], object]


def files(world: World) -> list[Result]:
    """Measure probing with stills, remuxing, encoding and picture conversion, one file each."""
    return asyncio.run(_measure(world.folder))


async def _measure(folder: Path) -> list[Result]:
    samples = SampleStore(folder / "samples")
    plain = samples.video(VideoSpec(width=1080, height=1920, seconds=10, bit_rate=4_000_000))
    late = samples.video(
        VideoSpec(width=1080, height=1920, seconds=10, bit_rate=4_000_000, is_fast_start=False)
    )
    heic = samples.heic(1440, 1920, "bench")
    jpeg = samples.picture(1440, 1920, "bench")
    still = samples.picture(1080, 1920, "bench")
    return [
        await _result(
            "1080p video, thumbnail and cover",
            partial(video.examine, plain, None, _LIMIT_BYTES),
            ("PyAV alone", partial(bare_media.look_into, plain)),
            most_ms=20,
        ),
        await _result(
            "the same, with the site's still",
            partial(video.examine, plain, still, _LIMIT_BYTES),
            ("Pillow alone", partial(bare_media.shrink, still, folder / "still.jpg")),
            most_ms=20,
        ),
        await _result(
            "moov to the front, 10 s 1080p",
            partial(encoding.move_index, late),
            _ffmpeg("-i", late, "-c", "copy", "-movflags", "+faststart", folder / "moved.mp4"),
        ),
        await _encoding(samples, folder),
        await _result(
            "HEIC to JPEG, 1440 x 1920",
            partial(images.make_native, heic),
            ("Pillow alone", partial(bare_media.convert, heic, folder / "heic.jpg")),
        ),
        await _result(
            "JPEG without conversion",
            partial(images.make_native, jpeg),
            ("Pillow alone", partial(bare_media.open_only, jpeg)),
        ),
    ]


async def _encoding(samples: SampleStore, folder: Path) -> Result:
    """Measure encoding; ffmpeg gets the same parameters, and uses all cores by itself."""
    h265 = samples.video(VideoSpec(width=1080, height=1920, seconds=5, encoder="libx265"))
    plan = encoding_for(video.measure(h265), _LIMIT_BYTES)
    assert plan
    parameters = (
        f"-vf scale={plan.width}:{plan.height} -c:v libx264 -preset veryfast -crf 23 "
        f"-maxrate {plan.bit_rate} -bufsize {plan.bit_rate // 2} "
        f"-c:a aac -b:a {plan.audio_bit_rate} -ar 44100 -ac 2 -movflags +faststart"
    )
    return await _result(
        "H.265 to H.264, 5 s 1080p",
        partial(encoding.encode, h265, plan),
        _ffmpeg("-i", h265, *parameters.split(), folder / "encoded.mp4"),
        rounds=3,
        most_ratio=1.2,
    )


async def _result(
    what: str,
    ours: Work,
    baseline: tuple[str, Work],
    *,
    rounds: int = 11,
    most_ms: float | None = None,
    most_ratio: float | None = None,
) -> Result:
    """Measure one kind of work in a worker of its own: the order of the rows plays no part."""
    worker_pool = WorkerPool(1, limit_s=120, memory_mb=800)
    name, other = baseline
    times, others = [], []
    try:
        await worker_pool.run(
            bare_media.timed, ours
        )  # not measured: the worker starts, and imports
        for _ in range(rounds):
            times.append(await worker_pool.run(bare_media.timed, ours))
            others.append(await worker_pool.run(bare_media.timed, other))
        memory = f"{await _peak_mb(worker_pool):.0f} MiB worker"
    finally:
        worker_pool.close()
    took, share = Rounds(times), ratios(times, others)
    limits = [(took, most_ms, "≤ {} ms"), (share, most_ratio, "≤ {}")]
    promises = [(rounds, most, text) for rounds, most, text in limits if most is not None]
    return Result(
        what,
        f"{took.median:.0f} ms ({memory})",
        f"{Rounds(others).median:.0f} ms {name}",
        f"{share.median:.2f}",
        ", ".join(text.format(most) for _, most, text in promises) or "-",
        all(measured.is_at_most(most) for measured, most, _ in promises),
    )


def _ffmpeg(*arguments: str | Path) -> tuple[str, Work]:
    """Return what runs the program that comes in the wheel."""
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-v", "error", "-y", *map(str, arguments)]
    return "ffmpeg", partial(subprocess.run, command, check=True)


async def _peak_mb(worker_pool: WorkerPool) -> float:
    """Return the peak memory of the worker process in MiB."""
    pid = await worker_pool.run(os.getpid)
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024
