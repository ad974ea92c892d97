"""One process of a fleet that only sends: `benchmarks.fleet` measures several of them.

Prints one line of JSON at the end: CPU seconds for each message.
"""

import asyncio
import json
import sys
import time

from data import database
from data.pace import claim_turns
from delivery.client import PacePolicy, make_bot


async def send(
    url: str, server: str, token: str, first_chat: int, number: int, *, is_shared: bool
) -> None:
    """Send a message to each of `number` chats, as fast as the pace allows."""
    database.initialize_database_components(url)
    pace = PacePolicy(claim=claim_turns if is_shared else None)
    bot = make_bot(token, server=server, connections=50, pace=pace)
    await bot.get_me()
    cpu = time.process_time()
    chats = range(first_chat, first_chat + number)
    await asyncio.gather(*(bot.send_message(chat, "x") for chat in chats))
    cpu = time.process_time() - cpu
    await bot.session.close()
    await database.close()
    print(json.dumps({"cpu_s": cpu / number}), flush=True)


if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    asyncio.run(send(**options))
