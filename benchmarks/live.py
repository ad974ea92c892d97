"""Read real posts through the bot's normal code path (`make live`).

Needs internet access; useful after an update of yt-dlp. Downloads pages only, no media.
"""

import asyncio
import sys

from core.errors import ClipferryError
from data.config import load_default_settings
from platforms import Fetcher, FetchPolicy, load_proxies, load_registry


async def main(urls: list[str]) -> int:
    """Read each post and print the result; return the number of failures, at most 100."""
    network = load_default_settings().network
    proxies = load_proxies(network.proxy_file, include_direct=network.proxy_include_direct)
    policy = FetchPolicy(attempts=3, budget_s=60, stall_s=20, impersonate=network.impersonate)
    fetcher = Fetcher(load_registry(), proxies, policy)
    failures = 0
    for url in urls:
        link = fetcher.registry.find(url)
        if link is None:
            print(f"{url}: not a link of any platform")
            failures += 1
            continue
        try:
            post = await fetcher.attempt(link, lambda attempt: attempt.read())
        except ClipferryError as error:
            print(f"{url}: {type(error).__name__}: {error}")
            failures += 1
        else:
            print(f"{url}: {post.details.author}, {len(post.items)} items")
    await fetcher.close()
    return min(failures, 100)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
