"""The simulator as a process of its own, so that its work is not counted as the bot's.

Prints one line of JSON when it is ready: {"server": …, "ca_file": …, "environment": {…}}.
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
#: As many as are in flight at once: the same one again would come from Telegram's own store.
LARGE_POSTS = tuple(f"73000000000000001{n:02}" for n in range(50))
LARGE_BYTES = 20_000_000
#: For storms.
MANY_POSTS = tuple(f"73000000000000002{n:02}" for n in range(40))
#: A channel for inline mode.
STORAGE = -1_000_777


async def serve(folder: Path) -> None:
    """Serve until the process is ended."""
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
