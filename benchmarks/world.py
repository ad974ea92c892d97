"""Run the simulator in a process of its own, so that its CPU time is not counted as the bot's.

Prints one line of JSON when it is ready: {"server": …, "token": …, "large_file": …, "environment":
{…}}.
"""

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path

from simulator.samples import SampleStore, VideoSpec
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.sites.tiktok import Encoding, SamplePost
from simulator.telegram.world import Chat

POST = "7300000000000000001"
#: One post per parallel download; a repeated post would come from the file-id cache.
LARGE_POSTS = tuple(f"73000000000000001{n:02}" for n in range(50))
LARGE_BYTES = 20_000_000
#: Posts for the storm and for inline queries.
MANY_POSTS = tuple(f"73000000000000002{n:02}" for n in range(40))
#: Posts for the growth of a fleet; each is used once.
GROWTH_POSTS = tuple(f"730000000000000{n:04}" for n in range(2_000))
#: There, a page takes 2 s, and the upload of a file of 30 to 100 kB about 1 s.
_PAGE_S, _UPLOAD_BYTES_PER_S = 2.0, 80_000
_SIZES = (30_000, 45_000, 60_000, 80_000, 100_000)
#: Channel to which the bot uploads the media of inline messages.
STORAGE = -1_000_777


async def serve(folder: Path, *, is_slow: bool) -> None:
    """Serve until the process is killed; `is_slow` is for the growth of a fleet."""
    samples = SampleStore(folder / "samples")
    simulator = Simulator(folder, samples, Authority(folder))
    for post_id in (POST, *MANY_POSTS):
        simulator.site.add(SamplePost(post_id, encodings=(Encoding(samples.video(VideoSpec())),)))
    large = samples.video(VideoSpec(padded_bytes=LARGE_BYTES))
    for post_id in LARGE_POSTS:
        simulator.site.add(SamplePost(post_id, encodings=(Encoding(large),)))
    if is_slow:
        _be_slow(simulator, samples)
    simulator.world.chats[STORAGE] = Chat(STORAGE, "channel", title="Storage")
    await simulator.start()
    ready = {
        "server": simulator.address,
        "token": simulator.token,
        "large_file": str(large),
        "environment": simulator.bot_environment(folder),
    }
    print(json.dumps(ready), flush=True)
    await asyncio.Event().wait()


def _be_slow(simulator: Simulator, samples: SampleStore) -> None:
    small = VideoSpec(width=160, height=90, seconds=1, bit_rate=50_000)
    files = [samples.video(replace(small, padded_bytes=size)) for size in _SIZES]
    for number, post_id in enumerate(GROWTH_POSTS):
        video = Encoding(files[number % len(files)], width=160, height=90)
        simulator.site.add(SamplePost(post_id, encodings=(video,), duration_s=1))
    simulator.site.latency_s = _PAGE_S
    simulator.api.uploads.bytes_per_s = _UPLOAD_BYTES_PER_S


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), is_slow="slow" in sys.argv[2:]))
