"""Run the simulator in a process of its own, so that its CPU time is not counted as the bot's.

Prints one line of JSON when it is ready: {"server": …, "token": …, "environment": {…}}.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from simulator.catalogue import LINKS, add_people
from simulator.page import BotSwitch
from simulator.samples import SampleStore, VideoSpec
from simulator.server import Simulator
from simulator.sites.proxy import Authority
from simulator.sites.tiktok import Encoding, SamplePost
from simulator.telegram.files import Upload
from simulator.telegram.world import Chat

POST = "7300000000000000001"
#: One post per parallel download; a repeated post would come from the file-id cache.
LARGE_POSTS = tuple(f"73000000000000001{n:02}" for n in range(50))
LARGE_BYTES = 20_000_000
#: Posts for many links at once, with files of different sizes in turn.
BURST_POSTS = tuple(f"7300000000000003{n:03}" for n in range(100))
_BURST_SIZES = (500_000, 700_000, 1_000_000, 1_500_000, 3_000_000)
#: Posts for one link at a time.
SINGLE_POSTS = tuple(f"73000000000000004{n:02}" for n in range(15))
SINGLE_BYTES = 5_000_000
#: Posts for the storm and for inline queries.
MANY_POSTS = tuple(f"73000000000000002{n:02}" for n in range(40))
#: Posts for the growth of a fleet; each is used once.
GROWTH_POSTS = tuple(f"730000000000000{n:04}" for n in range(2_000))
#: There, a page takes 2 s, and the upload of a file of 30 to 100 kB about 1 s.
_PAGE_S, _UPLOAD_BYTES_PER_S = 2.0, 80_000
_SIZES = (30_000, 45_000, 60_000, 80_000, 100_000)
#: Channel to which the bot uploads the media of inline messages.
STORAGE = -1_000_777
#: User whose chat is long, and the number of messages in it.
TALKER, TALK = 901, 2_000


async def serve(folder: Path, options: Sequence[str]) -> None:
    """Serve until the process is killed.

    The options are "slow", for the growth of a fleet; "page", for the chat page; and "talk", for a
    long chat in it.
    """
    samples = SampleStore(folder / "samples")
    simulator = Simulator(folder, samples, Authority(folder))
    for post_id in (POST, *MANY_POSTS):
        simulator.site.add(SamplePost(post_id, encodings=(Encoding(samples.video(VideoSpec())),)))
    large = samples.video(VideoSpec(padded_bytes=LARGE_BYTES))
    for post_id in LARGE_POSTS:
        simulator.site.add(SamplePost(post_id, encodings=(Encoding(large),)))
    for number, post_id in enumerate(BURST_POSTS):
        size = _BURST_SIZES[number % len(_BURST_SIZES)]
        video = Encoding(samples.video(VideoSpec(padded_bytes=size)))
        simulator.site.add(SamplePost(post_id, encodings=(video,)))
    single = samples.video(VideoSpec(padded_bytes=SINGLE_BYTES))
    for post_id in SINGLE_POSTS:
        simulator.site.add(SamplePost(post_id, encodings=(Encoding(single),)))
    if "slow" in options:
        _be_slow(simulator, samples)
    if "page" in options:
        switch = BotSwitch(_kill_nothing, lambda: True)
        simulator.show_page(switch, [asdict(link) for link in LINKS])
        add_people(simulator.world)
    if "talk" in options:
        _talk(simulator, samples)
    simulator.world.chats[STORAGE] = Chat(STORAGE, "channel", title="Storage")
    await simulator.start()
    ready = {
        "server": simulator.address,
        "token": simulator.token,
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


async def _kill_nothing() -> None:
    """Leave the bot alone: it is the benchmark's, not the page's."""


def _talk(simulator: Simulator, samples: SampleStore) -> None:
    """Fill a chat with links, each answered by a video with a caption and buttons."""
    person = simulator.world.person(TALKER, "Grace")
    video = _kept(simulator, samples.video(VideoSpec()), "video")
    still = _kept(simulator, samples.picture(180, 320, "dawn"), "thumbnail")
    answer = {
        "video": {**video, "duration": 3, "thumbnail": still},
        "caption": "A boat under a sky whose colour depends on the label.",
        "reply_markup": {"inline_keyboard": [[{"text": "🎵", "callback_data": "sound/tiktok/1"}]]},
    }
    for number in range(TALK // 2):
        link = f"https://www.tiktok.com/@ferry.demo/video/{POST}{number}"
        asked = simulator.world.say(person, link)
        simulator.world.add_message(
            simulator.world.chats[TALKER], {**answer, "reply_to_message": asked}
        )


def _kept(simulator: Simulator, path: Path, kind: str) -> dict[str, Any]:
    """Return the JSON of a file that Telegram has."""
    upload = Upload(path, path.name, "", path.stat().st_size)
    file = simulator.api.files.keep(upload, kind)
    return {**file.as_json(), "width": file.width, "height": file.height}


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2:]))
