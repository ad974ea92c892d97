"""Run the simulator in a process of its own, so that its CPU time is not counted as the bot's.

Prints one line of JSON when it is ready: {"server": …, "token": …, "large_file": …, "environment":
{…}}.
"""

import asyncio
import json
import sys
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
#: Channel to which the bot uploads the media of inline messages.
STORAGE = -1_000_777


async def serve(folder: Path) -> None:
    """Serve until the process is killed."""
    samples = SampleStore(folder / "samples")
    simulator = Simulator(folder, samples, Authority(folder))
    for post_id in (POST, *MANY_POSTS):
        simulator.site.add(SamplePost(post_id, encodings=(Encoding(samples.video(VideoSpec())),)))
    large = samples.video(VideoSpec(padded_bytes=LARGE_BYTES))
    for post_id in LARGE_POSTS:
        simulator.site.add(SamplePost(post_id, encodings=(Encoding(large),)))
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


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
